"""What somebody who listens on the wire gets to see: the bytes, and the words that can be read in them. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from mqttkit.trace.opaque import looks_like_tls
from mqttkit.trace.records import BROKER, Captured, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(rb"[\x20-\x7e]{4,}")
_ROW = 16  # bytes in a row of the dump


@dataclass(frozen=True, slots=True)
class Heard:
    """Bytes that went one way without a break.

    Attributes:
        sender: client id or "broker"; "client" where an encrypted link hides the name.
        receiver: the other end.
        data: the bytes.
    """

    sender: str
    receiver: str
    data: bytes

    @property
    def words(self) -> list[str]:
        """Readable text in the bytes: every run of four or more printable ASCII characters."""
        return [found.decode() for found in _WORD.findall(self.data)]

    @property
    def is_encrypted(self) -> bool:
        """True where the bytes begin like a TLS record."""
        return looks_like_tls(self.data)


class Eavesdropper:
    """All that crossed the wire, as somebody without any key sees it. Displays as a hex dump."""

    def __init__(self, items: Iterable[Captured | Event]) -> None:
        self.heard = tuple(_join(items))

    @property
    def words(self) -> list[str]:
        """Readable text in all bytes, in order."""
        return [word for part in self.heard for word in part.words]

    @property
    def data(self) -> bytes:
        """All bytes, in order."""
        return b"".join(part.data for part in self.heard)

    def knows(self, secret: str | bytes) -> bool:
        """True where `secret` can be found in the bytes as it is."""
        return (secret.encode() if isinstance(secret, str) else secret) in self.data

    def text(self, *, rows: int = 8) -> str:
        """A hex dump, at most `rows` rows of 16 bytes for each part."""
        return "\n".join(line for part in self.heard for line in _dump(part, rows)) or "(nothing was sent)"

    __str__ = text

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text())}</pre>"


def _join(items: Iterable[Captured | Event]) -> list[Heard]:
    parts: list[Heard] = []
    for item in items:
        if isinstance(item, Event):
            if item.kind != "bytes":
                continue
            client = item.client if not item.client.startswith("client-") else "client"
            sender, receiver, data = (BROKER, client, item.data) if item.who == BROKER else (client, BROKER, item.data)
        else:
            sender, receiver, data = item.sender, item.receiver, item.raw
        if parts and (parts[-1].sender, parts[-1].receiver) == (sender, receiver):
            data = parts.pop().data + data
        parts.append(Heard(sender, receiver, data))
    return parts


def _dump(part: Heard, rows: int) -> list[str]:
    how = "encrypted with TLS" if part.is_encrypted else "readable" if part.words else "bytes"
    lines = [f"{part.sender} → {part.receiver}, {how}"]
    starts = range(0, len(part.data), _ROW)
    lines += [_dump_row(start, part.data[start : start + _ROW]) for start in starts[:rows]]
    if len(starts) > rows:
        lines.append(f"  … {len(part.data) - rows * _ROW} more bytes")
    return lines


def _dump_row(start: int, data: bytes) -> str:
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data)  # noqa: PLR2004 - printable ASCII
    return f"  {start:04x}  {data.hex(' '):<{3 * _ROW}} {shown}"
