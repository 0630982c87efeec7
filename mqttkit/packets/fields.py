"""Every field of a packet with its place, read a second time by the same functions that decoded it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mqttkit.packets.decoder import read_packet
from mqttkit.packets.meanings import bit_meaning, meaning
from mqttkit.packets.model import Field
from mqttkit.packets.names import MQTT_5
from mqttkit.packets.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mqttkit.packets.model import Packet

T = TypeVar("T")
Bits = tuple[tuple[str, int, int], ...]  # (name, highest bit, lowest bit)

_PUBLISH: Bits = (("MQTT Control Packet type", 7, 4), ("DUP flag", 3, 3), ("QoS level", 2, 1), ("RETAIN", 0, 0))
_OTHERS: Bits = (("MQTT Control Packet type", 7, 4), ("Reserved flags", 3, 0))
_CONNECT_FLAGS: Bits = (
    ("User Name Flag", 7, 7),
    ("Password Flag", 6, 6),
    ("Will Retain", 5, 5),
    ("Will QoS", 4, 3),
    ("Will Flag", 2, 2),
    ("Clean Session", 1, 1),
    ("Reserved", 0, 0),
)
_BITS: dict[str, Bits] = {
    "Connect Flags": _CONNECT_FLAGS,
    "Connect Acknowledge Flags": (("Reserved", 7, 1), ("Session Present Flag", 0, 0)),
    "Subscription Options": (
        ("Reserved", 7, 6),
        ("Retain Handling", 5, 4),
        ("Retain As Published", 3, 3),
        ("No Local", 2, 2),
        ("Maximum QoS", 1, 0),
    ),
}


def fields_of(packet: Packet) -> tuple[Field, ...]:
    """All fields in the order of their bytes: whole-byte fields cover each byte once, bits follow their byte."""
    recorder = _Recorder(packet.raw, packet.protocol)
    read_packet(recorder)
    return tuple(field for note in recorder.notes for field in _with_bits(packet, *note))


def _with_bits(packet: Packet, name: str, value: Any, start: int, end: int) -> Iterator[Field]:
    yield Field(name, value, meaning(name, value, packet), start, end)
    for bit_name, high, low in _layout(name, packet):
        bits = value >> low & (1 << high - low + 1) - 1
        yield Field(bit_name, bits, bit_meaning(bit_name, bits, packet), start, end, (high, low))


def _layout(name: str, packet: Packet) -> Bits:
    if name == "Packet type and flags":
        return _PUBLISH if packet.type == "PUBLISH" else _OTHERS
    if name == "Connect Flags" and packet.protocol == MQTT_5:
        return tuple(("Clean Start" if n == "Clean Session" else n, high, low) for n, high, low in _CONNECT_FLAGS)
    return _BITS.get(name, ())


class _Recorder(Reader):
    """A Reader that notes (name, value, start, end) of everything it is asked for."""

    def __init__(self, data: bytes, protocol: int) -> None:
        super().__init__(data, protocol)
        self.notes: list[tuple[str, Any, int, int]] = []

    def byte(self, name: str) -> int:
        return self._note(name, super().byte(name), self.at - 1)

    def uint16(self, name: str) -> int:
        return self._note(name, super().uint16(name), self.at - 2)

    def uint32(self, name: str) -> int:
        return self._note(name, super().uint32(name), self.at - 4)

    def varint(self, name: str) -> int:
        start = self.at
        return self._note(name, super().varint(name), start)

    def text(self, name: str) -> str:
        start = self.at
        return self._note_prefixed(name, super().text(name), start)

    def binary(self, name: str) -> bytes:
        start = self.at
        return self._note_prefixed(name, super().binary(name), start)

    def rest(self, name: str) -> bytes:
        start = self.at
        return self._note(name, super().rest(name), start)

    def _note(self, name: str, value: T, start: int) -> T:
        self.notes.append((name, value, start, self.at))
        return value

    def _note_prefixed(self, name: str, value: T, start: int) -> T:
        self.notes.append((f"Length of {name}", self.at - start - 2, start, start + 2))
        return self._note(name, value, start + 2)
