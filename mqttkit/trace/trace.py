"""Trace: the recorded packets, and questions about them. No I/O but files on request; safe between threads."""

from __future__ import annotations

import threading
import time as clock
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal

from mqttkit._checks import check_timeout
from mqttkit._words import in_words
from mqttkit.errors import InvalidArgument, Timeout
from mqttkit.packets.printable import show_text
from mqttkit.trace.causes import Causes
from mqttkit.trace.query import CONDITIONS, Query, check_count, check_since
from mqttkit.trace.records import BROKER, Captured, Event, Link, Wire
from mqttkit.trace.story import Story, tell
from mqttkit.trace.text import as_text, headed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from mqttkit.trace.eavesdrop import Eavesdropper
    from mqttkit.trace.exchanges import Exchange
    from mqttkit.trace.sessions import Sessions

LIMIT = 100_000
BYTES = 256 << 20
_MOST_DROPPED = 1000  # entries at a time: each is read before it goes, and the relay's clients wait for that
_LONGEST_NOTE = 300  # characters: a client id in it may have 65535
Order = Literal["story", "time"]


class Trace:
    """Packets and events in the order in which a relay saw them; the newest `limit` of them, and `most_bytes` of their bytes.

    Displays as a packet ladder; `print(trace)` shows the same as text. Numbers count from 1 in recorded order, over
    packets and events, and stay what they are when old entries fall off the front (`dropped` tells how many did).

    Attributes:
        limit, most_bytes: entries, and bytes of their packets, that are kept; by default 100 000 and 256 MiB.
        links: every connection of the relay, by number.
        dropped: how many entries fell off the front.
        started: seconds since 1970 when the trace began.
        heading: a sentence that is shown above the ladder, such as where a recording comes from.
    """

    def __init__(self, *, limit: int = LIMIT, links: dict[int, Link] | None = None) -> None:
        if not isinstance(limit, int) or limit < 1:
            raise InvalidArgument(f"limit={limit!r} makes no sense: a trace keeps at least 1 entry.")
        self.limit, self.most_bytes = limit, BYTES
        self.links: dict[int, Link] = {} if links is None else links
        self.dropped = 0
        self.heading = ""
        self._start = clock.monotonic()
        self.started = clock.time()
        self._items: list[Wire | Event] = []
        self._bytes = 0
        self._changed = threading.Condition(threading.Lock())
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._causes = Causes(self.links)
        self._fed = 0  # number of the last entry that _causes took in

    # --- recording (by the relay)

    def record(self, wire: Wire) -> None:
        """Appends one packet."""
        with self._changed:
            self._append(wire)

    def note(
        self,
        kind: str,
        text: str,
        *,
        link: Link | None = None,
        who: str = "network",
        client: str = "",
        data: bytes = b"",
    ) -> Event:
        """Appends one event."""
        number, name = (link.number, link.name) if link is not None else (0, client)
        event = Event(0, clock.monotonic(), number, kind, who, show_text(text, _LONGEST_NOTE), name, data)
        with self._changed:
            self._append(event)
        return event

    def _append(self, item: Wire | Event) -> None:
        self._items.append(item)
        self._bytes += _bytes(item)
        if len(self._items) > self.limit:
            self._drop(max(1, min(self.limit // 10, _MOST_DROPPED)))
        while self._bytes > self.most_bytes and len(self._items) > 1:
            self._drop(max(1, min(len(self._items) // 10, _MOST_DROPPED)))
        if self._waiting:
            self._changed.notify_all()
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Has `listener` called after every entry, in the thread that records it: it must be quick and ask nothing."""
        self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Ends a `listen`."""
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def _drop(self, count: int) -> None:
        self._feed(self.dropped + count)
        self._bytes -= sum(map(_bytes, self._items[:count]))
        del self._items[:count]
        self.dropped += count
        self._causes.forget(self.dropped)

    def restore(self, items: list[Wire | Event], *, dropped: int) -> None:
        """Fills an empty trace with entries whose times count from 0 (when it is loaded from a file)."""
        self._start, self.started = 0.0, 0.0
        self._items, self.dropped, self._fed = items, dropped, dropped
        self._bytes = sum(map(_bytes, items))

    def touch(self) -> None:
        """Wakes up who waits: a packet that is recorded already was delivered, or got lost."""
        with self._changed:
            self._changed.notify_all()

    def window(self) -> Trace:
        """A new, empty trace that knows the sessions and subscriptions of this one; its numbers begin at 1."""
        with self._changed:
            self._feed()
            other = Trace(limit=self.limit, links=self.links)
            other.most_bytes = self.most_bytes
            other._causes = self._causes.copy()
        return other

    # --- reading

    @property
    def _end(self) -> int:
        return self.dropped + len(self._items)

    def _view(self, number: int) -> Captured | Event:
        item = self._items[number - self.dropped - 1]
        time = max(0.0, item.time - self._start)
        if isinstance(item, Event):
            return Event(number, time, item.link, item.kind, item.who, item.text, item.client, item.data)
        ends = (item.link.name, BROKER) if item.to_broker else (BROKER, item.link.name)
        packet = item.packet
        return Captured(number, time, item.link.number, *ends, packet, item.fault, item.delivered, item.problem)

    def _feed(self, upto: int | None = None) -> None:
        last = self._end if upto is None else max(upto, self._fed)
        first = max(self._fed, self.dropped) + 1
        self._causes.feed(self._view(number) for number in range(first, last + 1))
        self._fed = last

    def broker_view(self) -> Sessions:
        """What the broker must know by now, worked out from what the trace saw: a copy."""
        with self._changed:
            self._feed()
            return deepcopy(self._causes.sessions)

    def entries(self, since: int | None = None) -> list[Captured | Event]:
        """Packets and events in recorded order, those after number `since`."""
        with self._changed:
            return [self._view(number) for number in range(max(since or 0, self.dropped) + 1, self._end + 1)]

    def events(self, kind: str | None = None) -> list[Event]:
        """Events in recorded order."""
        return [item for item in self.entries() if isinstance(item, Event) and kind in (None, item.kind)]

    @in_words()
    def packets(
        self,
        type: str | None = None,  # noqa: A002 - the standard's word
        sender: str | None = None,
        receiver: str | None = None,
        topic: str | None = None,
        *,
        qos: int | None = None,
        packet_id: int | None = None,
        since: int | None = None,
        delivered: bool | None = None,
    ) -> list[Captured]:
        """Packets in recorded order that meet all conditions.

        Args:
            type: packet type, such as "PUBLISH".
            sender: client id or "broker".
            receiver: client id or "broker".
            topic: topic filter.
            qos: QoS of a PUBLISH.
            packet_id: packet identifier.
            since: a number or `mark()`; only later packets.
            delivered: True for those that arrived, False for those that got lost.

        Raises:
            InvalidArgument: a word that means nothing; the message names the nearest valid one.
        """
        check_since(since)
        return self._find(Query(type, sender, receiver, topic, qos, packet_id, delivered), since)

    def _find(self, query: Query, since: int | None) -> list[Captured]:
        with self._changed:
            return list(self._matching(query, max(since or 0, self.dropped)))

    def _matching(self, query: Query, after: int) -> Iterator[Captured]:
        for number in range(after + 1, self._end + 1):
            item = self._view(number)
            if isinstance(item, Captured) and query.fits(item):
                yield item

    @in_words(*CONDITIONS)
    def wait_for(
        self, count: int = 1, timeout: float = 2.0, *, since: int | None = None, **query: Any
    ) -> list[Captured]:
        """Waits until `count` packets meet the conditions of `packets()`, and returns all that do.

        Raises:
            Timeout: not within `timeout` seconds; the message says what was seen.
            InvalidArgument: a condition that means nothing.
        """
        check_count(count)
        timeout = check_timeout(timeout)
        check_since(since)
        wanted, deadline = Query(**query), clock.monotonic() + timeout
        with self._changed:
            self._waiting += 1
            try:
                return self._wait(wanted, count, timeout, deadline, since)
            finally:
                self._waiting -= 1

    def _wait(self, wanted: Query, count: int, timeout: float, deadline: float, since: int | None) -> list[Captured]:
        after, found = since or 0, 0
        anew = wanted.delivered is not None  # a packet that was recorded long ago may arrive, or get lost, only now
        while True:
            new = sum(1 for _ in self._matching(wanted, max(after, self.dropped)))
            found = new if anew else found + new
            if found >= count:
                return list(self._matching(wanted, max(since or 0, self.dropped)))
            after = after if anew else self._end
            if not self._changed.wait(deadline - clock.monotonic()) and clock.monotonic() >= deadline:
                raise Timeout(self._too_late(wanted, count, found, timeout, since))

    def _too_late(self, wanted: Query, count: int, found: int, timeout: float, since: int | None) -> str:
        after = max(since or 0, self.dropped)
        seen = [item for item in map(self._view, range(after + 1, self._end + 1)) if isinstance(item, Captured)]
        last = "; ".join(f"{item.sender} to {item.receiver}: {item.type}" for item in seen[-5:])
        what = f"{found} of {count} came" if found else "none came"
        return f"Waited {timeout:g} s for {wanted}, {what}. Last packets seen: {last or 'none at all'}."

    def wait_for_change(self, mark: int, timeout: float) -> bool:
        """Waits until something after number `mark` is recorded; False where nothing was within `timeout` seconds."""
        with self._changed:
            self._waiting += 1
            try:
                return self._changed.wait_for(lambda: self._end > mark, timeout)
            finally:
                self._waiting -= 1

    def settle(self, timeout: float = 1.0) -> bool:
        """Waits until every handshake ended or a fault explains why it cannot; False where time ran out.

        Deliveries count too: a message published to a subscribed topic must have gone out.
        """
        return not self.unsettled(timeout)

    def unsettled(self, timeout: float = 0.0) -> list[str]:
        """What is still to come after waiting up to `timeout` seconds, in words."""
        deadline = clock.monotonic() + timeout
        with self._changed:
            self._waiting += 1
            try:
                self._feed()
                while len(self._causes.demands):
                    if not self._changed.wait(max(0.0, deadline - clock.monotonic())):
                        break
                    self._feed()
            finally:
                self._waiting -= 1
            return self._causes.waiting_for()

    def mark(self) -> int:
        """The number of the newest entry: `packets(since=mark)` are those that come later."""
        with self._changed:
            return self._end

    def clear(self) -> None:
        """Forgets the packets; numbers begin at 1 again, sessions and subscriptions stay known."""
        with self._changed:
            self._feed()
            self._items.clear()
            self._bytes = self.dropped = self._fed = 0
            self._causes = self._causes.copy()
            self._start, self.started = clock.monotonic(), clock.time()

    def __len__(self) -> int:
        """Number of packets that are kept."""
        with self._changed:
            return sum(isinstance(item, Wire) for item in self._items)

    def __iter__(self) -> Iterator[Captured]:
        return iter(self._find(Query(), None))

    def __getitem__(self, index: int) -> Captured:
        return self._find(Query(), None)[index]

    # --- telling

    def story(self, *, pings: bool = False, order: Order = "story", since: int = 0) -> Story:
        """The trace in the order of its causes: the same on every run and every broker (see `mqttkit.trace.story`).

        With `since`, only what was recorded after that number is told (its lines count from there on).
        """
        if order not in ("story", "time"):
            raise InvalidArgument(f'A trace is told in the order "story" or "time", not {order!r}.')
        items = self.entries(since)
        with self._changed:
            self._feed()
            return tell(items, self.links, self._causes, pings=pings, by_time=order == "time")

    def line(self, number: int) -> Captured:
        """The packet that the ladder and the text show with this number."""
        steps = self.story().steps
        for step in steps:
            if step.line == number and isinstance(step.item, Captured):
                return step.item
        last = max((step.line for step in steps), default=0)
        raise InvalidArgument(f"The ladder has no line {number}: it has {last} line{'' if last == 1 else 's'}.")

    def exchanges(self) -> list[Exchange]:
        """Packets grouped by message, over all hops, with how it ended."""
        from mqttkit.trace.exchanges import exchanges_of

        items = self.entries()
        with self._changed:
            self._feed()
            return exchanges_of(items, self._causes)

    def eavesdrop(self) -> Eavesdropper:
        """What somebody who listens on the wire sees: a hex dump, and the words that can be read."""
        from mqttkit.trace.eavesdrop import Eavesdropper

        return Eavesdropper(self.entries())

    def text(self, *, times: bool = False, order: Order = "story", pings: bool = False) -> str:
        """One line per packet, deterministic unless `times` are asked for."""
        return as_text(self.story(pings=pings, order=order), times=times, dropped=self.dropped)

    __str__ = text

    def __repr__(self) -> str:
        return headed(self.heading, self.text())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from mqttkit.trace.ladder import as_html

        html = as_html(self.story(), dropped=self.dropped, heading=self.heading)
        return {"text/plain": repr(self), "text/html": html}

    # --- files

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the trace: `.pcapng` for Wireshark, `.jsonl` to load it again, `.svg`/`.html` the ladder, `.txt` the text."""
        from mqttkit.trace.files import save

        save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Trace:
        """Reads what `save("....jsonl")` wrote."""
        from mqttkit.trace.files import load

        return load(path)


def _bytes(item: Wire | Event) -> int:
    """How much memory it holds, apart from what each entry needs."""
    return len(item.raw if isinstance(item, Wire) else item.data)
