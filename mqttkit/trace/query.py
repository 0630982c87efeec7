"""Which packets of a trace are asked for, with clear words for a question that makes no sense. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit._words import did_you_mean
from mqttkit.errors import InvalidArgument
from mqttkit.packets import PACKET_TYPES
from mqttkit.topics import check_topic_filter, matches
from mqttkit.trace.records import BROKER

if TYPE_CHECKING:
    from mqttkit.trace.records import Captured

CONDITIONS = ("type", "sender", "receiver", "topic", "qos", "packet_id", "delivered")
_TYPES = [name for name in PACKET_TYPES if name.isupper() and "RESERVED" not in name]


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that a packet must meet, all of them; None means any.

    Attributes:
        type: packet type, such as "PUBLISH".
        sender: client id or "broker".
        receiver: client id or "broker".
        topic: topic filter that the topic of a PUBLISH must match.
        qos: QoS of a PUBLISH.
        packet_id: packet identifier.
        delivered: True for packets that arrived, False for those that got lost.
    """

    type: str | None = None
    sender: str | None = None
    receiver: str | None = None
    topic: str | None = None
    qos: int | None = None
    packet_id: int | None = None
    delivered: bool | None = None

    def __post_init__(self) -> None:
        if self.type is not None:
            check_type(self.type)
        check_name("sender", self.sender)
        check_name("receiver", self.receiver)
        if self.topic is not None:
            check_topic_filter(self.topic)
        if self.qos not in (None, 0, 1, 2):
            raise InvalidArgument(f"There is no QoS {self.qos!r}: it is 0, 1 or 2.")
        if self.packet_id is not None and not isinstance(self.packet_id, int):
            raise InvalidArgument(f"packet_id={self.packet_id!r} must be a number.")
        if self.delivered not in (None, True, False):
            raise InvalidArgument(f"delivered={self.delivered!r} must be True, False or None (both).")

    def fits(self, item: Captured) -> bool:
        """True where `item` meets all conditions."""
        return (
            self.type in (None, item.type)
            and self.sender in (None, item.sender)
            and self.receiver in (None, item.receiver)
            and self.qos in (None, item.qos)
            and self.packet_id in (None, item.packet_id)
            and self.delivered in (None, item.delivered)
            and (self.topic is None or _topic_fits(self.topic, item.topic))
        )

    def __str__(self) -> str:
        """In words: "PUBLISH from bob on home/# with QoS 1"."""
        words = [self.type or "any packet"]
        words += [f"from {self.sender}"] if self.sender else []
        words += [f"to {self.receiver}"] if self.receiver else []
        words += [f"on {self.topic}"] if self.topic else []
        words += [f"with QoS {self.qos}"] if self.qos is not None else []
        words += [f"with packet id {self.packet_id}"] if self.packet_id is not None else []
        words += [] if self.delivered is None else ["that arrived" if self.delivered else "that got lost"]
        return " ".join(words)


def check_type(name: object) -> str:
    """Returns `name` if it is a packet type.

    Raises:
        InvalidArgument: it is not; the message names the nearest one.
    """
    if isinstance(name, str) and name in _TYPES:
        return name
    hint = did_you_mean(name, _TYPES, cutoff=0.5) or f" There are: {', '.join(_TYPES)}."
    raise InvalidArgument(f"{name!r} is not an MQTT packet type.{hint}")


def check_count(count: object) -> None:
    """Refuses a number of packets that is none; a type in its place is a slip that is easily made."""
    if isinstance(count, str):
        raise InvalidArgument(f"The first argument is how many: write type={count!r} to say which packets.")
    if not isinstance(count, int) or count < 0:
        raise InvalidArgument(f"count={count!r} makes no sense: give a number of packets.")


def check_since(since: object) -> None:
    """Refuses what is no number of an entry."""
    if since is not None and not isinstance(since, int):
        raise InvalidArgument(f"since={since!r} must be the number of a packet, or what mark() returned.")


def check_name(argument: str, name: object) -> None:
    """Refuses what is no client id and not "broker", for the argument of that name.

    Raises:
        InvalidArgument: the message says what to write.
    """
    if name is None:
        return
    if not isinstance(name, str):
        own = getattr(name, "client_id", None)
        hint = f"write {argument}={own!r}" if isinstance(own, str) else 'write a client id, or "broker"'
        raise InvalidArgument(f"{argument}={name!r} is not a name: {hint}.")
    if name != BROKER and name.casefold() == BROKER:
        raise InvalidArgument(f"{argument}={name!r}: did you mean {BROKER!r}?")


def _topic_fits(topic_filter: str, topic: str | None) -> bool:
    return topic is not None and topic != "" and matches(topic_filter, topic)
