"""Where things lie in a ladder: lanes, rows and the lines of their labels, in pixels. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from mqttkit.trace.records import Captured, Event
from mqttkit.trace.text import Word, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mqttkit.trace.story import Step, Story

GUTTER = 64  # line numbers and message badges
MARGIN = 66  # half a lane head
HEAD = 44  # height of the lane heads
LINE = 17  # height of a line of text
SLANT = 9  # how far the arrow of a delayed packet falls
_LIFT = 7  # from an arrow up to its label
_PAD = 17  # from a label to the next row
_CHARACTER = 7.2  # width of an average character of 13 px text; fonts differ, so a little too wide
_WIDE = 2.0  # width of a Chinese character or an emoji, in average characters
# Width of the picture by number of lanes: shrunk as far as it may be (SMALLEST), up to six fit a notebook on a small laptop.
_WIDTHS = {1: 420, 2: 660, 3: 900, 4: 1020, 5: 1030, 6: 1030}
_WIDEST = 1180  # with more lanes, as long as they are not too narrow: what a notebook shows on a wide screen
_NARROWEST = 130  # from lane to lane
_ROOM = 1.05  # a label may be so much wider than its arrow
_LONGEST = 90  # characters of one word (a payload) that are shown
_SLOW = ("delayed", "overtaken", "slowed")  # faults of packets that arrived late


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
    label: tuple[tuple[Word, ...], ...]
    start: float
    end: float

    @property
    def lift(self) -> float:
        """Distance from the arrow up to its label."""
        item = self.step.item
        crossed = isinstance(item, Event) or not item.delivered
        return _LIFT + (SLANT if is_slow(self.step) else 3 if crossed else 0)

    @property
    def is_note(self) -> bool:
        """True where it concerns no connection, such as the beginning of a fault."""
        return isinstance(self.step.item, Event) and not self.step.item.link


@dataclass(frozen=True, slots=True)
class Layout:
    """A section of a ladder, laid out.

    Attributes:
        lanes: (name, x) from left to right.
        gap: from one lane to the next.
        rows: from top to bottom.
        width: of the picture.
        height: of the picture.
    """

    lanes: tuple[tuple[str, float], ...]
    gap: float
    rows: tuple[Row, ...]
    width: float
    height: float


def lay_out(story: Story, steps: Sequence[Step]) -> Layout:
    """Lays out some steps of a story; all sections of one story have the same lanes."""
    count = max(1, len(story.lanes))
    width = _WIDTHS.get(count, max(_WIDEST, GUTTER + 2 * MARGIN + _NARROWEST * (count - 1)))
    gap = (width - GUTTER - 2 * MARGIN) / max(1, count - 1)
    xs = {lane: round(GUTTER + MARGIN + gap * number, 1) for number, lane in enumerate(story.lanes)}
    rows, top = [], float(HEAD + 8)
    for step in steps:
        row = _row(step, top, xs, width)
        rows.append(row)
        top = row.y + _PAD
    return Layout(tuple(xs.items()), gap, tuple(rows), width, top + 10)


def _row(step: Step, top: float, xs: dict[str, float], width: float) -> Row:
    start, end = xs.get(step.sender, GUTTER), xs.get(step.receiver, width)
    label = tuple(_wrap(map(_shorten, words(step)), max(abs(end - start) * _ROOM, 300)))
    row = Row(step, top, top, label, start, end)
    below = LINE + 4 if row.is_note else LINE * len(label) + row.lift - 3
    return replace(row, y=top + below)


def is_slow(step: Step) -> bool:
    """True for a packet that the network held back."""
    return isinstance(step.item, Captured) and step.item.delivered and (step.item.fault or "").startswith(_SLOW)


def _shorten(word: Word) -> Word:
    return word if len(word.text) <= _LONGEST else word._replace(text=f"{word.text[: _LONGEST - 1]}…")


def _wrap(parts: Iterable[Word], room: float) -> list[tuple[Word, ...]]:
    """Breaks between words (a topic or a payload is one word), never inside."""
    lines: list[list[Word]] = [[]]
    for word in parts:
        if lines[-1] and label_width([*lines[-1], word]) > room:
            lines.append([])
        lines[-1].append(word)
    return [tuple(line) for line in lines]


def label_width(parts: Sequence[Word]) -> float:
    """Width in pixels of words with gaps between them, roughly."""
    return sum(text_width(word.text) + 1.3 * _CHARACTER for word in parts)


def text_width(text: str) -> float:
    """Width of a text in pixels, roughly."""
    return sum(_WIDE if east_asian_width(c) in "WF" else 1.0 for c in text) * _CHARACTER


def inside(x: float, parts: Sequence[Word], width: float) -> float:
    """Moves the middle `x` of a label so that it stays in the picture."""
    half = label_width(parts) / 2
    return max(GUTTER + half, min(x, width - 6 - half))
