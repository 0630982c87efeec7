"""Which packets a fault concerns, in the words of the standard, with clear sentences for words that mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mqttkit._words import did_you_mean
from mqttkit.errors import InvalidArgument
from mqttkit.packets.names import MAX_PACKET_ID
from mqttkit.topics import check_topic_filter
from mqttkit.trace.query import check_name, check_type
from mqttkit.trace.records import BROKER
from mqttkit.trace.sessions import covers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mqttkit.packets import Packet
    from mqttkit.trace import Wire

_ONLY_TO_BROKER = ("CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ")
_ONLY_TO_CLIENT = ("CONNACK", "SUBACK", "UNSUBACK", "PINGRESP")
_WITHOUT_ID = ("CONNECT", "CONNACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH")
CONDITIONS = ("to", "sender", "topic", "qos", "packet_id", "nth", "count", "where", "client")


@dataclass(slots=True)
class Match:
    """Conditions on a packet, all of which must hold; None means any.

    Attributes:
        type: packet type, such as "PUBACK".
        to: receiver: a client id or "broker".
        sender: a client id or "broker".
        topic: topic filter for the topic of a PUBLISH.
        qos: QoS of a PUBLISH.
        packet_id: packet identifier.
        nth: only the n-th packet for which all else holds, from 1.
        count: at most so many packets.
        where: any function of a Packet that returns True or False.
        client: the client at either end.
        found: how many packets met the conditions.
        seen: how many did so before `nth` and `count` were looked at.
        passed: how many were of the right type.
        error: what `where` raised; from then on nothing fits.
    """

    type: str | None = None
    to: str | None = None
    sender: str | None = None
    topic: str | None = None
    qos: int | None = None
    packet_id: int | None = None
    nth: int | None = None
    count: int | None = None
    where: Callable[[Packet], bool] | None = None
    client: str | None = None
    found: int = 0
    seen: int = 0
    passed: int = 0
    error: Exception | None = None

    def __post_init__(self) -> None:
        if self.type is not None:
            check_type(self.type)
        for name, value in (("to", self.to), ("sender", self.sender), ("client", self.client)):
            check_name(name, value)
        if self.topic is not None:
            check_topic_filter(self.topic)
        self._check_numbers()
        self._check_parts()
        self._check_direction()

    def _check_numbers(self) -> None:
        if self.qos not in (None, 0, 1, 2):
            raise InvalidArgument(f"There is no QoS {self.qos!r}: it is 0, 1 or 2.")
        for name, value in (("nth", self.nth), ("count", self.count)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InvalidArgument(f"{name}={value!r} makes no sense: packets are counted from 1.")
        number = self.packet_id
        if number is not None and not (isinstance(number, int) and 1 <= number <= MAX_PACKET_ID):
            raise InvalidArgument(f"packet_id={number!r} makes no sense: packet identifiers are 1 to {MAX_PACKET_ID}.")
        if self.where is not None and not callable(self.where):
            raise InvalidArgument(f"where={self.where!r} must be a function of a packet that returns True or False.")

    def _check_parts(self) -> None:
        """Refuses a condition on a part that packets of this type do not have: it could never hold."""
        for name, value in (("topic", self.topic), ("qos", self.qos)):
            if value is not None and self.type not in (None, "PUBLISH"):
                raise InvalidArgument(f"A {self.type} has no {name}, only a PUBLISH has one. Leave out {name}.")
        if self.packet_id is not None and self.type in _WITHOUT_ID:
            raise InvalidArgument(f"A {self.type} has no packet identifier. Leave out packet_id.")

    def _check_direction(self) -> None:
        if self.to is not None and self.sender is not None and (self.to == BROKER) == (self.sender == BROKER):
            raise InvalidArgument(
                f"No packet travels from {self.sender!r} to {self.to!r}: each goes between a client and the broker. "
                'Leave one of the two out, or write "broker".'
            )
        to_client = (self.to or BROKER) != BROKER or self.sender == BROKER
        to_broker = self.to == BROKER or (self.sender or BROKER) != BROKER
        if self.type in _ONLY_TO_BROKER and to_client:
            raise InvalidArgument(f"{self.type} never travels to a client: clients send it to the broker.")
        if self.type in _ONLY_TO_CLIENT and to_broker:
            raise InvalidArgument(f"{self.type} never travels to the broker: the broker sends it to clients.")

    def fits(self, wire: Wire) -> bool:
        """True where the packet is meant; counts it."""
        if self.type not in (None, wire.packet.type):
            return False
        self.passed += 1
        if not self._meets(wire):
            return False
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.count is not None and self.found >= self.count:
            return False
        self.found += 1
        return True

    def _meets(self, wire: Wire) -> bool:
        sender, receiver = (wire.link.name, BROKER) if wire.to_broker else (BROKER, wire.link.name)
        packet = wire.packet
        return (
            self.to in (None, receiver)
            and self.sender in (None, sender)
            and self.client in (None, wire.link.name)
            and self.qos in (None, packet.qos)
            and self.packet_id in (None, packet.packet_id)
            and (self.topic is None or (bool(packet.topic) and covers(self.topic, packet.topic or "")))
            and (self.where is None or self._asked(packet))
        )

    def _asked(self, packet: Packet) -> bool:
        """What `where` says; the thread of the network must survive whatever a learner's function does."""
        if self.error is not None or self.where is None:
            return False
        try:
            return bool(self.where(packet))
        except Exception as error:  # noqa: BLE001 - kept, and told by the fault
            self.error = error
            return False

    def __str__(self) -> str:
        """In words: "PUBLISH to bob on home/# (QoS 1, number 2)"."""
        words = [self.type or "every packet"]
        words += [f"from {self.sender}"] if self.sender else []
        words += [f"to {self.to}"] if self.to else []
        words += [f"of {self.client}"] if self.client else []
        words += [f"on {self.topic}"] if self.topic else []
        notes = [f"QoS {self.qos}"] if self.qos is not None else []
        notes += [f"packet id {self.packet_id}"] if self.packet_id is not None else []
        notes += [f"number {self.nth}"] if self.nth is not None else []
        notes += [f"at most {self.count}"] if self.count is not None else []
        notes += ["where a condition holds"] if self.where is not None else []
        return " ".join(words) + (f" ({', '.join(notes)})" if notes else "")


def match_of(conditions: Mapping[str, Any]) -> Match:
    """A Match of named conditions, as the steps of a script give them.

    Raises:
        InvalidArgument: there is no such condition; the message names the nearest one.
    """
    known = ("type", *CONDITIONS)
    for name in conditions:
        if name not in known:
            raise InvalidArgument(
                f"A packet has no condition {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}."
            )
    return Match(**conditions)
