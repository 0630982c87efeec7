"""What a client received: kept in order, handed out once. Thread-safe, no I/O."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from mqttkit.topics import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.message import Message

# About 40 MB of small messages; what falls off is counted in `dropped`.
LIMIT = 100_000


class Inbox:
    """Received messages; `notify` is called at each arrival, and by the owner when the connection changes."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.changed = threading.Condition()
        self.dropped = 0
        self._all: deque[Message] = deque(maxlen=limit)
        self._unread: deque[Message] = deque(maxlen=limit)
        self._sleepers = 0
        self._wakers: list[Callable[[], Any]] = []

    def add(self, message: Message) -> None:
        """A message has arrived."""
        with self.changed:
            self.dropped += len(self._all) == self._all.maxlen
            self._all.append(message)
            self._unread.append(message)
            self.notify()

    def notify(self) -> None:
        """Wake everybody who waits; the caller holds `changed`."""
        if self._sleepers:
            self.changed.notify_all()
        for wake in self._wakers:
            wake()

    def wait(self, condition: Callable[[], Any], timeout: float) -> bool:
        """Wait up to `timeout` seconds until `condition()`, looked at after each change; the caller holds `changed`."""
        self._sleepers += 1
        try:
            return bool(self.changed.wait_for(condition, timeout))
        finally:
            self._sleepers -= 1

    def messages(self) -> list[Message]:
        """Everything received so far, in order of arrival."""
        with self.changed:
            return list(self._all)

    def clear(self) -> None:
        """Forget everything received so far."""
        with self.changed:
            self._all.clear()
            self._unread.clear()

    def holds(self, n: int, topic_filter: str | None = None) -> bool:
        """True when `n` messages that match have not been handed out yet."""
        with self.changed:
            if len(self._unread) < n or topic_filter is None:  # the usual case, told without a look at any message
                return len(self._unread) >= n
            return len(self.unread(topic_filter)) >= n

    def unread(self, topic_filter: str | None = None) -> list[Message]:
        """What has not been handed out yet."""
        with self.changed:
            return [m for m in self._unread if topic_filter is None or matches(topic_filter, m.topic)]

    def take(self, n: int, topic_filter: str | None = None) -> list[Message] | None:
        """The first `n` messages not handed out yet, or None while there are fewer."""
        with self.changed:
            if topic_filter is None:
                return [self._unread.popleft() for _ in range(n)] if len(self._unread) >= n else None
            found = self.unread(topic_filter)[:n]
            if len(found) < n:
                return None
            taken = {id(m) for m in found}
            self._unread = deque((m for m in self._unread if id(m) not in taken), self._unread.maxlen)
            return found

    def on_change(self, wake: Callable[[], Any]) -> None:
        """Call `wake` (quick, from any thread) at each change."""
        with self.changed:
            self._wakers.append(wake)

    def forget(self, wake: Callable[[], Any]) -> None:
        """Do not call `wake` any more."""
        with self.changed:
            self._wakers.remove(wake)
