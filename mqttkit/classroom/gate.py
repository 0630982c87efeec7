"""The gate: stands between the members of a class and the broker, whatever engine that is. It knows all connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from mqttkit.classroom.link import Link, Upstream

if TYPE_CHECKING:
    from mqttkit.classroom.rules import Member, Rules
    from mqttkit.packets import Packet


class Observer(Protocol):
    """Who wants to see what passes."""

    def packet(self, link: Link, raw: bytes, *, to_broker: bool) -> None:
        """A packet passed."""

    def opened(self, link: Link) -> None:
        """A member connected."""

    def closed(self, link: Link) -> None:
        """A connection ended."""

    def refused(self, link: Link, why: str) -> None:
        """A message was not passed on."""


class Gate:
    """All connections of a class.

    Args:
        rules: what members may do.
        upstream: the broker.

    Attributes:
        observers: who is told what passes.
        links: the connections of members; `ending` are tasks that clear up after some.
        control: called with each accepted message; True when it was a command, which is not passed on.
    """

    def __init__(self, rules: Rules, upstream: Upstream) -> None:
        self.rules = rules
        self.upstream = upstream
        self.control: Callable[[Member, Packet], bool] = lambda _member, _packet: False
        self.observers: list[Observer] = []
        self.links: set[Link] = set()
        self.ending: set[asyncio.Task[None]] = set()
        self._numbers = 0

    def link(
        self,
        send: Callable[[bytes], Awaitable[None]],
        close: Callable[[], None],
        address: str = "",
        entered: Callable[[], None] = lambda: None,
    ) -> Link:
        """A new connection; feed it with what the member sends and `end` it when the member is gone."""
        self._numbers += 1
        return Link(self, send, close, self._numbers, address, entered)

    def remember(self, link: Link) -> None:
        """A member's CONNECT was accepted."""
        assert link.member is not None
        self.links.add(link)
        link.member.came()
        for observer in self.observers:
            observer.opened(link)

    def forget(self, link: Link) -> None:
        """A connection ended."""
        if link in self.links:
            self.links.discard(link)
            self._leave(link)
            for observer in self.observers:
                observer.closed(link)

    def _leave(self, link: Link) -> None:
        """The name of a member is free again, unless a phone sleeps and will come back to its session."""
        member = link.member
        assert member is not None
        member.links -= 1
        if member.links:
            return
        if member.session_kept:
            member.left_at = time.monotonic()
        else:
            member.name = ""

    def seen(self, link: Link, raw: bytes, *, to_broker: bool) -> None:
        """A packet passes."""
        for observer in self.observers:
            observer.packet(link, raw, to_broker=to_broker)

    def refused(self, link: Link, why: str) -> None:
        """A message was not passed on."""
        for observer in self.observers:
            observer.refused(link, why)
