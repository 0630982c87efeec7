"""The layout of each packet type (chapter 3 of both standards), written once.

Each function reads what follows the fixed header and returns attributes of `Packet`. The same functions serve
decoding (with a plain Reader) and explaining (with a Reader that notes down every field it is asked for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.message import Will
from mqttkit.packets.names import MQTT_5, PROTOCOL_NAME
from mqttkit.packets.printable import show_text
from mqttkit.packets.read_properties import read_properties
from mqttkit.packets.reasons import reason_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.packets.reader import Reader

Values = dict[str, Any]


def read_connect(r: Reader) -> Values:
    """CONNECT (3.1)."""
    _read_protocol(r)
    flags = _read_connect_flags(r)
    values: Values = {"protocol": r.protocol, "clean_session": bool(flags & 2), "keep_alive": r.uint16("Keep Alive")}
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "CONNECT")
    values["client_id"] = r.text("Client Identifier")
    if flags & 4:
        values |= _read_will(r, flags)
    if flags & 0x80:
        values["username"] = r.text("User Name")
    if flags & 0x40:
        values["password"] = r.binary("Password")
    return values


def read_connack(r: Reader) -> Values:
    """CONNACK (3.2). One of two bytes is that of a broker that does not speak MQTT 5."""
    if r.protocol == MQTT_5 and r.left == 2:  # noqa: PLR2004
        r.protocol = 4
    flags = r.byte("Connect Acknowledge Flags")
    if flags & 0xFE:
        found = f"the Connect Acknowledge Flags are 0x{flags:02X}"
        r.fail(found, "Bits 7 to 1 are reserved and must be 0", "/3.2.2-1", r.at - 1)
    code = _read_code(r, "Connect Return code", "3.2.2-6/3.2.2-8")
    if code and flags:
        found = f"Session Present is 1 although the code is {code}"
        r.fail(found, "It must be 0 when the connection is refused", "3.2.2-4/3.2.2-6", r.at - 2)
    values: Values = {"protocol": r.protocol, "session_present": bool(flags), "return_code": code}
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "CONNACK")
    return values


def read_publish(r: Reader) -> Values:
    """PUBLISH (3.3)."""
    first = r.data[0]
    qos, dup = first >> 1 & 3, bool(first & 8)
    if qos == 3:  # noqa: PLR2004 - the two bits of QoS allow one value too many
        r.fail("both QoS bits are 1, which would be QoS 3", "QoS is 0, 1 or 2", "3.3.1-4", 0)
    if dup and not qos:
        r.fail("DUP is 1 at QoS 0", "A QoS 0 message is never sent again, so DUP must be 0", "3.3.1-2", 0)
    values: Values = {"qos": qos, "dup": dup, "retain": bool(first & 1), "topic": _read_topic(r)}
    start = r.at - 2
    if qos:
        values["packet_id"] = r.packet_id()
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "PUBLISH")
        if not values["topic"] and "topic_alias" not in values["properties"]:
            r.fail("Topic Name is empty", "Without a Topic Alias it needs at least one character", "4.7.3-1", start)
    values["payload"] = r.rest("Payload")
    return values


def read_ack(r: Reader) -> Values:
    """PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7)."""
    values: Values = {"packet_id": r.packet_id()}
    if r.protocol == MQTT_5:
        section = {"PUBACK": "3.4", "PUBREC": "3.5", "PUBREL": "3.6", "PUBCOMP": "3.7"}[r.type]
        values |= _read_optional_reason(r, f"{section}.2-1")
    return values


def read_subscribe(r: Reader) -> Values:
    """SUBSCRIBE (3.8)."""
    values: Values = {"packet_id": r.packet_id()}
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "SUBSCRIBE")
    _want_more(r, "a topic filter", "3.8.3-3/3.8.3-2")
    filters, options = [], []
    while r.left:
        topic_filter = r.topic_filter("Topic Filter")
        options.append(_read_options(r, topic_filter))
        filters.append((topic_filter, options[-1] & 3))
    return values | {"filters": tuple(filters), "options": tuple(options)}


def read_suback(r: Reader) -> Values:
    """SUBACK (3.9)."""
    values: Values = {"packet_id": r.packet_id()}
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "SUBACK")
    _want_more(r, "a return code", "3.8.4-5/3.8.4-6")
    codes = []
    while r.left:
        codes.append(_read_code(r, "Return Code", "3.9.3-2"))
    return values | {"return_codes": tuple(codes)}


def read_unsubscribe(r: Reader) -> Values:
    """UNSUBSCRIBE (3.10)."""
    values: Values = {"packet_id": r.packet_id()}
    if r.protocol == MQTT_5:
        values["properties"] = read_properties(r, "UNSUBSCRIBE")
    _want_more(r, "a topic filter", "3.10.3-2")
    filters = []
    while r.left:
        filters.append((r.topic_filter("Topic Filter"), 0))
    return values | {"filters": tuple(filters)}


def read_unsuback(r: Reader) -> Values:
    """UNSUBACK (3.11); only MQTT 5 answers each filter with a code."""
    values: Values = {"packet_id": r.packet_id()}
    if r.protocol != MQTT_5:
        return values
    values["properties"] = read_properties(r, "UNSUBACK")
    _want_more(r, "a reason code", "3.11.3-1")
    codes = []
    while r.left:
        codes.append(_read_code(r, "Reason Code", "3.11.3-2"))
    return values | {"return_codes": tuple(codes)}


def read_nothing(r: Reader) -> Values:  # noqa: ARG001 - all readers take the same
    """PINGREQ and PINGRESP (3.12, 3.13)."""
    return {}


def read_disconnect(r: Reader) -> Values:
    """DISCONNECT (3.14); only MQTT 5 says why."""
    return _read_optional_reason(r, "3.14.2-1") if r.protocol == MQTT_5 else {}


def read_auth(r: Reader) -> Values:
    """AUTH (MQTT 5, 3.15)."""
    return _read_optional_reason(r, "3.15.2-1")


def _read_protocol(r: Reader) -> None:
    """Reads Protocol Name and Protocol Level; from here on the reader follows the version the CONNECT asks for."""
    start, name = r.at + 2, r.text("Protocol Name")
    if name not in PROTOCOL_NAME.values():
        r.fail(f"Protocol Name is {show_text(name)!r}", "MQTT 3.1.1 and MQTT 5 want 'MQTT'", "3.1.2-1", start)
    level = r.byte("Protocol Level")
    if PROTOCOL_NAME.get(level) != name:
        wanted = "It is 4 for MQTT 3.1.1, 5 for MQTT 5 (and 3 with the name 'MQIsdp')"
        r.fail(f"Protocol Level is {level} with the name {name!r}", wanted, "3.1.2-2", r.at - 1)
    r.protocol = level


def _read_connect_flags(r: Reader) -> int:
    flags, at = r.byte("Connect Flags"), r.at - 1
    will_qos = flags >> 3 & 3
    if flags & 1:
        r.fail("bit 0 of the Connect Flags is 1", "It is reserved and must be 0", "3.1.2-3", at)
    if will_qos == 3:  # noqa: PLR2004
        r.fail("both Will QoS bits are 1, which would be QoS 3", "QoS is 0, 1 or 2", "3.1.2-14/3.1.2-12", at)
    if will_qos and not flags & 4:
        r.fail(f"Will QoS is {will_qos} without a will", "It must be 0 when Will Flag is 0", "3.1.2-13/3.1.2-11", at)
    if flags & 0x20 and not flags & 4:
        r.fail("Will Retain is 1 without a will", "It must be 0 when Will Flag is 0", "3.1.2-15/3.1.2-13", at)
    if flags & 0x40 and not flags & 0x80 and r.protocol != MQTT_5:
        r.fail("Password Flag is 1 without a user name", "It must be 0 when User Name Flag is 0", "3.1.2-22", at)
    return flags


def _read_will(r: Reader, flags: int) -> Values:
    properties = read_properties(r, "will") if r.protocol == MQTT_5 else {}
    topic = r.topic_name("Will Topic")
    payload = r.binary("Will Payload" if r.protocol == MQTT_5 else "Will Message")
    will = Will(topic, payload, qos=flags >> 3 & 3, retain=bool(flags & 0x20))
    return {"will": will, "will_properties": properties} if properties else {"will": will}


def _read_topic(r: Reader) -> str:
    """Topic Name; MQTT 5 allows an empty one, when a Topic Alias stands for it."""
    if r.protocol == MQTT_5 and r.data[r.at : r.at + 2] == b"\0\0":
        return r.text("Topic Name")
    return r.topic_name("Topic Name")


def _read_options(r: Reader, topic_filter: str) -> int:
    """The byte behind a topic filter: Requested QoS, with MQTT 5 the Subscription Options (3.8.3.1)."""
    mqtt_5 = r.protocol == MQTT_5
    options, at = r.byte("Subscription Options" if mqtt_5 else "Requested QoS"), r.at - 1
    if options & (0xC0 if mqtt_5 else 0xFC):
        r.fail(f"reserved bits are set in 0x{options:02X}", "They must be 0", "3.8.3-4/3.8.3-5", at)
    if options & 3 == 3:  # noqa: PLR2004
        r.fail("both QoS bits are 1, which would be QoS 3", "QoS is 0, 1 or 2", "3.8.3-4/", at)
    if options & 0x30 == 0x30:  # noqa: PLR2004
        r.fail("Retain Handling is 3", "It is 0, 1 or 2", "", at)
    if options & 4 and topic_filter.startswith("$share/"):
        r.fail("No Local is 1 on a shared subscription", "It must be 0 there", "3.8.3-4", at)
    return options


def _read_code(r: Reader, name: str, rule: str) -> int:
    code = r.byte("Reason Code" if r.protocol == MQTT_5 else name)
    allowed = reason_codes(r.type, r.protocol)
    if code not in allowed:
        known = ", ".join(map(str, allowed))
        what = "reason code" if r.protocol == MQTT_5 else "return code"
        r.fail(f"{what} {code} is reserved in {r.type}", f"It is one of {known}", rule, r.at - 1)
    return code


def _read_optional_reason(r: Reader, rule: str) -> Values:
    """Reason Code and properties, which may be left out from the end when they say nothing (MQTT 5, 3.4.2.1)."""
    values: Values = {"return_code": _read_code(r, "", rule) if r.left else 0}
    if r.left:
        values["properties"] = read_properties(r, r.type)
    return values


def _want_more(r: Reader, what: str, rule: str) -> None:
    if not r.left:
        r.fail(f"there is no {what.split(' ', 1)[1]}", f"{r.type} has at least one", rule, r.at)


READERS: dict[str, Callable[[Reader], Values]] = {
    "CONNECT": read_connect,
    "CONNACK": read_connack,
    "PUBLISH": read_publish,
    "PUBACK": read_ack,
    "PUBREC": read_ack,
    "PUBREL": read_ack,
    "PUBCOMP": read_ack,
    "SUBSCRIBE": read_subscribe,
    "SUBACK": read_suback,
    "UNSUBSCRIBE": read_unsubscribe,
    "UNSUBACK": read_unsuback,
    "PINGREQ": read_nothing,
    "PINGRESP": read_nothing,
    "DISCONNECT": read_disconnect,
    "AUTH": read_auth,
}
