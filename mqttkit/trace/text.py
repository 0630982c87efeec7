"""A story as plain text: the twin of the ladder for screen readers, static pages and comparisons. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.trace.records import Captured, Event

if TYPE_CHECKING:
    from mqttkit.trace.story import Step, Story

_TYPE_WIDTH = len("UNSUBSCRIBE")
_SIGNS = {"cut": "✗", "closed": "✗", "refused": "✗", "bytes": "→"}
EMPTY = "(no packets)"


def as_text(story: Story, *, times: bool = False, dropped: int = 0) -> str:
    """One line per packet: number, sender, arrow (✗ where it got lost), receiver, type, details, fault."""
    width = max((len(lane) for lane in story.lanes), default=0)
    digits = len(str(max((step.line for step in story.steps), default=0)))
    lines = [_line(step, width, digits + 1, times=times) for step in story.steps]
    if dropped:
        lines.insert(0, f"({dropped} earlier entries fell off the front of this trace)")
    return "\n".join(lines) or EMPTY


def _line(step: Step, width: int, digits: int, *, times: bool) -> str:
    time = f"{step.item.time:9.3f} s " if times else ""
    number = f"{step.line or '':>{digits}} "
    return (time + number + _body(step, width)).rstrip()


def _body(step: Step, width: int) -> str:
    item = step.item
    if isinstance(item, Event):
        return _event(step, item, width)
    head = f" {step.sender:>{width}} {'→' if item.delivered else '✗'} {step.receiver:<{width}}  "
    return head + f"{item.type:<{_TYPE_WIDTH}}  {details(item)}"


def _event(step: Step, event: Event, width: int) -> str:
    if event.kind in _SIGNS and event.link:
        return f" {step.sender:>{width}} {_SIGNS[event.kind]} {step.receiver:<{width}}  {event.text}"
    return f"─ {event.text}"


def details(item: Captured) -> str:
    """What follows the type of a packet: its summary and what the network did to it."""
    parts = [item.summary()]
    if item.fault:
        parts.append(f"[{item.fault}]" if item.delivered else item.fault)
    return "  ".join(part for part in parts if part)


def sentence(step: Step) -> str:
    """One step for a screen reader or a tooltip."""
    item = step.item
    if isinstance(item, Event):
        return item.text
    lost = "" if item.delivered else ", never arrives"
    return f"{step.line}: {step.sender} to {step.receiver}, {item.type} {details(item)}".rstrip() + lost
