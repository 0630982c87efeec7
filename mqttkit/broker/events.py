"""The event feed of a broker: everything that happens, in order, bounded, safe to read from any thread."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from mqttkit.broker.state import BrokerEvent

Listener = Callable[[BrokerEvent], None]
_KEPT = 10_000  # events
_KEPT_BYTES = 64 * 2**20  # of their payloads


class EventFeed:
    """Keeps the last events and tells listeners of each new one, in the broker's thread (start and stop: in the caller's).

    A listener must be quick. One that raises is not called again; its error is kept for `raise_kept`.
    """

    def __init__(self) -> None:
        self._events: deque[BrokerEvent] = deque()
        self._bytes = 0
        self._listeners: list[Listener] = []
        self._numbers = itertools.count(1)
        self._began = time.monotonic()
        self._arrived = threading.Condition(threading.RLock())
        self._errors: list[Exception] = []

    def emit(self, kind: str, client_id: str = "", text: str = "", message: Any = None) -> None:
        """Add an event; `message` has topic, payload, qos and retain."""
        about = (message.topic, message.payload, message.qos, message.retain) if message is not None else ()
        with self._arrived:
            event = BrokerEvent(next(self._numbers), time.monotonic() - self._began, kind, client_id, text, *about)
            self._keep(event)
            self._arrived.notify_all()
        for listener in list(self._listeners):
            self._tell(listener, event)

    def _keep(self, event: BrokerEvent) -> None:
        """Add an event, and forget the oldest ones when there are too many or their payloads too large."""
        self._events.append(event)
        self._bytes += len(event.payload or b"")
        while len(self._events) > _KEPT or (self._bytes > _KEPT_BYTES and len(self._events) > 1):
            self._bytes -= len(self._events.popleft().payload or b"")

    def _tell(self, listener: Listener, event: BrokerEvent) -> None:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - whatever a listener does must not stop the broker
            self._errors.append(error)
            self.unlisten(listener)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; the returned function ends that."""
        with self._arrived:
            self._listeners.append(listener)
        return lambda: self.unlisten(listener)

    def raise_kept(self) -> None:
        """Raise the error of a listener that waits to be heard of, once."""
        if self._errors:
            raise self._errors.pop(0)

    def unlisten(self, listener: Listener) -> None:
        """Call `listener` no more."""
        with self._arrived:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def events(self, kind: str | None = None, client_id: str | None = None, since: int = 0) -> list[BrokerEvent]:
        """The events after number `since`, oldest first; at most the last 10 000, and 64 MB, are kept."""
        with self._arrived:
            return [
                event
                for event in self._events
                if event.number > since and kind in (None, event.kind) and client_id in (None, event.client_id)
            ]

    def wait_for(self, kind: str, client_id: str | None, count: int, timeout: float) -> list[BrokerEvent]:
        """The events of a kind as soon as there are `count`, or what there is after `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.events(kind, client_id)) >= count, timeout)
            return self.events(kind, client_id)
