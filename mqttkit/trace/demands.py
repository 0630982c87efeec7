"""Demands: which packet must come next, and who asked for it. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from typing import NamedTuple

_ANSWERS = ("PUBACK", "PUBREC", "PUBCOMP")


class Key(NamedTuple):
    """Names one packet that must come: on which link, which way, of which type, about what.

    `about` is the packet identifier, or (topic, payload) of a PUBLISH from the broker.
    """

    link: int
    to_broker: bool
    type: str
    about: Hashable


class Demands:
    """Open demands, each with the number of what raised it; the oldest is fulfilled first."""

    def __init__(self) -> None:
        self._open: dict[Key, deque[int]] = {}

    def add(self, key: Key, cause: int) -> None:
        """Something with number `cause` demands the packet `key`."""
        self._open.setdefault(key, deque()).append(cause)

    def fulfil(self, key: Key) -> int | None:
        """Takes the oldest demand for `key` away and returns its cause; None where nobody asked."""
        causes = self._open.get(key)
        if causes is None:
            return None
        cause = causes.popleft()
        if not causes:
            del self._open[key]
        return cause

    def newest_answer(self, link: int) -> int | None:
        """The newest delivery to the client of `link` that it has not acknowledged; None where there is none."""
        waiting = [causes[-1] for key, causes in self._open.items() if key[:2] == (link, True) and key.type in _ANSWERS]
        return max(waiting, default=None)

    def drop_link(self, link: int) -> None:
        """Forgets what should have come on a link that ended."""
        for key in [key for key in self._open if key.link == link]:
            del self._open[key]

    def __iter__(self) -> Iterator[Key]:
        return (key for key, causes in self._open.items() for _ in causes)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))
