"""Writes a trace into a terminal as it grows: one line for each packet, coloured where the terminal can."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from mqttkit.packets.printable import short_name
from mqttkit.trace import Captured, Event, Trace
from mqttkit.trace.opaque import looks_like_tls
from mqttkit.trace.records import BROKER
from mqttkit.trace.text import detail_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

RED, YELLOW, DIM = "31", "33", "2"
_BY_TYPE = {"PUB": "36", "CON": "32", "SUB": "35", "UNS": "35", "DIS": "32", "PIN": DIM}
_NAME = 12  # columns for a client's name
_ARROWS = {"up": "──▶", "down": "◀──", "up lost": "──✗", "down lost": "✗──"}
_PLAIN_ARROWS = {"up": "-->", "down": "<--", "up lost": "--x", "down lost": "x--"}
_INDENT = 6  # of what does not fit into a line
_NARROWEST = 40  # columns; below that nothing is gained by breaking lines


class Printer:
    """Writes what is new in a trace.

    Args:
        trace: what to write.
        stream: where to; lines are broken to its width and coloured if it is a terminal (and NO_COLOR is not set).
    """

    def __init__(self, trace: Trace, stream: TextIO) -> None:
        self._trace = trace
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._colours = self._is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._arrows = _ARROWS if _can_write("".join(_ARROWS.values()), stream) else _PLAIN_ARROWS
        self._mark = 0
        if self._colours and sys.platform == "win32":
            os.system("")  # noqa: S605, S607 - the known way to make an older console read colours

    def print_new(self, timeout: float) -> None:
        """Waits up to `timeout` seconds for something new and writes it."""
        self._trace.wait_for_change(self._mark, timeout)
        for item in self._trace.entries(since=self._mark):
            self._mark = item.number
            if isinstance(item, Captured):
                self._packet(item)
            elif item.kind == "bytes":
                self._bytes(item)
            else:
                self.line(f"{item.time:9.3f}  {item.text}", RED if item.kind in ("cut", "refused") else YELLOW)

    def _packet(self, item: Captured) -> None:
        colour = _BY_TYPE.get(item.type[:3], DIM) if item.delivered else RED
        head = self._head(item.time, item.client, up=item.to_broker, lost=not item.delivered)
        self._write(head, f"{item.type:<11}", colour, detail_parts(item))

    def _bytes(self, event: Event) -> None:
        what = (
            "encrypted with TLS" if looks_like_tls(event.data) else "that are not MQTT, or part of something encrypted"
        )
        head = self._head(event.time, event.client, up=event.who != BROKER, lost=False)
        self._write(head, f"{len(event.data)} bytes", DIM, [what])

    def _head(self, time: float, client: str, *, up: bool, lost: bool) -> str:
        arrow = self._arrows[("up" if up else "down") + (" lost" if lost else "")]
        return f"{time:9.3f}  {short_name(client, _NAME):>{_NAME}} {arrow} broker  "

    def _write(self, head: str, kind: str, colour: str, parts: Sequence[str]) -> None:
        """One line, or more where the terminal is too narrow for all parts."""
        first, *more = _wrap([head + kind, *parts], self._width())
        self._put(head + self._paint(kind, colour) + first[len(head + kind) :])
        for line in more:
            self._put(" " * _INDENT + line)
        self._stream.flush()

    def line(self, text: str, colour: str = "") -> None:
        """Writes one line at once."""
        self._put(self._paint(text, colour))
        self._stream.flush()

    def _put(self, line: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(line.rstrip().encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def _width(self) -> int:
        """Columns of the terminal; 0 where lines need not be broken."""
        columns = shutil.get_terminal_size().columns if self._is_terminal else 0
        return columns if columns >= _NARROWEST else 0

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colours else text


def _wrap(parts: Sequence[str], width: int) -> list[str]:
    """Parts with two spaces between them, in lines of at most `width` columns where that can be."""
    lines = [parts[0]]
    for part in parts[1:]:
        room = width - (_INDENT if len(lines) > 1 else 0)
        if width and len(lines[-1]) + 2 + len(part) > room:
            lines.append(part)
        else:
            lines[-1] += f"  {part}"
    return lines


def _can_write(text: str, stream: TextIO) -> bool:
    """False for a stream, such as a file on an older Windows, whose character set lacks some of `text`."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
