"""Which packets a fault concerns, in the words of the standard, with clear sentences for words that mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit.errors import InvalidArgument
from mqttkit.topics import check_topic_filter, matches
from mqttkit.trace.query import check_type
from mqttkit.trace.records import BROKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.packets import Packet
    from mqttkit.trace import Wire

_ONLY_TO_BROKER = ("CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ")
_ONLY_TO_CLIENT = ("CONNACK", "SUBACK", "UNSUBACK", "PINGRESP")


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

    def __post_init__(self) -> None:
        if self.type is not None:
            check_type(self.type)
        if self.topic is not None:
            check_topic_filter(self.topic)
        self._check_numbers()
        self._check_direction()

    def _check_numbers(self) -> None:
        if self.qos not in (None, 0, 1, 2):
            raise InvalidArgument(f"There is no QoS {self.qos!r}: it is 0, 1 or 2.")
        for name, value in (("nth", self.nth), ("count", self.count)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InvalidArgument(f"{name}={value!r} makes no sense: packets are counted from 1.")
        if self.where is not None and not callable(self.where):
            raise InvalidArgument(f"where={self.where!r} must be a function of a packet that returns True or False.")

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
            self.type in (None, packet.type)
            and self.to in (None, receiver)
            and self.sender in (None, sender)
            and self.client in (None, wire.link.name)
            and self.qos in (None, packet.qos)
            and self.packet_id in (None, packet.packet_id)
            and (self.topic is None or (bool(packet.topic) and matches(self.topic, packet.topic or "")))
            and (self.where is None or bool(self.where(packet)))
        )

    def __str__(self) -> str:
        """In words: "PUBLISH to bob on home/# (QoS 1, the 2nd)"."""
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
