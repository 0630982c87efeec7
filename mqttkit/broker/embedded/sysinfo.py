"""`$SYS`: what the broker tells about itself, as topics. Computed when somebody asks, so nobody pays otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.wire import Publication

if TYPE_CHECKING:
    from mqttkit.topics import FilterIndex


class SysTopics:
    """The part of the broker that counts."""

    if TYPE_CHECKING:
        index: FilterIndex[int]
        received: int
        delivered: int
        _sessions: dict[str, tuple[Any, Any]]
        _retained_messages: dict[str, Publication]

    def system_messages(self) -> dict[str, Publication]:
        """The `$SYS/broker/…` messages of this moment, under mosquitto's names."""
        connected = sum(session.link is not None for session, _ in self._sessions.values())
        values = {
            "version": "mqttkit, embedded amqtt 0.12.1",
            "clients/connected": connected,
            "clients/disconnected": len(self._sessions) - connected,
            "clients/total": len(self._sessions),
            "messages/received": self.received,
            "messages/sent": self.delivered,
            "retained messages/count": len(self._retained_messages),
            "subscriptions/count": len(self.index),
        }
        topics = {f"$SYS/broker/{name}": str(value).encode() for name, value in values.items()}
        return {topic: Publication(topic, payload, retain=True) for topic, payload in topics.items()}
