"""What the broker remembers of a client, and the sending half of the QoS 1 and 2 handshakes.

No I/O: bytes leave through `session.link`, the connection that serves the session now, if there is one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from amqtt.session import Session as StockSession

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.wire import PUBREL, Publication, acknowledge
from mqttkit.broker.options import MAX_INFLIGHT

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_QUEUE = 1000  # deliveries that wait behind the window or for an absent client, as in mosquitto
MOST_WAITING = 128 * 2**20  # bytes of payload that wait for one client, or of its own for their PUBREL
_PACKET_IDS = 65_535


class Link(Protocol):
    """The connection that serves a session."""

    congested: bool

    def send(self, data: bytes) -> None:
        """Put a packet on its way."""


class Outcome(Enum):
    """What became of a message that was offered to a session."""

    SENT = "sent"
    QUEUED = "queued"
    DROPPED = "dropped"


class Stage(Enum):
    """How far a QoS 1 or 2 delivery got."""

    WAITING = "waiting"  # not sent yet
    SENT = "sent"  # PUBLISH sent, PUBACK or PUBREC awaited
    RELEASED = "released"  # PUBREL sent, PUBCOMP awaited


@dataclass(slots=True, eq=False)
class Delivery:
    """One QoS 1 or 2 message on its way to one client."""

    publication: Publication
    qos: int
    packet_id: int
    retain: bool = False
    stage: Stage = Stage.WAITING


class State:
    """new, connected or disconnected: amqtt builds a `transitions.Machine` of 30 KiB for this, per session."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = "new"

    def connect(self) -> None:
        """A connection serves the session now."""
        self.state = "connected"

    def disconnect(self) -> None:
        """No connection serves the session now."""
        self.state = "disconnected"

    def is_connected(self) -> bool:
        """True while a connection serves the session."""
        return self.state == "connected"


class Session(StockSession):  # type: ignore[misc]
    """Subscriptions, deliveries that are not acknowledged, and packet identifiers of one client [MQTT-3.1.2.4].

    Attributes:
        subscriptions: granted QoS by topic filter.
        inflight_out: deliveries that are not acknowledged, by packet identifier, in the order they were sent.
        inflight_in: received QoS 2 messages whose PUBREL has not come, by packet identifier.
        queue: deliveries behind the in-flight window, or for a client that is away.
        link: the connection that serves it, or None.
        max_inflight: how many deliveries may wait for their acknowledgement.
    """

    __hash__ = object.__hash__
    inflight_out: OrderedDict[int, Delivery]

    def __init__(self, client_id: str = "", *, clean_session: bool = True) -> None:
        super().__init__()
        self.client_id = client_id
        self.clean_session = clean_session
        self.subscriptions: dict[str, int] = {}
        self.queue: deque[Delivery] = deque()
        self.link: Link | None = None
        self.max_inflight = MAX_INFLIGHT
        self.waiting = 0  # bytes in inflight_out and queue
        self.unreleased = 0  # bytes in inflight_in
        self._packet_id: int = 0
        self._wrapped = False  # True once all packet identifiers have been used

    def __eq__(self, other: object) -> bool:
        return self is other

    def _init_states(self) -> None:
        self.transitions = State()

    # --- sending
    def offer(self, publication: Publication, qos: int, *, retain: bool = False) -> Outcome:
        """Send a message at `qos`, or keep it until it can be sent."""
        link = self.link
        if not qos:
            if link is None or self.sheds_load(link):
                return Outcome.DROPPED
            link.send(publication.frame(0, None, retain=retain))
            return Outcome.SENT
        if self._is_full(len(publication.payload)):
            return Outcome.DROPPED
        self.waiting += len(publication.payload)
        self.queue.append(Delivery(publication, qos, self.new_packet_id(), self.queued_retain(retain=retain)))
        self.fill_window()
        return Outcome.QUEUED if self.queue else Outcome.SENT

    def _is_full(self, size: int) -> bool:
        """True where no message of `size` bytes has room, or no packet identifier is left for it."""
        under_way = len(self.inflight_out) + len(self.queue)
        return len(self.queue) >= LONGEST_QUEUE or self.waiting + size > MOST_WAITING or under_way >= _PACKET_IDS

    @corrects("MQTT-3.3.1-9", stock=lambda self, *, retain: retain or self.link is None)
    def queued_retain(self, *, retain: bool) -> bool:
        """A message that was queued for an absent client arrives with RETAIN 0."""
        return retain

    @corrects("MQTT-4.2", stock=lambda _self, _link: False)
    def sheds_load(self, link: Link) -> bool:
        """A client that does not read loses QoS 0 messages; the broker does not fill its memory with them."""
        return link.congested

    @corrects("MQTT-4.3.2-1", stock=lambda _self: 10**9)
    def window(self) -> int:
        """So many deliveries wait for their acknowledgement; the next ones keep their order in the queue."""
        return self.max_inflight

    def fill_window(self) -> None:
        """Send queued deliveries while the in-flight window has room."""
        window = self.window()
        while self.link is not None and self.queue and len(self.inflight_out) < window:
            delivery = self.queue.popleft()
            self.inflight_out[delivery.packet_id] = delivery
            delivery.stage = Stage.SENT
            self._send_publish(delivery, dup=False)

    def _send_publish(self, delivery: Delivery, *, dup: bool) -> None:
        if self.link is not None:
            packet = delivery.publication.frame(delivery.qos, delivery.packet_id, retain=delivery.retain, dup=dup)
            self.link.send(packet)

    def _send_pubrel(self, packet_id: int) -> None:
        if self.link is not None:
            self.link.send(acknowledge(PUBREL << 4 | 2, packet_id))

    @corrects("MQTT-2.3.1-4", stock=lambda self: self.next_packet_id)
    def new_packet_id(self) -> int:
        """Packet identifiers start at 1 and increase; one that is in use for sending is not given out again."""
        used = self.inflight_out.keys() | {delivery.packet_id for delivery in self.queue} if self._wrapped else ()
        while True:
            self._packet_id = self._packet_id % _PACKET_IDS + 1
            self._wrapped = self._wrapped or self._packet_id == _PACKET_IDS
            if self._packet_id not in used:
                return self._packet_id

    # --- acknowledgements
    def puback(self, packet_id: int) -> None:
        """The client has a QoS 1 message [MQTT-4.3.2-1]."""
        delivery = self.inflight_out.get(packet_id)
        if delivery is not None and delivery.qos == 1:
            self._finish(packet_id)

    @corrects("MQTT-4.3.3-1", stock=lambda self, packet_id: packet_id in self.inflight_out and self._release(packet_id))
    def pubrec(self, packet_id: int) -> None:
        """Every PUBREC is answered with PUBREL, also one that comes twice or late."""
        self._release(packet_id)

    def _release(self, packet_id: int) -> None:
        delivery = self.inflight_out.get(packet_id)
        if delivery is not None:
            delivery.stage = Stage.RELEASED
        self._send_pubrel(packet_id)

    def pubcomp(self, packet_id: int) -> None:
        """The client has a QoS 2 message, exactly once [MQTT-4.3.3-1]."""
        delivery = self.inflight_out.get(packet_id)
        if delivery is not None and delivery.stage is Stage.RELEASED:
            self._finish(packet_id)

    def _finish(self, packet_id: int) -> None:
        self.waiting -= len(self.inflight_out.pop(packet_id).publication.payload)
        self.fill_window()

    # --- receiving at QoS 2
    def store(self, packet_id: int, publication: Publication) -> bool:
        """Keep a message until its PUBREL comes; False when too much waits for that already."""
        if packet_id not in self.inflight_in:
            self.unreleased += len(publication.payload)
            self.inflight_in[packet_id] = publication
        return self.unreleased <= MOST_WAITING

    def release(self, packet_id: int) -> Publication | None:
        """The message whose PUBREL has come; None when it is finished already."""
        publication: Publication | None = self.inflight_in.pop(packet_id, None)
        self.unreleased -= len(publication.payload) if publication is not None else 0
        return publication

    # --- a connection comes and goes
    def keep_only(self, wanted: Callable[[Publication], bool]) -> None:
        """Forget every delivery whose message is not `wanted`: another user may have come back under this client id."""
        for packet_id, delivery in list(self.inflight_out.items()):
            if not wanted(delivery.publication):
                del self.inflight_out[packet_id]
        self.queue = deque(delivery for delivery in self.queue if wanted(delivery.publication))
        left = (*self.inflight_out.values(), *self.queue)
        self.waiting = sum(len(delivery.publication.payload) for delivery in left)

    def resume(self, link: Link) -> None:
        """A connection serves the session now: resend what is unacknowledged, then what is queued."""
        self.link = link
        self.transitions.connect()
        self.resend()
        self.fill_window()

    @corrects("MQTT-4.4.0-1", stock=lambda self: self.inflight_out.clear())
    def resend(self) -> None:
        """Unacknowledged PUBLISH (with DUP) and PUBREL packets go out again, in their order, with their identifiers."""
        for delivery in self.inflight_out.values():
            if delivery.stage is Stage.RELEASED:
                self._send_pubrel(delivery.packet_id)
            else:
                self._send_publish(delivery, dup=True)

    def suspend(self) -> None:
        """No connection serves the session any more."""
        self.link = None
        self.transitions.disconnect()
