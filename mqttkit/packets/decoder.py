"""From the bytes of one packet to a Packet."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidArgument
from mqttkit.packets.model import Packet, new_packet
from mqttkit.packets.names import MORE, MQTT_3_1, MQTT_5, PACKET_TYPES, REQUIRED_FLAGS, VERSION
from mqttkit.packets.read import READERS
from mqttkit.packets.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

# First byte -> type of the packets that are just a packet identifier, and of those that are nothing at all.
_ACKS = {0x40: "PUBACK", 0x50: "PUBREC", 0x62: "PUBREL", 0x70: "PUBCOMP"}
_EMPTY = {0xC0: "PINGREQ", 0xD0: "PINGRESP"}


def decode(data: bytes, protocol: int = 4) -> Packet:
    """Reads exactly one packet.

    Args:
        data: all bytes of the packet and nothing else.
        protocol: 3, 4 (MQTT 3.1.1) or 5. A CONNECT is read with the protocol level it carries itself.

    Raises:
        MalformedPacket: the standard does not allow these bytes; says where, what, and by which statement.
    """
    data = bytes(data)
    return _decode_fast(data, protocol) or _decode_strictly(data, protocol)


def _decode_fast(data: bytes, protocol: int) -> Packet | None:
    """The packets that make up most traffic, in their plain form; None for all others and at any doubt."""
    start = _body_start(data)
    if not start or protocol not in VERSION:
        return None
    first = data[0]
    if first & 0xF0 == 0x30:  # noqa: PLR2004
        return _publish(data, start, protocol)
    if len(data) == 4 and first in _ACKS and (packet_id := data[2] << 8 | data[3]):  # noqa: PLR2004
        values = {"type": _ACKS[first], "raw": data, "protocol": protocol, "packet_id": packet_id}
        return new_packet(values | {"return_code": 0} if protocol == MQTT_5 else values)
    if len(data) == 2 and first in _EMPTY:  # noqa: PLR2004
        return new_packet({"type": _EMPTY[first], "raw": data, "protocol": protocol})
    return None


def _body_start(data: bytes) -> int:
    """Where the body begins if Remaining Length is right and takes one or two bytes, else 0."""
    size = len(data)
    if size < 2:  # noqa: PLR2004
        return 0
    if data[1] < MORE:
        return 2 if size == data[1] + 2 else 0
    return 3 if size > MORE and data[2] < MORE and size == (data[1] & 0x7F | data[2] << 7) + 3 else 0


def _publish(data: bytes, start: int, protocol: int) -> Packet | None:
    """A PUBLISH with a valid header and topic and, with MQTT 5, without properties."""
    first, name_at = data[0], start + 2
    end = name_at + (data[start] << 8 | data[start + 1]) if len(data) > name_at else 0
    qos = first >> 1 & 3
    payload_at = end + (2 if qos else 0) + (protocol == MQTT_5)
    if first in (0x38, 0x39) or qos == 3 or not name_at < end <= payload_at <= len(data):  # noqa: PLR2004
        return None
    topic = _topic(data[name_at:end])
    packet_id = (data[end] << 8 | data[end + 1]) if qos else None
    if topic is None or packet_id == 0 or (protocol == MQTT_5 and data[payload_at - 1]):
        return None
    return new_packet(
        {
            "type": "PUBLISH",
            "raw": data,
            "protocol": protocol,
            "packet_id": packet_id,
            "qos": qos,
            "dup": first & 8 == 8,  # noqa: PLR2004
            "retain": first & 1 == 1,
            "topic": topic,
            "payload": data[payload_at:],
        }
    )


@lru_cache(maxsize=1024)
def _topic(encoded: bytes) -> str | None:
    """A topic name, or None where the strict reader has to say what is wrong with it."""
    try:
        topic = encoded.decode()
    except UnicodeDecodeError:
        return None
    return None if "+" in topic or "#" in topic or "\0" in topic else topic


def _decode_strictly(data: bytes, protocol: int) -> Packet:
    reader = Reader(data, protocol)
    values = read_packet(reader)
    return new_packet({"type": reader.type, "raw": data, "protocol": protocol, **values})


def read_packet(r: Reader) -> Mapping[str, Any]:
    """Reads the fixed header (2.2) and what follows it, to the end."""
    if r.protocol not in VERSION:
        raise InvalidArgument(f"protocol is 3, 4 (MQTT 3.1.1) or 5, not {r.protocol!r}.")
    first = r.byte("Packet type and flags")
    r.type = PACKET_TYPES[first >> 4]
    if r.type == "RESERVED" or (r.type == "AUTH" and r.protocol != MQTT_5):
        r.type = "packet"
        found = f"packet type {first >> 4} is reserved in {VERSION[r.protocol]}"
        r.fail(found, f"Types are 1 (CONNECT) to {14 + (r.protocol == MQTT_5)}", "", 0)
    _check_flags(r, first & 0x0F)
    _check_length(r)
    values = READERS[r.type](r)
    r.finish()
    return values


def _check_flags(r: Reader, flags: int) -> None:
    wanted = REQUIRED_FLAGS[r.type]
    if r.type == "PUBLISH" or flags == wanted or (r.protocol == MQTT_3_1 and flags & 7 == wanted):
        return  # MQTT 3.1 allows DUP wherever QoS is 1
    rules = {"PUBREL": "3.6.1-1", "SUBSCRIBE": "3.8.1-1", "UNSUBSCRIBE": "3.10.1-1", "AUTH": "3.15.1-1"}
    rules["DISCONNECT"] = "3.14.1-1"
    found = f"the flags of the first byte are {flags:04b}"
    r.fail(found, f"In {r.type} they must be {wanted:04b}", rules.get(r.type, "2.2.2-1/2.1.3-1"), 0)


def _check_length(r: Reader) -> None:
    length = r.varint("Remaining Length")
    if length > r.left:
        found = f"Remaining Length is {length}, but only {r.left} bytes follow"
        r.fail(found, "The packet ends too early", None, len(r.data))
    if length < r.left:
        found = f"{r.left - length} bytes follow the {length} that Remaining Length announces"
        r.fail(found, "decode takes exactly one packet; a Splitter cuts a stream into packets", None, r.at + length)
