"""From values to the bytes of a packet: for tests, graders and whoever builds a packet by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit._words import did_you_mean
from mqttkit.errors import InvalidArgument
from mqttkit.packets import writer as w
from mqttkit.packets.names import MQTT_5, PROTOCOL_NAME, REQUIRED_FLAGS, TYPE_NUMBER, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mqttkit.packets.model import Packet

    Body = Callable[[int, "Mapping[str, Any]"], bytes]


def encode(type: str, protocol: int = 4, **values: Any) -> bytes:  # noqa: A002 - the name of the attribute of Packet
    """Builds the bytes of one packet, the shortest form; the inverse of `decode`.

    Args:
        type: "CONNECT" ... "AUTH".
        protocol: 3, 4 (MQTT 3.1.1) or 5.
        values: attributes of `Packet` by name; text may stand for bytes, and a filter alone for (filter, QoS 0).
            What is left out gets the simplest legal value (packet_id 1, QoS 0, keep_alive 60, clean_session True).
            To break a rule on purpose: `flags` (lower four bits of the first byte), `connect_flags`,
            `acknowledge_flags`, `protocol_name`, `protocol_level`, `extra` (bytes after the last field), `body`
            (everything after the fixed header), `remaining_length` (a number or the very bytes).

    Raises:
        InvalidArgument: an unknown type or value name, or a value that does not fit its field.
    """
    _check(type, protocol, values)
    body = values["body"] if "body" in values else _BODIES[type](protocol, values)
    body = w.as_bytes(body, "body") + w.as_bytes(values.get("extra", b""), "extra")
    flags = values.get("flags", _publish_flags(values) if type == "PUBLISH" else REQUIRED_FLAGS[type])
    length = values.get("remaining_length", len(body))
    if not isinstance(flags, int) or not 0 <= flags <= 15:  # noqa: PLR2004 - four bits
        raise InvalidArgument(f"flags is a number from 0 to 15, not {flags!r}.")
    return bytes([TYPE_NUMBER[type] << 4 | flags]) + (length if isinstance(length, bytes) else w.varint(length)) + body


def altered(packet: Packet, **values: Any) -> bytes:
    """The bytes of `packet` with other values, named as in `encode`; what is not named stays as it is.

    Raises:
        InvalidArgument: as `encode`.
    """
    kept = {name: getattr(packet, name) for name in _NAMES[packet.type] - _RAW}
    if not values.keys() & {"dup", "qos", "retain"}:  # they make up the flags; else the old ones stay, right or wrong
        kept["flags"] = packet.raw[0] & 0x0F
    if packet.packet_id is None:
        kept.pop("packet_id", None)  # a PUBLISH that gets a QoS gets the packet identifier of `encode`
    return encode(packet.type, packet.protocol, **{**kept, **values})


def _check(packet_type: str, protocol: int, values: Mapping[str, Any]) -> None:
    if packet_type not in _BODIES:
        raise InvalidArgument(f"There is no packet type {packet_type!r}.{did_you_mean(packet_type, _BODIES)}")
    if protocol not in VERSION:
        raise InvalidArgument(f"protocol is 3, 4 (MQTT 3.1.1) or 5, not {protocol!r}.")
    known = _NAMES[packet_type] | _ANY
    for name in values:
        if name not in known:
            near = did_you_mean(name, sorted(known))
            raise InvalidArgument(f"A {packet_type} has no {name!r}.{near} It has: {', '.join(sorted(known))}.")


def _publish_flags(v: Mapping[str, Any]) -> int:
    return bool(v.get("dup")) << 3 | _qos(v.get("qos") or 0) << 1 | bool(v.get("retain"))


def _qos(qos: int) -> int:
    """A QoS that fits its two bits; 3 fits, although the standard forbids it."""
    if qos not in (0, 1, 2, 3):
        raise InvalidArgument(f"QoS is 0, 1 or 2 (and 3 to break a rule on purpose), not {qos!r}.")
    return qos


def _properties(protocol: int, v: Mapping[str, Any], name: str = "properties") -> bytes:
    return w.properties(v.get(name) or {}) if protocol == MQTT_5 else b""


def _id(v: Mapping[str, Any]) -> bytes:
    return w.number(v.get("packet_id", 1), 2, "packet_id")


def _connect(protocol: int, v: Mapping[str, Any]) -> bytes:
    return (
        w.prefixed(v.get("protocol_name", PROTOCOL_NAME[protocol]), "protocol_name")
        + w.number(v.get("protocol_level", protocol), 1, "protocol_level")
        + w.number(v.get("connect_flags", _connect_flags(v)), 1, "connect_flags")
        + w.number(v.get("keep_alive", 60), 2, "keep_alive")
        + _properties(protocol, v)
        + w.prefixed(v.get("client_id", ""), "client_id")
        + _will(protocol, v)
        + (w.prefixed(v["username"], "username") if v.get("username") is not None else b"")
        + (w.prefixed(v["password"], "password") if v.get("password") is not None else b"")
    )


def _connect_flags(v: Mapping[str, Any]) -> int:
    flags = bool(v.get("clean_session", True)) << 1
    if will := v.get("will"):
        flags |= 4 | _qos(will.qos) << 3 | bool(will.retain) << 5
    return flags | (v.get("password") is not None) << 6 | (v.get("username") is not None) << 7


def _will(protocol: int, v: Mapping[str, Any]) -> bytes:
    will = v.get("will")
    if not will:
        return b""
    return (
        _properties(protocol, v, "will_properties")
        + w.prefixed(will.topic, "will topic")
        + w.prefixed(will.payload, "will payload")
    )


def _connack(protocol: int, v: Mapping[str, Any]) -> bytes:
    flags = v.get("acknowledge_flags", int(bool(v.get("session_present"))))
    return w.number(flags, 1, "acknowledge_flags") + _code(v) + _properties(protocol, v)


def _publish(protocol: int, v: Mapping[str, Any]) -> bytes:
    packet_id = _id(v) if v.get("qos") else b""
    payload = w.as_bytes(v.get("payload", b""), "payload")
    return w.prefixed(v.get("topic", ""), "topic") + packet_id + _properties(protocol, v) + payload


def _ack(protocol: int, v: Mapping[str, Any]) -> bytes:
    return _id(v) + (_reason(v) if protocol == MQTT_5 else b"")


def _subscribe(protocol: int, v: Mapping[str, Any]) -> bytes:
    filters = [(f, 0) if isinstance(f, (str, bytes)) else f for f in v.get("filters", ())]
    options = v.get("options") or [qos for _, qos in filters]
    if len(options) != len(filters):
        raise InvalidArgument(f"Each filter needs one options byte: {len(filters)} filters, {len(options)} options.")
    pairs = zip(filters, options, strict=True)
    asked = b"".join(w.prefixed(f, "filter") + w.number(o, 1, "options") for (f, _), o in pairs)
    return _id(v) + _properties(protocol, v) + asked


def _suback(protocol: int, v: Mapping[str, Any]) -> bytes:
    codes = b"".join(w.number(code, 1, "return_codes") for code in v.get("return_codes", ()))
    return _id(v) + _properties(protocol, v) + codes


def _unsubscribe(protocol: int, v: Mapping[str, Any]) -> bytes:
    filters = [f if isinstance(f, (str, bytes)) else f[0] for f in v.get("filters", ())]
    return _id(v) + _properties(protocol, v) + b"".join(w.prefixed(f, "filter") for f in filters)


def _unsuback(protocol: int, v: Mapping[str, Any]) -> bytes:
    return _suback(protocol, v) if protocol == MQTT_5 else _id(v)


def _nothing(protocol: int, v: Mapping[str, Any]) -> bytes:  # noqa: ARG001 - all take the same
    return b""


def _disconnect(protocol: int, v: Mapping[str, Any]) -> bytes:
    return _reason(v) if protocol == MQTT_5 else b""


def _reason(v: Mapping[str, Any]) -> bytes:
    """Reason Code and properties; left out from the end where they say nothing (MQTT 5, 3.4.2.1)."""
    properties = w.properties(v["properties"]) if v.get("properties") else b""
    return _code(v) + properties if v.get("return_code") or properties else b""


def _code(v: Mapping[str, Any]) -> bytes:
    return w.number(v.get("return_code") or 0, 1, "return_code")


_BODIES: dict[str, Body] = {
    "CONNECT": _connect,
    "CONNACK": _connack,
    "PUBLISH": _publish,
    "PUBACK": _ack,
    "PUBREC": _ack,
    "PUBREL": _ack,
    "PUBCOMP": _ack,
    "SUBSCRIBE": _subscribe,
    "SUBACK": _suback,
    "UNSUBSCRIBE": _unsubscribe,
    "UNSUBACK": _unsuback,
    "PINGREQ": _nothing,
    "PINGRESP": _nothing,
    "DISCONNECT": _disconnect,
    "AUTH": _disconnect,
}
_ANY = {"flags", "extra", "body", "remaining_length"}
_RAW = {"connect_flags", "acknowledge_flags", "protocol_name", "protocol_level"}  # follow from the others
_ACK = {"packet_id", "return_code", "properties"}
_NAMES: dict[str, set[str]] = {
    "CONNECT": {"client_id", "clean_session", "keep_alive", "will", "username", "password", "properties"}
    | {"will_properties", "connect_flags", "protocol_name", "protocol_level"},
    "CONNACK": {"session_present", "return_code", "properties", "acknowledge_flags"},
    "PUBLISH": {"packet_id", "qos", "dup", "retain", "topic", "payload", "properties"},
    **dict.fromkeys(("PUBACK", "PUBREC", "PUBREL", "PUBCOMP"), _ACK),
    "SUBSCRIBE": {"packet_id", "filters", "options", "properties"},
    "SUBACK": {"packet_id", "return_codes", "properties"},
    "UNSUBSCRIBE": {"packet_id", "filters", "properties"},
    "UNSUBACK": {"packet_id", "return_codes", "properties"},
    "DISCONNECT": {"return_code", "properties"},
    "AUTH": {"return_code", "properties"},
    "PINGREQ": set(),
    "PINGRESP": set(),
}
