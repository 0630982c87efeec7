"""What a trace is made of: packets and events on links. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqttkit.errors import MalformedPacket
from mqttkit.packets import PACKET_TYPES, Packet, decode

if TYPE_CHECKING:
    from mqttkit.message import Will

BROKER = "broker"
MQTT_5 = 5


@dataclass(slots=True)
class Link:
    """One network connection from a client to the broker, as the relay knows it so far.

    Attributes:
        number: 1 for the first connection the relay carried.
        client_id: from its CONNECT; "" before that, or where the client let the broker choose.
        protocol: 4 (MQTT 3.1.1) or 5, from its CONNECT.
        will: the will message of its CONNECT.
        clean_session: False where its CONNECT asked the broker to keep the session.
        will_delay: seconds that the broker shall wait with the will (MQTT 5).
        connect: its CONNECT, which a trace may have forgotten; None before that, or where the trace comes from a file.
    """

    number: int
    client_id: str = ""
    protocol: int = 4
    will: Will | None = None
    clean_session: bool = True
    will_delay: int = 0
    connect: Packet | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The client identifier, or `client-<number>` where there is none; never the word for the other end."""
        return f"{BROKER} (a client)" if self.client_id == BROKER else self.client_id or f"client-{self.number}"


class Wire:
    """One packet as the relay stores it: bytes now, decoded when somebody looks.

    The relay may still change `fault` and `delivered`: a delayed packet is not delivered yet.
    """

    __slots__ = ("_packet", "delivered", "fault", "link", "problem", "raw", "time", "to_broker")

    def __init__(self, time: float, link: Link, raw: bytes, *, to_broker: bool, fault: str | None = None) -> None:
        self.time = time
        self.link = link
        self.to_broker = to_broker
        self.raw = raw
        self.fault = fault
        self.delivered = True
        self.problem = ""
        self._packet: Packet | None = None

    @property
    def packet(self) -> Packet:
        """The decoded packet; of bytes the standard does not allow only the type is known (see `problem`)."""
        if self._packet is None:
            try:
                self._packet = decode(self.raw, self.link.protocol)
            except MalformedPacket as error:
                self.problem = str(error).splitlines()[0]
                self._packet = _undecodable(self.raw, self.link.protocol)
        return self._packet


def _undecodable(raw: bytes, protocol: int) -> Packet:
    return Packet(type=PACKET_TYPES[raw[0] >> 4], raw=raw, protocol=protocol)


@dataclass(frozen=True, slots=True)
class Captured:
    """One packet on one hop (client to broker, or broker to client).

    Attributes:
        number: position in the trace, from 1, in the order in which the relay saw things.
        time: seconds since the trace began.
        link: number of the connection, from 1.
        sender: client id, or "broker".
        receiver: client id, or "broker".
        packet: the decoded packet.
        fault: what the network did to it ("lost", "duplicate", "delayed 0.5 s", ...), or None.
        delivered: False where it never reached the receiver.
        problem: why the bytes are not what the standard allows; "" for a proper packet.
    """

    number: int
    time: float = field(compare=False)
    link: int
    sender: str
    receiver: str
    packet: Packet
    fault: str | None = None
    delivered: bool = True
    problem: str = ""

    @property
    def to_broker(self) -> bool:
        """True on the way from a client to the broker."""
        return self.receiver == BROKER

    @property
    def client(self) -> str:
        """Name of the client at the other end of this hop."""
        return self.sender if self.to_broker else self.receiver

    @property
    def type(self) -> str:
        """Packet type in capitals, such as "PUBLISH"."""
        return self.packet.type

    @property
    def raw(self) -> bytes:
        """All bytes of the packet."""
        return self.packet.raw

    @property
    def qos(self) -> int | None:
        """QoS of a PUBLISH."""
        return self.packet.qos

    @property
    def dup(self) -> bool | None:
        """DUP flag of a PUBLISH: the sender tried before [MQTT-3.3.1-1]."""
        return self.packet.dup

    @property
    def retain(self) -> bool | None:
        """RETAIN flag of a PUBLISH."""
        return self.packet.retain

    @property
    def packet_id(self) -> int | None:
        """Packet identifier, where the packet has one."""
        return self.packet.packet_id

    @property
    def topic(self) -> str | None:
        """Topic name of a PUBLISH."""
        return self.packet.topic

    @property
    def payload(self) -> bytes | None:
        """Payload of a PUBLISH."""
        return self.packet.payload

    @property
    def text(self) -> str:
        """The payload as UTF-8 text ("" where there is none)."""
        return (self.payload or b"").decode("utf-8", "replace")

    def summary(self) -> str:
        """What follows the packet type in a ladder."""
        return f"malformed: {self.problem}" if self.problem else self.packet.summary()

    def anatomy(self) -> Any:
        """Every byte of the packet explained."""
        return self.packet.anatomy()

    def __repr__(self) -> str:
        lost = "" if self.delivered else " (lost)"
        return f"<{self.sender} to {self.receiver}: {self.type} {self.summary()}".rstrip() + f"{lost}>"


@dataclass(slots=True)
class Event:
    """Something that happened to a link or to the network.

    Attributes:
        number: position in the trace, from 1.
        time: seconds since the trace began.
        link: number of the connection; 0 where it concerns none.
        kind: "opened", "closed", "cut", "refused", "silenced", "healed", "fault", "bytes" (not readable as MQTT) ...
        who: "broker", a client id, or "network": who did it.
        text: one short sentence part for the ladder.
        client: name of the client whose link it is; "" where it concerns none.
        data: bytes that crossed the wire, where the relay cannot read them as MQTT.
    """

    number: int
    time: float = field(compare=False)
    link: int
    kind: str
    who: str
    text: str
    client: str = ""
    data: bytes = b""
