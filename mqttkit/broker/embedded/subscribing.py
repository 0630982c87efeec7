"""SUBSCRIBE and UNSUBSCRIBE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.session import Session
from mqttkit.broker.embedded.wire import SUBACK, acknowledge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.broker.embedded.filters import FilterIndex
    from mqttkit.broker.embedded.handler import Handler

REFUSED = 0x80
DEEPEST = 200  # slashes in a filter, as in mosquitto: the index takes memory and time for each level
MOST_FILTERS = 10_000  # of one client
_SHOWN = 200  # characters of a refused filter in the event feed


class Subscribing:
    """The part of the broker that knows who wants what."""

    if TYPE_CHECKING:
        index: FilterIndex[int]
        emit: Any

        may: Callable[[Session, str, str], bool]
        send_retained: Callable[[Session, str, int], None]

    def subscribe(self, handler: Handler, session: Session, packet_id: int, wanted: list[tuple[str, int]]) -> None:
        """Answer a SUBSCRIBE packet: one return code per filter, in order [MQTT-3.8.4-5], then retained messages."""
        codes = [self._grant(session, topic_filter, qos) for topic_filter, qos in wanted]
        handler.send(acknowledge(SUBACK << 4, packet_id, bytes(codes)))
        for (topic_filter, _), code in zip(wanted, codes, strict=True):
            if code != REFUSED:
                self.send_retained(session, topic_filter, code)

    def _grant(self, session: Session, topic_filter: str, qos: int) -> int:
        why = self._why_not(session, topic_filter)
        if why:
            self.emit("refuse", session.client_id, f"SUBSCRIBE {topic_filter[:_SHOWN]}: {why}")
            return REFUSED
        granted = self.granted_qos(session, topic_filter, qos)
        session.subscriptions[topic_filter] = granted
        self.index.add(topic_filter, session.client_id, granted)
        self.emit("subscribe", session.client_id, f"{topic_filter}, QoS {granted}")
        return granted

    def _why_not(self, session: Session, topic_filter: str) -> str:
        """Why a subscription is refused; "" when it is granted."""
        if topic_filter.startswith("$share/"):
            return "shared subscriptions need MQTT 5"
        if topic_filter.count("/") > DEEPEST:
            return f"more than {DEEPEST} levels"
        if len(session.subscriptions) >= MOST_FILTERS and topic_filter not in session.subscriptions:
            return f"more than {MOST_FILTERS} subscriptions"
        return "" if self.may(session, "subscribe", topic_filter) else "not allowed"

    @corrects(
        "MQTT-3.8.4-3", stock=lambda _self, session, topic_filter, qos: session.subscriptions.get(topic_filter, qos)
    )
    def granted_qos(self, session: Session, topic_filter: str, qos: int) -> int:  # noqa: ARG002 - amqtt needs them
        """A second SUBSCRIBE to the same filter replaces the first, with its new QoS."""
        return qos

    def unsubscribe(self, session: Session, filters: list[str]) -> None:
        """End subscriptions whose filter is the same, character by character [MQTT-3.10.4-1]."""
        for topic_filter in filters:
            session.subscriptions.pop(topic_filter, None)
            self.index.remove(topic_filter, session.client_id)
            self.emit("unsubscribe", session.client_id, topic_filter)
