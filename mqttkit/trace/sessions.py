"""What the broker knows, as far as a trace shows it: sessions, subscriptions, retained messages. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mqttkit.errors import InvalidTopic
from mqttkit.topics import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mqttkit.trace.records import Captured

FAILED = 0x80  # a return code from here on is a refusal [MQTT-3.9.3-2]
_NO_LOCAL = 0b100  # MQTT 5 subscription option: do not send me my own messages


@dataclass(slots=True)
class Session:
    """What the broker keeps for one client id.

    Attributes:
        link: number of the connection that serves it now; 0 while the client is away.
        clean: True where it ends with its connection [MQTT-3.1.2-6].
        filters: topic filter -> granted QoS.
        no_local: filters that skip the client's own messages (MQTT 5).
        queue: (topic, payload, QoS) published while the client was away.
    """

    link: int = 0
    clean: bool = True
    filters: dict[str, int] = field(default_factory=dict)
    no_local: set[str] = field(default_factory=set)
    queue: list[tuple[str, bytes, int]] = field(default_factory=list)

    def subscribe(self, asked: Captured, answer: Captured) -> list[str]:
        """Takes over what a SUBACK granted of a SUBSCRIBE; returns the granted filters."""
        names = [name for name, _ in asked.packet.filters]
        granted = {name: code for name, code in zip(names, answer.packet.return_codes, strict=False) if code < FAILED}
        self.filters.update(granted)
        self.no_local -= granted.keys()
        options = zip(names, asked.packet.options, strict=False)
        self.no_local |= {name for name, option in options if option & _NO_LOCAL and name in granted}
        return list(granted)

    def wanted_qos(self, topic: str, *, own: bool) -> int | None:
        """The highest QoS at which this session wants `topic`; None where it does not."""
        return max(
            (qos for name, qos in self.filters.items() if covers(name, topic) and not (own and name in self.no_local)),
            default=None,
        )


class Sessions:
    """All sessions and retained messages that a trace knows of."""

    def __init__(self) -> None:
        self.by_client: dict[str, Session] = {}
        self.retained: dict[str, bytes] = {}
        self.retained_qos: dict[str, int] = {}  # at which each of these was published

    def resume(self, client: str, link: int, *, clean: bool, present: bool) -> list[tuple[str, bytes]]:
        """A client was accepted on `link`; returns what had been queued for it."""
        old = self.by_client.get(client) if present else None
        session = self.by_client[client] = old or Session()
        session.link, session.clean = link, clean
        queue, session.queue = session.queue, []
        return [(topic, payload) for topic, payload, _ in queue]

    def leave(self, client: str, link: int) -> None:
        """The connection `link` of `client` is over; a clean session goes with it."""
        session = self.by_client.get(client)
        if session is None or session.link != link:
            return
        session.link = 0
        if session.clean:
            del self.by_client[client]

    def publish(self, sender: str, topic: str, payload: bytes, *, qos: int, retain: bool) -> Iterator[int]:
        """A message reached the broker; yields the links on which it must go out now."""
        if retain:
            self.retained[topic], self.retained_qos[topic] = payload, qos
            if not payload:
                del self.retained[topic], self.retained_qos[topic]
        for client, session in self.by_client.items():
            wanted = session.wanted_qos(topic, own=client == sender)
            if wanted is None:
                continue
            if session.link:
                yield session.link
            elif min(qos, wanted) > 0:  # QoS 0 is not kept for who is away
                session.queue.append((topic, payload, qos))


def covers(topic_filter: str, topic: str) -> bool:
    """True where a (plain, not shared) subscription gets the topic; whatever is not valid matches nothing."""
    if topic_filter.startswith("$share/"):
        return False  # one of the group gets it: which one cannot be known
    try:
        return matches(topic_filter, topic)
    except InvalidTopic:
        return False
