"""A story as plain text: the twin of the ladder for screen readers, static pages and comparisons. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mqttkit.packets.printable import short_name
from mqttkit.packets.summary import summary_parts
from mqttkit.trace.records import Captured, Event

if TYPE_CHECKING:
    from mqttkit.trace.story import Step, Story

_TYPE_WIDTH = len("UNSUBSCRIBE")
_NAME = 32  # characters of a client id
_SIGNS = {"cut": "✗", "closed": "✗", "refused": "✗", "bytes": "→"}
_BOTH_WAYS = "↔"
_FLAGS = ("DUP", "RETAIN", "session present")
EMPTY = "(no packets)"


def as_text(story: Story, *, times: bool = False, dropped: int = 0) -> str:
    """One line per packet: number, sender, arrow (✗ where it got lost), receiver, type, details, fault."""
    width = max((len(short_name(lane, _NAME)) for lane in story.lanes), default=0)
    digits = len(str(max((step.line for step in story.steps), default=0)))
    lines = [_line(step, width, digits + 1, times=times) for step in story.steps]
    if dropped:
        lines.insert(0, f"({dropped} earlier entries fell off the front of this trace)")
    return "\n".join(lines) or EMPTY


def headed(heading: str, text: str) -> str:
    """A text below its heading, if it has one."""
    return f"{heading}\n{text}" if heading else text


def _line(step: Step, width: int, digits: int, *, times: bool) -> str:
    time = f"{step.item.time:9.3f} s " if times else ""
    number = f"{step.line or '':>{digits}} "
    return (time + number + _body(step, width)).rstrip()


def _body(step: Step, width: int) -> str:
    item = step.item
    if isinstance(item, Event):
        return _event(step, item, width)
    return _way(step, "→" if item.delivered else "✗", width) + f"{item.type:<{_TYPE_WIDTH}}  {said(step)}"


def _way(step: Step, sign: str, width: int) -> str:
    return f" {short_name(step.sender, _NAME):>{width}} {sign} {short_name(step.receiver, _NAME):<{width}}  "


def _event(step: Step, event: Event, width: int) -> str:
    if event.kind in _SIGNS and event.link:
        return _way(step, _BOTH_WAYS if step.both_ways else _SIGNS[event.kind], width) + event.text
    return f"─ {event.text}"


class Word(NamedTuple):
    """One part of what is told about a step.

    Attributes:
        text: what to print; it may hold spaces.
        kind: "type", "flag", "fault", "note" or "" for all else.
    """

    text: str
    kind: str = ""


def words(step: Step) -> list[Word]:
    """What a step says, part by part."""
    item = step.item
    if isinstance(item, Event):
        return [Word(item.text, "type")]
    note = [Word(step.note, "note")] if step.note else []
    return [Word(item.type, "type"), *_details(item), *note]


def _details(item: Captured) -> list[Word]:
    parts = [item.summary()] if item.problem else summary_parts(item.packet)
    fault = [Word(item.fault, "fault")] if item.fault else []
    return [*(Word(part, "flag" if part in _FLAGS else "") for part in parts), *fault]


def details(item: Captured) -> str:
    """What follows the type of a packet: its summary and what the network did to it."""
    return "  ".join(detail_parts(item))


def detail_parts(item: Captured) -> list[str]:
    """The details of a packet, part by part."""
    return _marked(_details(item), delivered=item.delivered)


def said(step: Step) -> str:
    """What follows the type of a packet in a story: its details and the note of the step."""
    delivered = not isinstance(step.item, Captured) or step.item.delivered
    return "  ".join(_marked(words(step)[1:], delivered=delivered))


def _marked(parts: list[Word], *, delivered: bool) -> list[str]:
    """Notes in brackets, and faults of what arrived all the same."""
    return [f"[{text}]" if kind == "note" or (kind == "fault" and delivered) else text for text, kind in parts if text]


def sentence(step: Step) -> str:
    """One step for a screen reader or a tooltip."""
    item = step.item
    if isinstance(item, Event):
        return item.text
    lost = "" if item.delivered else ", never arrives"
    ends = f"{short_name(step.sender, _NAME)} to {short_name(step.receiver, _NAME)}"
    return f"{step.line}: {ends}, {item.type} {said(step)}".rstrip() + lost
