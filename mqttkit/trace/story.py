"""The order in which a trace is told: causes before effects, one handshake at a time. No I/O.

Packets of different connections race, so the order in which they were recorded changes from run to run and from broker to
broker. A story begins with what a client (or the network) did on its own, in recorded order, and tells all that came of
it before it goes on: first on the same connection, then on the others, lane by lane. The same cell so gives the same
story on every broker, idle or under load.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit.trace.exchanges import Grouping
from mqttkit.trace.opaque import join_bytes
from mqttkit.trace.records import BROKER, Captured, Event, Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mqttkit.trace.causes import Causes

PINGS = ("PINGREQ", "PINGRESP")
_ENDS = ("closed", "cut", "left")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a story.

    Attributes:
        line: number of the line among the packets, from 1; 0 for an event.
        item: the packet or event.
        sender: lane where it starts (for an event: the lane it happens to).
        receiver: lane where it ends.
        message: which message its handshake carries, from 1 in the order of the story; 0 for none.
        note: what the packet itself does not say, such as "will of bob".
        both_ways: True for bytes that went in both directions.
    """

    line: int
    item: Captured | Event
    sender: str
    receiver: str
    message: int = 0
    note: str = ""
    both_ways: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """A trace in the order of its causes.

    Attributes:
        lanes: names of the lanes from left to right, "broker" in the middle.
        steps: the lines, in order.
        open_at_start: lanes whose client was connected before the story began.
    """

    lanes: tuple[str, ...]
    steps: tuple[Step, ...]
    open_at_start: frozenset[str]


def tell(
    items: Sequence[Captured | Event],
    links: Mapping[int, Link],
    causes: Causes,
    *,
    pings: bool = False,
    by_time: bool = False,
) -> Story:
    """Puts `items` (in recorded order, already fed to `causes`) in the order of their causes."""
    shown = [item for item in items if _is_shown(item, causes, pings=pings)]
    lane_of = _lanes_of_links(items, links, causes.live_at_start)
    ordered = shown if by_time else list(_Teller(shown, causes, lane_of).tell())
    return Story(
        lanes=_lane_order(shown, links, lane_of),
        steps=tuple(join_bytes(_steps(ordered, lane_of, Grouping(causes).of(items), causes.wills.owner))),
        open_at_start=_open_at_start(shown, lane_of)
        | {lane_of[link] for link in causes.live_at_start if link in lane_of},
    )


def _is_shown(item: Captured | Event, causes: Causes, *, pings: bool) -> bool:
    if isinstance(item, Event):
        return item.number not in causes.routine and item.kind != "opened"
    return pings or item.type not in PINGS


def _steps(
    items: Sequence[Captured | Event],
    lane_of: Mapping[int, str],
    message_of: Mapping[int, int],
    will_of: Mapping[int, str],
) -> Iterator[Step]:
    line = 0
    message: dict[int, int] = {}
    for item in items:
        lane = lane_of.get(item.link, item.client)
        if isinstance(item, Event):
            yield Step(0, item, *((BROKER, lane) if item.who == BROKER else (lane, BROKER)))
            continue
        line += 1
        first = message_of.get(item.number)
        number = 0 if first is None else message.setdefault(first, len(message) + 1)
        note = f"will of {will_of[item.number]}" if item.number in will_of else ""
        yield Step(line, item, *((lane, BROKER) if item.to_broker else (BROKER, lane)), number, note)


# --- lanes


def _lanes_of_links(
    items: Sequence[Captured | Event], links: Mapping[int, Link], live_at_start: frozenset[int]
) -> dict[int, str]:
    """Lane of each connection: one per client id, a second one while two connections share an id (take-over)."""
    busy: dict[str, int] = {}  # lane -> connection that lives on it
    for link in sorted(live_at_start):
        busy[_free_lane(links[link].name, busy)] = link
    lane_of = {link: lane for lane, link in busy.items()}
    for item in items:
        if not item.link:
            continue
        if item.link not in lane_of:
            lane_of[item.link] = _free_lane(links[item.link].name if item.link in links else item.client, busy)
            busy[lane_of[item.link]] = item.link
        if _ends_link(item):
            busy.pop(lane_of[item.link], None)
    return lane_of


def _free_lane(name: str, busy: Mapping[str, int]) -> str:
    lane, count = name, 1
    while lane in busy:
        count += 1
        lane = f"{name} #{count}"
    return lane


def _ends_link(item: Captured | Event) -> bool:
    if isinstance(item, Event):
        return item.kind in _ENDS
    return item.type == "DISCONNECT" and item.to_broker


def _lane_order(
    items: Sequence[Captured | Event], links: Mapping[int, Link], lane_of: Mapping[int, str]
) -> tuple[str, ...]:
    """Clients by their first connection, the broker in the middle of them."""
    present = {lane_of[item.link] for item in items if item.link}
    first: dict[str, int] = {}
    for number in sorted(links):
        first.setdefault(links[number].name, number)
    clients = sorted(present, key=lambda lane: (first.get(lane.split(" #")[0], 0), lane))
    middle = (len(clients) + 1) // 2
    return (*clients[:middle], BROKER, *clients[middle:])


def _open_at_start(items: Sequence[Captured | Event], lane_of: Mapping[int, str]) -> frozenset[str]:
    """Lanes that do not begin with the start of a connection: their client was there before the story began."""
    first: dict[str, Captured | Event] = {}
    for item in items:
        if item.link:
            first.setdefault(lane_of[item.link], item)
    return frozenset(lane for lane, item in first.items() if not _opens_link(item))


def _opens_link(item: Captured | Event) -> bool:
    """True for what comes first on a connection, or in place of one; a client that speaks TLS begins with its bytes."""
    return item.kind in ("bytes", "refused") if isinstance(item, Event) else item.type == "CONNECT"


# --- order


class _Teller:
    """Walks from each root through what it caused."""

    def __init__(self, items: Sequence[Captured | Event], causes: Causes, lane_of: Mapping[int, str]) -> None:
        self._items = {item.number: item for item in items}
        self._cause = causes.cause
        self._anchor = causes.anchor
        self._lane_of = lane_of
        self._children: dict[int, list[Captured | Event]] = defaultdict(list)
        self._roots: list[Captured | Event] = []
        for item in items:
            cause = self._cause_of(item)
            (self._roots if cause is None else self._children[cause.number]).append(item)

    def _cause_of(self, item: Captured | Event) -> Captured | Event | None:
        """What `item` hangs under: of a whole handshake its first packet, whichever half the broker passed it on at."""
        cause = self._items.get(self._cause.get(item.number, 0))
        if _is_reaction(item, cause):
            return self._published(cause)
        while cause is not None and cause.link != item.link and isinstance(cause, Captured) and cause.type != "PUBLISH":
            before = self._before(cause)
            if not isinstance(before, Captured) or not before.type.startswith("PUB"):
                break
            cause = before
        return cause

    def _before(self, item: Captured | Event) -> Captured | Event | None:
        return self._items.get(self._cause.get(item.number, 0))

    def _published(self, item: Captured | Event | None) -> Captured | Event | None:
        """The publication that a delivery goes back to (or whatever came first)."""
        while item is not None and not (isinstance(item, Captured) and item.to_broker and item.type == "PUBLISH"):
            before = self._before(item)
            if before is None:
                break
            item = before
        return item

    def tell(self) -> Iterator[Captured | Event]:
        waiting = sorted(self._roots, key=lambda item: self._anchor.get(item.number, item.number), reverse=True)
        while waiting:
            item = waiting.pop()
            yield item
            waiting.extend(sorted(self._children[item.number], key=lambda child: self._rank(item, child), reverse=True))

    def _rank(self, cause: Captured | Event, child: Captured | Event) -> tuple[int, str, int]:
        """A take-over first, then answers, then more on the same connection, then the other lanes, then reactions."""
        if isinstance(child, Captured) and child.type == "PUBLISH" and child.to_broker and isinstance(cause, Captured):
            lane = self._lane_of.get(child.link, "")
            return (2, "", child.number) if cause.type == "CONNACK" else (5, lane, child.number)
        if child.link != cause.link:
            lane = self._lane_of.get(child.link, "")
            return (0 if isinstance(child, Event) else 4, lane, child.number)
        if isinstance(child, Event):
            return (3, "", child.number)
        delivery = child.type == "PUBLISH" and not child.to_broker
        return (3 if delivery else 1 if child.to_broker != _direction(cause) else 2, "", child.number)


def _is_reaction(item: Captured | Event, cause: Captured | Event | None) -> bool:
    """True for what a client published in answer to a message it got: it is told when that message is."""
    if not isinstance(item, Captured) or not isinstance(cause, Captured):
        return False
    return item.type == "PUBLISH" and item.to_broker and not cause.to_broker and cause.type != "CONNACK"


def _direction(cause: Captured | Event) -> bool | None:
    return cause.to_broker if isinstance(cause, Captured) else None
