"""Retained messages: the last word on a topic, kept for those who subscribe later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.session import Session
from mqttkit.broker.embedded.wire import Publication
from mqttkit.topics import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.broker.embedded.filters import FilterIndex


class Retained:
    """The part of the broker that keeps and hands out retained messages."""

    if TYPE_CHECKING:
        index: FilterIndex[int]
        _retained_messages: dict[str, Publication]

        deliver: Callable[..., None]
        system_messages: Callable[[], dict[str, Publication]]

    def retain(self, publication: Publication) -> None:
        """Keep the message [MQTT-3.3.1-5]; an empty one clears its topic and is not kept [MQTT-3.3.1-11]."""
        if publication.payload:
            self._retained_messages[publication.topic] = publication
        else:
            self._retained_messages.pop(publication.topic, None)

    def send_retained(self, session: Session, topic_filter: str, granted: int) -> None:
        """Every retained message that matches a new subscription goes to this client [MQTT-3.3.1-6], RETAIN 1."""
        for message in self._matching(topic_filter):
            self.deliver(session, message, self.retained_qos(message.qos, granted), retain=True)

    def _matching(self, topic_filter: str) -> Iterator[Publication]:
        kept = self._retained_messages
        if topic_filter.startswith("$SYS"):
            kept = {**kept, **self.system_messages()}
        if "+" not in topic_filter and "#" not in topic_filter:
            return iter([kept[topic_filter]] if topic_filter in kept else [])
        return (message for topic, message in list(kept.items()) if matches(topic_filter, topic))

    @corrects("MQTT-3.8.4-6", stock=lambda _self, published, granted: min(granted, published or granted))
    def retained_qos(self, published: int, granted: int) -> int:
        """A retained message arrives at the lower of its own QoS and the granted one, also when its own is 0."""
        return min(published, granted)

    def _stock_retained_at_connect(self, session: Session) -> None:
        for _, _, granted in {entry for topic in self._retained_messages for entry in self.index.match(topic)}:
            for message in self._retained_messages.values():
                self.deliver(session, message, min(granted, message.qos), retain=True)

    @corrects("MQTT-3.3.1-6", stock=_stock_retained_at_connect)
    def retained_at_connect(self, session: Session) -> None:
        """A client gets retained messages when it subscribes, never because others did."""
