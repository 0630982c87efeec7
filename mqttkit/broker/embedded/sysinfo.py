"""`$SYS`: what the broker tells about itself, as topics: to who subscribes at once, then whenever a value has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.wire import PUBLISH, Publication

if TYPE_CHECKING:
    from mqttkit.broker.embedded.filters import FilterIndex

REFRESH = 1.0  # seconds; our mosquitto engine has the same, mosquitto's own default is 10


@dataclass(slots=True)
class Counters:
    """Packets and bytes since the start. A WebSocket's own bytes and those of TLS are not among them."""

    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    publish_in: int = 0
    publish_out: int = 0
    dropped: int = 0
    clients: int = 0
    most_clients: int = 0

    def connected(self) -> None:
        """A client has been let in."""
        self.clients += 1
        self.most_clients = max(self.most_clients, self.clients)

    def sent(self, packet: bytes) -> None:
        """A packet is on its way to a client."""
        self.packets_out += 1
        self.publish_out += packet[0] >> 4 == PUBLISH


class SysTopics:
    """The part of the broker that counts."""

    if TYPE_CHECKING:
        loop: asyncio.AbstractEventLoop
        index: FilterIndex[int]
        _sessions: dict[str, tuple[Any, Any]]
        _retained_messages: dict[str, Publication]

        session_of: Callable[[str], Any]
        may: Callable[[Any, str, str], bool]

    def begin_counting(self) -> None:
        """Start the clock and the counters."""
        self.counters = Counters()
        self._began = self.loop.time()
        self._told = {topic: message.payload for topic, message in self.system_messages().items()}
        self._refreshing = self.loop.call_later(REFRESH, self._refresh)

    def end_counting(self) -> None:
        """No more news."""
        self._refreshing.cancel()

    def system_messages(self) -> dict[str, Publication]:
        """The `$SYS/broker/…` messages of this moment, under mosquitto's names."""
        values = {"version": "mqttkit, embedded amqtt 0.12.1", "uptime": self._uptime(), **self._clients()}
        topics = {f"$SYS/broker/{name}": str(value).encode() for name, value in {**values, **self._traffic()}.items()}
        return {topic: Publication(topic, payload, retain=True) for topic, payload in topics.items()}

    def _uptime(self) -> str:
        return f"{int(self.loop.time() - self._began)} seconds"

    def _clients(self) -> dict[str, int]:
        return {
            "clients/connected": self.counters.clients,
            "clients/disconnected": len(self._sessions) - self.counters.clients,
            "clients/total": len(self._sessions),
            "clients/maximum": self.counters.most_clients,
            "retained messages/count": len(self._retained_messages),
            "subscriptions/count": len(self.index),
        }

    def _traffic(self) -> dict[str, int]:
        """Messages are packets of all types, as in mosquitto; those of type PUBLISH are counted once more."""
        seen = self.counters
        return {
            "messages/received": seen.packets_in,
            "messages/sent": seen.packets_out,
            "publish/messages/received": seen.publish_in,
            "publish/messages/sent": seen.publish_out,
            "publish/messages/dropped": seen.dropped,
            "bytes/received": seen.bytes_in,
            "bytes/sent": seen.bytes_out,
        }

    def _refresh(self) -> None:
        """Send what has changed to those who have subscribed to it."""
        self._refreshing = self.loop.call_later(REFRESH, self._refresh)
        news = self.system_messages()
        for topic, message in news.items():
            if self._told.get(topic) != message.payload:
                self._tell(message)
        self._told = {topic: message.payload for topic, message in news.items()}

    def _tell(self, message: Publication) -> None:
        """To connected clients only, at QoS 0: yesterday's numbers are nothing to keep."""
        for client_id in {client_id for _, client_id, _ in self.index.match(message.topic)}:
            session = self.session_of(str(client_id))
            if session is not None and session.link is not None and self.may(session, "receive", message.topic):
                session.offer(message, 0)
