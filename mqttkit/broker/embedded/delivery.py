"""From one PUBLISH to everybody who subscribed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.session import Outcome, Session
from mqttkit.broker.embedded.wire import Publication

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.broker.embedded.filters import FilterIndex
    from mqttkit.broker.embedded.sysinfo import Counters


class Deliveries:
    """The part of the broker that passes messages on."""

    if TYPE_CHECKING:
        index: FilterIndex[int]
        emit: Any
        options: Any
        counters: Counters

        session_of: Callable[[str], Session | None]
        retain: Callable[[Publication], None]

    def may(self, session: Session, action: str, topic: str) -> bool:
        """What the access rules say; without rules everything is allowed."""
        access = self.options.access
        return access is None or access.allows(action, topic, user=session.username, client_id=session.client_id)

    def may_receive(self, session: Session, publication: Publication) -> bool:
        """True where this user may be sent the message; the event feed tells where not."""
        allowed = self.may(session, "receive", publication.topic)
        if not allowed:
            self.emit("dropped", session.client_id, "not allowed to receive this", publication)
        return allowed

    def publish(self, session: Session, publication: Publication) -> None:
        """Pass a client's message on; one it may not publish is acknowledged and dropped [MQTT-3.3.5-2]."""
        topic = publication.topic
        if topic.startswith("$SYS") and self.keeps_sys_topics():
            self.emit("dropped", session.client_id, "only the broker publishes below $SYS", publication)
        elif not self.may(session, "publish", topic):
            self.emit("dropped", session.client_id, "not allowed to publish here", publication)
        else:
            self.emit("publish", session.client_id, "", publication)
            self.route(publication)

    @corrects("MQTT-4.7.2-1", stock=lambda _self: False)
    def keeps_sys_topics(self) -> bool:
        """A client cannot publish below $SYS; its connection goes on."""
        return True

    def publish_will(self, session: Session, will: Publication) -> None:
        """The last words of a client that vanished [MQTT-3.1.2-8]."""
        if will.topic.startswith("$SYS") and self.keeps_sys_topics():
            self.emit("dropped", session.client_id, "only the broker publishes below $SYS", will)
        elif self.may(session, "publish", will.topic):
            self.emit("will", session.client_id, "", will)
            self.route(will)
        else:
            self.emit("dropped", session.client_id, "not allowed to publish its will here", will)

    def route(self, publication: Publication) -> None:
        """Keep the message if it is retained, and deliver it to every subscriber once, in the order it came."""
        if publication.retain:
            self.retain(publication)
        chosen: dict[Any, int] = {}
        for _, client_id, granted in self.index.match(publication.topic):
            if granted > chosen.get(client_id, -1):  # overlapping filters: once, at the highest QoS [MQTT-3.3.5-1]
                chosen[client_id] = granted
        for client_id, granted in chosen.items():
            session = self.session_of(client_id)
            if session is not None:
                self.deliver(session, publication, self.delivered_qos(publication.qos, granted))

    @corrects("MQTT-3.8.4-6", stock=lambda _self, _published, granted: granted)
    def delivered_qos(self, published: int, granted: int) -> int:
        """A message arrives at the lower of the QoS it was published with and the QoS granted."""
        return min(published, granted)

    def deliver(self, session: Session, publication: Publication, qos: int, *, retain: bool = False) -> None:
        """Offer a message to one client."""
        if not self.may_receive(session, publication):
            return
        outcome = session.offer(publication, qos, retain=retain)
        if outcome is Outcome.QUEUED:
            self.emit("queued", session.client_id, "", publication)
        elif outcome is Outcome.DROPPED:
            self.counters.dropped += 1
            self.emit("dropped", session.client_id, self._why_dropped(session, qos), publication)

    @staticmethod
    def _why_dropped(session: Session, qos: int) -> str:
        if qos:
            return "the queue of this client is full"
        return "QoS 0 is not kept for a client that is away" if session.link is None else "the client does not read"
