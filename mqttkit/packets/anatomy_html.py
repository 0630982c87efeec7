"""The picture of a packet: its bytes in coloured fields, and a table that explains them. No scripts.

Pointing at a field (or reaching it with the Tab key) marks its bytes and its row. Every field also has a number, so
colours carry nothing alone. Without CSS, as on GitHub, a list of bytes and a plain table remain.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from mqttkit.packets.anatomy import MOST_FIELDS, bit_pattern, left_out, place, show_value, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mqttkit.packets.model import Field, Packet

HEAD, TAIL = 20, 4  # bytes of a long field that are shown
HUES = 6
_HEADINGS = ("No.", "Bytes", "Bits", "Field", "Value", "Meaning")
_WITH_BITS = 2  # longest field, in bytes, whose bits are shown


def to_html(packet: Packet) -> str:
    """The picture as HTML with its own style; everything that came over the network is escaped."""
    numbered = list(_numbered(packet.fields[:MOST_FIELDS]))
    more = f"<p>{escape(left_out(packet.fields))}</p>" if len(packet.fields) > MOST_FIELDS else ""
    return (
        f"<style>{_style()}{_links(numbered)}</style>"
        f'<div class="mqttkit-anatomy"><p class="title">{escape(title(packet))}</p>'
        f"{_bytes(numbered, packet.raw)}{_table(numbered, packet.raw)}{more}</div>"
    )


Numbered = tuple[int, int, "Field"]  # number of the whole-byte field, its hue, the field or one of its bits


def _numbered(fields: Iterable[Field]) -> Iterator[Numbered]:
    """Bits share the number of their byte; what belongs together shares a colour."""
    number, hue, joined = 0, -1, False
    for field in fields:
        if not field.bits:
            number += 1
            hue = hue if joined else (hue + 1) % HUES
            joined = field.name.startswith("Length of ") or field.name == "Property Identifier"
        yield number, hue, field


@cache
def _style() -> str:
    return Path(__file__).with_name("anatomy.css").read_text(encoding="utf-8")


def _links(numbered: list[Numbered]) -> str:
    """One rule per field: pointing at one of its places marks all of them."""
    last = numbered[-1][0]
    return "".join(
        f'.mqttkit-anatomy:has([data-f="{n}"]:is(:hover,:focus)) [data-f="{n}"]{{--mark:1}}' for n in range(1, last + 1)
    )


def _bytes(numbered: list[Numbered], raw: bytes) -> str:
    fields = "".join(
        f'<span class="field h{hue}" data-f="{number}" tabindex="0" role="img" aria-label="{_label(number, field)}">'
        f"<sup>{number}</sup> {_hex(field, raw)}</span> "
        for number, hue, field in numbered
        if not field.bits and field.end > field.start
    )
    return f'<div class="bytes" role="group" aria-label="The bytes in hex, field by field">{fields}</div>'


def _label(number: int, field: Field) -> str:
    return escape(f"Field {number}, bytes {place(field)}: {field.name} {show_value(field)}")


def _hex(field: Field, raw: bytes) -> str:
    size = field.end - field.start
    if size <= HEAD + TAIL:
        return " ".join(_byte(raw, at) for at in range(field.start, field.end))
    head = " ".join(_byte(raw, at) for at in range(field.start, field.start + HEAD))
    tail = " ".join(_byte(raw, at) for at in range(field.end - TAIL, field.end))
    return f"{head} <i>… {size - HEAD - TAIL} more …</i> {tail}"


def _byte(raw: bytes, at: int) -> str:
    """One byte; its character is drawn below by the style, its other forms are in the tooltip."""
    byte = raw[at]
    character = chr(byte) if 0x20 < byte < 0x7F else "·"  # noqa: PLR2004 - printable ASCII
    tip = f"byte {at}: hex {byte:02x}, bits {_bits(raw[at : at + 1])}, decimal {byte}"
    tip += f", character {character}" if character != "·" else ""
    return f'<span class="byte" title="{escape(tip)}" data-c="{escape(character)}">{byte:02x}</span>'


def _bits(data: bytes) -> str:
    return " ".join(f"{byte >> 4:04b} {byte & 15:04b}" for byte in data)


def _table(numbered: list[Numbered], raw: bytes) -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in _HEADINGS)
    rows = "".join(_row(number, hue, field, raw) for number, hue, field in numbered)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(number: int, hue: int, field: Field, raw: bytes) -> str:
    if field.bits:
        cells = ("", "", bit_pattern(field, raw[field.start]), field.name, show_value(field), field.meaning)
        return f'<tr class="bit h{hue}" data-f="{number}">{_cells(cells)}</tr>'
    short = field.end - field.start <= _WITH_BITS
    bits = _bits(raw[field.start : field.end]) if short else ""
    cells = (str(number), place(field), bits, field.name, show_value(field), field.meaning)
    return f'<tr class="h{hue}" data-f="{number}">{_cells(cells)}</tr>'


def _cells(cells: tuple[str, ...]) -> str:
    kinds = ("number", "place", "bits", "name", "value", "meaning")
    return "".join(f'<td class="{kind}">{escape(cell)}</td>' for kind, cell in zip(kinds, cells, strict=True))
