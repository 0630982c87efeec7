"""BrokerConsole: what a broker knows and does, live: clients, subscriptions, retained messages, sessions, events, rates."""

from __future__ import annotations

import html
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from mqttkit._tables import table_html, table_text
from mqttkit.widgets.arguments import check_options, check_place
from mqttkit.widgets.asker import Asker
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.feed import QUIET, Feed, direct, is_closed, is_ours, where
from mqttkit.widgets.show import preview
from mqttkit.widgets.tables import Rows, as_tables, broker_tables, has_in_flight, sys_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.message import Message

SHOWN_ROWS = 300
KEPT_EVENTS = 100
_SYS_TOPICS = 1000


class BrokerConsole(KitWidget):
    """The console of a broker: who is connected, who wants what, what is stored, what happens, how much.

    Of a broker elsewhere, known by its URL only, it shows what that one publishes below `$SYS`.

        BrokerConsole(lab)
        BrokerConsole("mqtt://user:password@broker.example")

    Args:
        place: a Lab, a Broker or a URL.
        options: for the client that reads `$SYS` of a broker elsewhere: username, password, tls, protocol.
    """

    _esm = module("console.js")
    _css = style("console.css")
    title = "Broker console"
    every = 0.15
    _feed: Feed | None = None
    _unlisten: Callable[[], None] = staticmethod(lambda: None)  # until there is something to end

    def __init__(self, place: Any, **options: Any) -> None:
        check_options(options)
        self._options = options
        self._place = check_place(place)
        self._where = where(place)
        self._broker = direct(place) if is_ours(direct(place)) else None
        self._events: deque[list[Any]] = deque(maxlen=KEPT_EVENTS)
        self._messages: deque[list[Any]] = deque(maxlen=KEPT_EVENTS)
        self.published = 0
        self._seen_before = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=100)
        self._sys: dict[str, str] = {}
        # As it was shown last: that the broker runs, and that messages wait for their acknowledgement.
        self._ran = self._in_flight = False
        self._happened = threading.Condition()
        self._asker = Asker(self.tables, as_tables([], [], [], []), self.touch, self.report)
        super().__init__()

    def begin(self) -> None:
        if self._broker is not None:
            self._catch_up()
        else:
            take = guarded(self, self._on_sys)
            self._feed = Feed(direct(self._place), "broker-console", ["$SYS/#"], take, self.touch, **self._options)

    def _catch_up(self) -> None:
        """Take in what has happened before, and then everything once."""
        broker: Any = self._broker
        with self._happened:
            self._unlisten = broker.on_event(self._on_event)
            for event in broker.events():
                self._take(event)
                self._seen_before = event.number

    def _on_event(self, event: Any) -> None:
        """Something happened in the broker; called in its own thread, so this is quick.

        It must not wait for `self.lock`: whoever holds that may be asking the broker, which would wait for this thread.
        """
        with self._happened:
            if event.number > self._seen_before:
                self._take(event)
            self._happened.notify_all()
        self.touch()

    def _take(self, event: Any) -> None:
        self.published += event.kind == "publish"
        kept = self._messages if event.kind == "publish" else self._events
        kept.append([event.number, f"{event.time:.1f}", event.kind, event.client_id, _details(event)])

    def _on_sys(self, message: Message) -> None:
        with self.lock:
            if message.topic in self._sys or len(self._sys) < _SYS_TOPICS:
                self._sys[message.topic] = preview(message.payload)
        self.touch()

    def tables(self) -> dict[str, Rows]:
        """What the broker knows, as tables by name.

        Raises:
            BrokerError: it does not answer.
        """
        if self._broker is None:
            with self.lock:
                return sys_tables(self._sys)
        return broker_tables(self._broker)

    def measure_rate(self) -> float:
        """Messages published per second, since this was asked about a second ago."""
        now = time.monotonic()
        self._samples.append((now, self.published))
        while len(self._samples) > 1 and now - self._samples[0][0] > 1.5:  # noqa: PLR2004 - a second and some
            self._samples.popleft()
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end - start) if end > start else 0.0

    def state(self) -> News:
        with self._happened:
            notable, messages = list(self._events), list(self._messages)
        tables = self.tables() if self._broker is None else self._asker.latest()
        self._ran, self._in_flight = self._running(), has_in_flight(tables)
        return News(
            {
                "where": self._where,
                "running": self._ran,
                "silent": self._asker.silent,
                "published": self.published,
                "rate": round(self.measure_rate(), 1),
                "tables": {name: rows.shown(SHOWN_ROWS) for name, rows in tables.items()},
                "events": sorted([*notable, *messages])[-KEPT_EVENTS:],
                "notable": notable,
                "remote": self._broker is None,
            }
        )

    def _running(self) -> bool:
        return self._feed.connected if self._feed is not None else bool(self._broker and self._broker.running)

    def is_over(self) -> bool:
        return is_closed(self._place) and not self._running()

    def beat(self) -> None:
        super().beat()
        if self._may_differ():
            self.touch()

    def _may_differ(self) -> bool:
        """Whether what was shown last may be over without an event that told so."""
        falling = bool(self._samples) and self._samples[0][1] != self.published  # the rate, when nothing happens
        return falling or self._asker.silent or self._in_flight or self._ran != self._running()

    def settle(self) -> None:
        if self._feed is not None:
            self._feed.settle()
            return
        end = time.monotonic() + 1.5
        with self._happened:
            while time.monotonic() < end and self._happened.wait(QUIET):
                pass

    def text(self) -> str:
        if self._broker is None:
            return "Console of a broker elsewhere: what it publishes below $SYS appears here."
        parts = [f"{name}\n{table_text(rows.columns, rows.rows)}" for name, rows in self.tables().items()]
        return "\n\n".join(["Broker console", *parts])

    def html(self) -> str:
        if self._broker is None:
            return f"<p>{html.escape(self.text())}</p>"
        return "".join(
            f"<p>{html.escape(name)}</p>{table_html(rows.columns, rows.rows)}" for name, rows in self.tables().items()
        )

    def release(self) -> None:
        self._unlisten()
        if self._feed is not None:
            self._feed.close()


def _details(event: Any) -> str:
    """What an event says beyond its kind and the client."""
    return str(event).removeprefix(event.kind).lstrip().removeprefix(event.client_id).lstrip()
