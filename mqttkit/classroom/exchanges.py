"""The packets of one chat line on all its hops: from its sender to the broker, and from there to everybody. Pure."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_PUBLISH, _PUBACK = 3, 4
_KEPT = 60
_NAMED = 5


class _Publish(NamedTuple):
    """A PUBLISH; its packet identifier is empty at QoS 0."""

    raw: bytes
    topic: bytes
    packet_id: bytes
    payload: bytes


@dataclass
class Exchange:
    """One line.

    Attributes:
        publish: the sender's PUBLISH; `puback` the broker's answer to it, empty while there is none.
        delivery: the first PUBLISH from the broker to a receiver; `delivered` counts them.
        acknowledged: how many receivers answered with PUBACK.
        receivers: client ids of the first few receivers.
        seconds: from the sender's PUBLISH to the last delivery.
    """

    number: int
    sender: str
    topic: bytes
    payload: bytes
    publish: bytes
    began: float
    puback: bytes = b""
    delivery: bytes = b""
    delivered: int = 0
    acknowledged: int = 0
    receivers: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """As the instructor's page gets it; packets in hexadecimal."""
        return {
            "number": self.number,
            "sender": self.sender,
            "publish": self.publish.hex(),
            "puback": self.puback.hex(),
            "delivery": self.delivery.hex(),
            "delivered": self.delivered,
            "acknowledged": self.acknowledged,
            "receivers": self.receivers,
            "ms": round(self.seconds * 1000, 1),
        }


class Exchanges:
    """The last lines and where their packets went.

    Attributes:
        follow: client id of the person whose lines are of interest; "" for everybody's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.follow = ""
        self._clock = clock
        self._last: deque[Exchange] = deque()
        self._by_line: dict[tuple[bytes, bytes], Exchange] = {}  # topic and payload → the latest that has both
        self._count = 0
        self._awaited: dict[tuple[int, bool, bytes], Exchange] = {}

    def followed(self) -> Exchange | None:
        """The latest line of whom `follow` names."""
        return next((one for one in reversed(self._last) if self.follow in ("", one.sender)), None)

    def lines(self) -> list[tuple[str, str]]:
        """Topic and payload of the last lines, the oldest first."""
        return [(one.topic.decode(), one.payload.decode("utf-8", "replace")) for one in self._last]

    def forget(self) -> None:
        """The lines were wiped."""
        self._last.clear()
        self._by_line.clear()

    def packet(self, link: int, client_id: str, raw: bytes, *, to_broker: bool) -> bool:
        """Take in one packet of connection `link`; True when it begins a new line."""
        kind = raw[0] >> 4
        if kind == _PUBLISH:
            seen = _publish(raw)
            if not seen.topic.startswith(b"chat/") or b"/message/" not in seen.topic:
                return False
            if to_broker:
                self._begin(link, client_id, seen)
                return True
            self._deliver(link, client_id, seen)
        elif kind == _PUBACK:
            self._acknowledge(link, raw, to_broker=to_broker)
        return False

    def _begin(self, link: int, client_id: str, seen: _Publish) -> None:
        self._count += 1
        one = Exchange(self._count, client_id, seen.topic, seen.payload, seen.raw, self._clock())
        self._keep(one)
        self._await(link, seen.packet_id, one, to_broker=False)

    def _keep(self, one: Exchange) -> None:
        if len(self._last) == _KEPT:
            old = self._last.popleft()
            if self._by_line.get((old.topic, old.payload)) is old:
                del self._by_line[old.topic, old.payload]
        self._last.append(one)
        self._by_line[one.topic, one.payload] = one

    def _deliver(self, link: int, client_id: str, seen: _Publish) -> None:
        one = self._by_line.get((seen.topic, seen.payload))
        if one is None:
            return
        one.delivery = one.delivery or seen.raw
        one.delivered += 1
        one.seconds = self._clock() - one.began
        if len(one.receivers) < _NAMED:
            one.receivers.append(client_id)
        self._await(link, seen.packet_id, one, to_broker=True)

    def _await(self, link: int, packet_id: bytes, one: Exchange, *, to_broker: bool) -> None:
        if packet_id:
            if len(self._awaited) > 20 * _KEPT * _KEPT:
                self._awaited.clear()  # acknowledgements that never came; they only count for the picture
            self._awaited[link, to_broker, packet_id] = one

    def _acknowledge(self, link: int, raw: bytes, *, to_broker: bool) -> None:
        one = self._awaited.pop((link, to_broker, raw[2:4]), None)
        if one is None:
            return
        if to_broker:
            one.acknowledged += 1
        else:
            one.puback = raw


def _publish(raw: bytes) -> _Publish:
    """A whole PUBLISH, taken apart quicker than decoding all of it."""
    at = 2
    while raw[at - 1] & 0x80:
        at += 1
    end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
    with_id = end + (2 if raw[0] & 0x06 else 0)
    return _Publish(raw, raw[at + 2 : end], raw[end:with_id], raw[with_id:])
