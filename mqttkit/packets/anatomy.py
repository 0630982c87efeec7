"""Every byte of a packet explained, as a picture for notebooks and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.packets.names import VERSION
from mqttkit.packets.printable import show_payload, show_text

if TYPE_CHECKING:
    from mqttkit.packets.model import Field, Packet

LONGEST_HEX = 8  # bytes of a field that the text shows
MOST_FIELDS = 150  # a SUBSCRIBE may have thousands


class Anatomy:
    """Shows a packet byte by byte: a notebook displays the picture, `print` and `repr` give the same as text.

    Attributes:
        packet: the packet that is shown.
        fields: its fields, `packet.fields`.
    """

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.fields = packet.fields

    def __str__(self) -> str:
        rows = [("bytes", "hex or bits", "field", "value", "meaning")]
        rows += [_row(field, self.packet.raw) for field in self.fields[:MOST_FIELDS]]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [title(self.packet), *("  ".join([*map(str.ljust, row, widths), row[4]]) for row in rows)]
        lines += [left_out(self.fields)] if len(self.fields) > MOST_FIELDS else []
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from mqttkit.packets.anatomy_html import to_html

        return to_html(self.packet)


def title(packet: Packet) -> str:
    """One line: the packet, its size and its version."""
    size = f"{len(packet.raw)} bytes" if len(packet.raw) > 1 else "1 byte"
    return f"{packet.type}  {packet.summary()}".rstrip() + f"  ({size}, {VERSION[packet.protocol]})"


def place(field: Field) -> str:
    """Where a field lies: "4-9", "0", or "0, bits 2-1"."""
    if field.bits:
        high, low = field.bits
        return f"{field.start}, bit{'' if high == low else 's'} {_span(high, low)}"
    return _span(field.start, field.end - 1) if field.end > field.start else "none"


def bit_pattern(field: Field, byte: int) -> str:
    """The bits of a flag in their place: "···· ·01·"."""
    high, low = field.bits or (7, 0)
    shown = "".join(str(byte >> bit & 1) if low <= bit <= high else "·" for bit in range(7, -1, -1))
    return f"{shown[:4]} {shown[4:]}"


def show_value(field: Field) -> str:
    """The value of a field, printable and not longer than a line."""
    if isinstance(field.value, str):
        return f'"{show_text(field.value)}"'
    if isinstance(field.value, bytes):
        return show_payload(field.value)
    flags = field.bits is None and "lags" in field.name
    return f"0x{field.value:02X}" if flags else str(field.value)


def left_out(fields: tuple[Field, ...]) -> str:
    """Says what is not shown of a packet with very many fields."""
    return f"… and {len(fields) - MOST_FIELDS} more fields, from byte {fields[MOST_FIELDS].start} on."


def _row(field: Field, raw: bytes) -> tuple[str, str, str, str, str]:
    if field.bits:
        return "", bit_pattern(field, raw[field.start]), f"  {field.name}", show_value(field), field.meaning
    return place(field), _hex(raw[field.start : field.end]), field.name, show_value(field), field.meaning


def _hex(data: bytes) -> str:
    return data[:LONGEST_HEX].hex(" ") + (" …" if len(data) > LONGEST_HEX else "")


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
