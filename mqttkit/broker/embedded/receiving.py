"""The receiving half of the QoS handshakes, and the acknowledgements of the sending half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.wire import PUBACK, PUBCOMP, PUBREC, Publication, acknowledge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.broker.embedded.broker import CorrectedBroker


class Receiving:
    """What a connection does with PUBLISH, PUBREL and the acknowledgements of its own deliveries."""

    if TYPE_CHECKING:
        broker: CorrectedBroker
        session: Any

        send: Callable[[bytes], None]
        end: Callable[[str], None]
        read_publish: Callable[[int, bytes], tuple[str, bytes, int, int]]
        read_packet_id: Callable[[bytes], int]

    def on_publish(self, flags: int, body: bytes) -> None:
        """A message of the client: QoS 0 and 1 are passed on at once, QoS 2 at its PUBREL."""
        topic, payload, qos, packet_id = self.read_publish(flags, body)
        self.broker.counters.publish_in += 1
        publication = Publication(topic, payload, qos, retain=bool(flags & 1))
        if qos == 2:  # noqa: PLR2004
            self.store_once(packet_id, publication)
            self.send(acknowledge(PUBREC << 4, packet_id))
            return
        self.broker.publish(self.session, publication)
        if qos:
            self.send(acknowledge(PUBACK << 4, packet_id))

    @corrects("MQTT-4.3.3-2", stock=lambda self, _packet_id, message: self.broker.publish(self.session, message))
    def store_once(self, packet_id: int, publication: Publication) -> None:
        """A QoS 2 message that arrives again before its PUBREL is the same message."""
        if not self.session.store(packet_id, publication):
            self.end("too much waits for its PUBREL")

    def on_pubrel(self, body: bytes) -> None:
        """The client will not repeat the message: pass it on, and say so."""
        packet_id = self.read_packet_id(body)
        publication = self.session.release(packet_id)
        if publication is not None:
            self.broker.publish(self.session, publication)
        if publication is not None or self.completes_unknown():
            self.send(acknowledge(PUBCOMP << 4, packet_id))

    @corrects("MQTT-4.3.3-2", stock=lambda _self: False)
    def completes_unknown(self) -> bool:
        """PUBREL for a message that is finished already is answered with PUBCOMP too."""
        return True

    def on_puback(self, body: bytes) -> None:
        """End of a QoS 1 delivery."""
        self.session.puback(self.read_packet_id(body))

    def on_pubrec(self, body: bytes) -> None:
        """Middle of a QoS 2 delivery."""
        self.session.pubrec(self.read_packet_id(body))

    def on_pubcomp(self, body: bytes) -> None:
        """End of a QoS 2 delivery."""
        self.session.pubcomp(self.read_packet_id(body))
