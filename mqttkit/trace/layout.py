"""Where things lie in a ladder: lanes, rows and the lines of their labels, in pixels. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mqttkit.trace.records import Captured, Event
from mqttkit.trace.text import details

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mqttkit.trace.story import Step, Story

GUTTER = 64  # line numbers and message badges
MARGIN = 66  # half a lane head
HEAD = 44  # height of the lane heads
LINE = 17  # height of a line of text
SLANT = 9  # how far the arrow of a delayed packet falls
_LIFT = 7  # from an arrow up to its label
_PAD = 17  # from a label to the next row
_CHARACTER = 7.2  # width of an average character of 13 px text; fonts differ, so a little too wide
_WIDTHS = {1: 420, 2: 660, 3: 900, 4: 1020}  # picture by number of lanes
_WIDER = 210  # for each further lane
_ROOM = 1.05  # a label may be so much wider than its arrow
_LONGEST = 90  # characters of one word (a payload) that are shown


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture.

    Attributes:
        step: what it shows.
        top: its upper edge.
        y: where its arrow lies.
        label: the lines above the arrow, each a list of words.
        start: x of the sender's lane.
        end: x of the receiver's lane.
    """

    step: Step
    top: float
    y: float
    label: tuple[tuple[str, ...], ...]
    start: float
    end: float

    @property
    def lift(self) -> float:
        """Distance from the arrow up to its label."""
        item = self.step.item
        lost = isinstance(item, Captured) and not item.delivered
        return _LIFT + (SLANT if is_slow(self.step) else 3 if lost else 0)

    @property
    def is_note(self) -> bool:
        """True where it concerns no connection, such as the beginning of a fault."""
        return isinstance(self.step.item, Event) and not self.step.item.link


@dataclass(frozen=True, slots=True)
class Layout:
    """A section of a ladder, laid out.

    Attributes:
        lanes: (name, x) from left to right.
        rows: from top to bottom.
        width: of the picture.
        height: of the picture.
    """

    lanes: tuple[tuple[str, float], ...]
    rows: tuple[Row, ...]
    width: float
    height: float


def lay_out(story: Story, steps: Sequence[Step]) -> Layout:
    """Lays out some steps of a story; all sections of one story have the same lanes."""
    count = max(1, len(story.lanes))
    width = _WIDTHS.get(count, _WIDTHS[4] + _WIDER * (count - 4))
    gap = (width - GUTTER - 2 * MARGIN) / max(1, count - 1)
    xs = {lane: round(GUTTER + MARGIN + gap * number, 1) for number, lane in enumerate(story.lanes)}
    rows, top = [], float(HEAD + 8)
    for step in steps:
        row = _row(step, top, xs, width)
        rows.append(row)
        top = row.y + _PAD
    return Layout(tuple(xs.items()), tuple(rows), width, top + 10)


def _row(step: Step, top: float, xs: dict[str, float], width: float) -> Row:
    start, end = xs.get(step.sender, GUTTER), xs.get(step.receiver, width)
    label = tuple(_wrap(_words(step), max(abs(end - start) * _ROOM, 300)))
    row = Row(step, top, top, label, start, end)
    below = LINE + 4 if row.is_note else LINE * len(label) + row.lift - 3
    return replace(row, y=top + below)


def is_slow(step: Step) -> bool:
    """True for a packet that the network held back."""
    return isinstance(step.item, Captured) and (step.item.fault or "").startswith("delayed")


def _words(step: Step) -> list[str]:
    item = step.item
    if isinstance(item, Event):
        return [item.text]
    return [_shorten(word) for word in (item.type, *details(item).split("  ")) if word]


def _shorten(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"


def _wrap(words: Sequence[str], room: float) -> list[tuple[str, ...]]:
    """Breaks between words (a topic or a payload is one word), never inside."""
    lines: list[list[str]] = [[]]
    for word in words:
        if lines[-1] and text_width([*lines[-1], word]) > room:
            lines.append([])
        lines[-1].append(word)
    return [tuple(line) for line in lines]


def text_width(words: Sequence[str]) -> float:
    """Width in pixels of words with gaps between them, roughly."""
    return sum(len(word) + 1.3 for word in words) * _CHARACTER


def inside(x: float, words: Sequence[str], width: float) -> float:
    """Moves the middle `x` of a text so that it stays in the picture."""
    half = text_width(words) / 2
    return max(GUTTER + half, min(x, width - 6 - half))
