"""Ladder: the packets of a trace as they pass, with pause, filter, and every byte of a packet on a click."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mqttkit.errors import InvalidArgument
from mqttkit.trace.ladder import style_sheet
from mqttkit.trace.picture import as_svg, connected_after
from mqttkit.trace.records import Captured, Event
from mqttkit.trace.story import PINGS
from mqttkit.trace.text import sentence
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News

if TYPE_CHECKING:
    from mqttkit.trace import Trace
    from mqttkit.trace.story import Step, Story

ROWS = 60
"""Packets that are in view; the trace itself holds all."""
_LOOK_BACK = 400  # entries, up to twice as many, that are looked at to find them
KINDS = {
    "everything": (),
    "messages": ("PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"),
    "PUBLISH only": ("PUBLISH",),
    "connections": ("CONNECT", "CONNACK", "DISCONNECT", "AUTH"),
    "subscriptions": ("SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK"),
}


class Ladder(KitWidget):
    """A live packet ladder; `lab.ladder()` makes one.

    Click a packet, or move to it with the arrow keys and press Enter, to see its bytes explained.

    Args:
        trace: a Trace, or anything that has one, such as a Lab or a Network.
    """

    _esm = module("ladder.js")
    _css = f"{style('ladder.css')}\n{style_sheet()}"
    title = "Packet ladder"
    actions = ("pause", "choose", "explain")
    every = 0.2
    trace: Any = None  # until there is one

    def __init__(self, trace: Any) -> None:
        self.trace = _trace_of(trace)
        self.paused = False
        self.kind = "everything"
        self.client = ""
        self._until: int | None = None  # where a paused ladder stands
        self._explained: Captured | None = None
        self._shown: dict[int, Captured] = {}  # by number of the entry
        self._counted = (0, 0)  # so many numbered packets are among the entries up to that number
        super().__init__()

    def begin(self) -> None:
        self.trace.listen(self.touch)

    # What the page may ask for

    def pause(self) -> None:
        """Stand still, or go on."""
        self.paused = not self.paused
        self._until = self.trace.mark() if self.paused else None
        self.touch()

    def choose(self, kind: str = "everything", client: str = "") -> None:
        """Show only packets of one kind, and of one client ("" for all).

        Raises:
            InvalidArgument: there is no such kind.
        """
        if kind not in KINDS:
            raise InvalidArgument(f"There is no kind {kind!r}. There are: {', '.join(KINDS)}.")
        self.kind, self.client = kind, client
        self.touch()

    def explain(self, entry: int) -> None:
        """Show every byte of the packet that is entry number `entry` of the trace (0: of none)."""
        with self.lock:
            self._explained = self._shown.get(entry)
        self.touch()

    # What there is to see

    def state(self) -> News:
        """The picture, the choices, and the packet that is explained."""
        story, steps, ahead = self._select()
        self._shown = {step.item.number: step.item for step in steps if isinstance(step.item, Captured)}
        connected = connected_after(story.steps[: story.steps.index(steps[0])] if steps else (), story.open_at_start)
        explained = self._explained
        steps = [replace(step, line=ahead + step.line) if step.line else step for step in steps]
        return News(
            {
                "svg": as_svg(story, steps, connected, self.title, live=True) if steps else "",
                "rows": {step.item.number: sentence(step) for step in steps if step.line},
                "clients": sorted({link.name for link in list(self.trace.links.values())}),
                "kinds": list(KINDS),
                "kind": self.kind,
                "client": self.client,
                "paused": self.paused,
                "count": len(self.trace),
                "dropped": self.trace.dropped,
                "anatomy": explained.anatomy()._repr_html_() if explained is not None else "",
            }
        )

    def _select(self) -> tuple[Story, list[Step], int]:
        """The story of the newest entries, what of it is in view, and how many numbered packets came before."""
        end = self.trace.mark() if self._until is None else self._until
        since = (
            max(0, end // _LOOK_BACK - 1) * _LOOK_BACK
        )  # moves seldom: messages keep their letter and colour between
        story = self.trace.story(since=since)
        steps = [step for step in story.steps if step.item.number <= end and self._wanted(step)]
        return story, steps[-ROWS:], self._count_up_to(since)

    def _count_up_to(self, since: int) -> int:
        """Packets that have a line of their own before those after entry `since`; counts on from the last answer."""
        known, count = self._counted if self._counted[0] <= since else (0, 0)  # where the trace was cleared, anew
        new = [entry for entry in self.trace.entries(known) if entry.number <= since] if since > known else ()
        count += sum(isinstance(entry, Captured) and entry.type not in PINGS for entry in new)
        self._counted = (since, count)
        return count

    def _wanted(self, step: Step) -> bool:
        if self.client and self.client != step.item.client:
            return False
        if isinstance(step.item, Event):
            return self.kind == "everything" or step.item.kind in ("fault", "healed", "cut")
        return self.kind == "everything" or step.item.type in KINDS[self.kind]

    def text(self) -> str:
        """The trace as text."""
        return str(self.trace.text())

    def html(self) -> str:
        """The static ladder."""
        return str(self.trace._repr_mimebundle_()["text/html"])

    def release(self) -> None:
        """Stop to follow the trace."""
        if self.trace is not None:  # it is, where the argument was none
            self.trace.unlisten(self.touch)


def _trace_of(place: Any) -> Trace:
    found = getattr(place, "trace", place)
    if not hasattr(found, "unlisten"):
        raise InvalidArgument(f"A ladder shows a Trace, or that of a Lab or a Network, not {type(place).__name__}.")
    return cast("Trace", found)
