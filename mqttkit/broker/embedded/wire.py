"""Bytes of a client -> checked values, or MalformedPacket with the statement that is broken.

amqtt decodes while it reads, lets most wrong packets pass and then often loses step with the stream. Here a packet is
taken off the stream whole, by its remaining length, and must be used up exactly.

`mqttkit.packets` explains packets byte by byte for people, and accepts what is wrong in order to show it. This reader is
apart from it on purpose: it is in the way of every message, and each of its checks can be switched off by a test.
"""

from __future__ import annotations

from collections.abc import Iterator

from mqttkit.errors import MalformedPacket

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE = range(1, 9)
SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(9, 15)

LARGEST_CONNECT = 400_000  # six strings of 65 535 bytes and their lengths
LARGEST_PACKET = 64 * 2**20  # the standard's 256 MB would let one client fill the memory of a laptop
_CONTINUE, _LENGTH_BYTES = 0x80, 4


def malformed(reason: str, statement: str = "") -> MalformedPacket:
    """The error for a packet that breaks `statement`."""
    return MalformedPacket(f"{reason} [{statement}]" if statement else reason, statement=statement)


class Splitter:
    """A stream of bytes -> whole packets, as (first byte, what follows the fixed header)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.largest = LARGEST_CONNECT

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield every packet that is complete now; raise MalformedPacket on an impossible length."""
        buffer = self._buffer
        buffer += data
        position = 0
        try:
            while (span := self._span(position)) is not None:
                start, end = span
                first = buffer[position]
                position = end
                yield first, bytes(buffer[start:end])
        finally:
            del buffer[:position]

    def _span(self, position: int) -> tuple[int, int] | None:
        """(first, one past last) index of what follows the fixed header at `position`; None while incomplete."""
        buffer, length = self._buffer, 0
        available = len(buffer)
        for index in range(_LENGTH_BYTES):
            at = position + 1 + index
            if at >= available:
                return None
            byte = buffer[at]
            length |= (byte & 0x7F) << (7 * index)
            if not byte & _CONTINUE:
                if length > self.largest:
                    raise malformed(f"a packet of {length} bytes is larger than this broker takes ({self.largest})")
                return (at + 1, at + 1 + length) if at + 1 + length <= available else None
        raise malformed("the remaining length takes more than four bytes", "MQTT-2.2.3")


class Reader:
    """The fields of one packet, read from left to right."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start, end = self.at, self.at + count
        if end > len(self.data):
            raise malformed("the packet ends in the middle of a field")
        self.at = end
        return self.data[start:end]

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def integer(self) -> int:
        """Two bytes, big end first [MQTT-1.5.2]."""
        return int.from_bytes(self.take(2), "big")

    def binary(self) -> bytes:
        """Bytes after their two-byte length."""
        return self.take(self.integer())

    @property
    def more(self) -> bool:
        """True while something is left."""
        return self.at < len(self.data)


# --- the other direction ---------------------------------------------------------------------------------------------
def frame(first: int, body: bytes) -> bytes:
    """A whole packet: first byte, remaining length, body."""
    length, head = len(body), bytearray((first,))
    while length > 0x7F:  # noqa: PLR2004
        head.append(length & 0x7F | _CONTINUE)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def acknowledge(first: int, packet_id: int, more: bytes = b"") -> bytes:
    """A packet that starts with a packet identifier: PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK."""
    return frame(first, packet_id.to_bytes(2, "big") + more)


def connack(return_code: int, *, session_present: bool = False) -> bytes:
    """CONNACK; session present is 0 with every refusal [MQTT-3.2.2-4]."""
    return bytes((CONNACK << 4, 2, session_present and not return_code, return_code))


class Publication:
    """One application message on its way to many subscribers: its bytes are built once for all of them."""

    __slots__ = ("_name", "_plain", "payload", "qos", "retain", "topic")

    def __init__(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        self.topic, self.payload, self.qos, self.retain = topic, payload, qos, retain
        self._plain: dict[bool, bytes] = {}
        encoded = topic.encode()
        self._name = len(encoded).to_bytes(2, "big") + encoded

    def frame(self, qos: int, packet_id: int | None, *, retain: bool = False, dup: bool = False) -> bytes:
        """The PUBLISH packet of one delivery."""
        if packet_id is None:
            if retain not in self._plain:
                self._plain[retain] = frame(PUBLISH << 4 | retain, self._name + self.payload)
            return self._plain[retain]
        first = PUBLISH << 4 | dup << 3 | qos << 1 | retain
        return frame(first, self._name + packet_id.to_bytes(2, "big") + self.payload)
