"""Packets grouped by message: a handshake over all hops, and how it ended. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit.trace.records import Captured, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mqttkit.trace.causes import Causes

_LAST = {0: "PUBLISH", 1: "PUBACK", 2: "PUBCOMP"}  # the packet that completes a hop


@dataclass(frozen=True, slots=True)
class Hop:
    """The way of a message over one connection.

    Attributes:
        sender: client id or "broker".
        receiver: client id or "broker".
        qos: QoS of this hop.
        packet_id: packet identifier; None at QoS 0.
        packets: all packets of this hop's handshake, in recorded order.
        outcome: "complete", "lost" (a fault took a packet and nothing came after) or "unfinished".
        copies: how often the PUBLISH arrived.
    """

    sender: str
    receiver: str
    qos: int
    packet_id: int | None
    packets: tuple[Captured, ...]
    outcome: str
    copies: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message on its way from a client over the broker to all who got it.

    Attributes:
        topic: its topic name.
        payload: its payload.
        sender: who published it: a client id, or "broker" where its publication is not in the trace.
        hops: to the broker first, then to each receiver.
        outcome: "complete"; "duplicated" (somebody got it twice); "lost" or "unfinished" (see Hop).
    """

    topic: str
    payload: bytes
    sender: str
    hops: tuple[Hop, ...]
    outcome: str

    @property
    def packets(self) -> tuple[Captured, ...]:
        """All packets of all hops."""
        return tuple(packet for hop in self.hops for packet in hop.packets)

    def __repr__(self) -> str:
        ways = ", ".join(f"{hop.sender} to {hop.receiver} QoS {hop.qos} {hop.outcome}" for hop in self.hops)
        return f"<{self.topic} from {self.sender}: {self.outcome} ({ways})>"


class Grouping:
    """Finds the message each packet of a PUBLISH handshake belongs to."""

    def __init__(self, causes: Causes) -> None:
        self._cause = causes.cause
        self._message: dict[int, int] = {}  # packet -> first PUBLISH of its message
        self._flows: dict[tuple[str, bool, int], int] = {}  # (client, way of the PUBLISH, id) -> first PUBLISH
        self._published: dict[tuple[str | None, bytes | None], int] = {}

    def of(self, items: Sequence[Captured | Event]) -> dict[int, int]:
        """Number of each packet of a message -> number of the first PUBLISH of that message."""
        for item in items:
            if isinstance(item, Captured) and item.type.startswith("PUB"):
                self._message[item.number] = self._publish(item) if item.type == "PUBLISH" else self._answer(item)
        return self._message

    def _publish(self, item: Captured) -> int:
        flow = (item.client, item.to_broker, item.packet_id or 0)
        again = bool(item.packet_id) and (item.dup or item.fault == "duplicate")
        known = self._flows.get(flow) if again else None
        if known is None and not item.to_broker:
            known = self._message.get(self._cause.get(item.number, 0)) or self._published.get(
                (item.topic, item.payload)
            )
        message = self._flows[flow] = known or item.number
        if item.to_broker:
            self._published[item.topic, item.payload] = message
        return message

    def _answer(self, item: Captured) -> int:
        return self._flows.get((item.client, _way(item), item.packet_id or 0), item.number)


def _way(item: Captured) -> bool:
    """Direction of the PUBLISH that a packet belongs to: True on the way to the broker."""
    return item.to_broker if item.type in ("PUBLISH", "PUBREL") else not item.to_broker


def exchanges_of(items: Sequence[Captured | Event], causes: Causes) -> list[Exchange]:
    """All messages of a trace, in the order of their first PUBLISH."""
    message = Grouping(causes).of(items)
    groups: dict[int, list[Captured]] = {}
    for item in items:
        if isinstance(item, Captured) and item.number in message:
            groups.setdefault(message[item.number], []).append(item)
    return [_exchange(packets) for packets in groups.values() if packets[0].type == "PUBLISH"]


def _exchange(packets: list[Captured]) -> Exchange:
    first = packets[0]
    ways: dict[tuple[str, bool], list[Captured]] = {}
    for item in packets:
        ways.setdefault((item.client, _way(item)), []).append(item)
    hops = tuple(_hop(way) for way in ways.values())
    return Exchange(first.topic or "", first.payload or b"", first.sender, hops, _outcome(hops))


def _hop(packets: list[Captured]) -> Hop:
    first = packets[0]
    qos = first.qos or 0
    copies = sum(item.type == "PUBLISH" and item.delivered for item in packets)
    done = any(item.type == _LAST[qos] and item.delivered for item in packets)
    outcome = "complete" if done else "lost" if any(not item.delivered for item in packets) else "unfinished"
    return Hop(first.sender, first.receiver, qos, first.packet_id, tuple(packets), outcome, copies)


def _outcome(hops: tuple[Hop, ...]) -> str:
    to_clients = [hop for hop in hops if hop.sender == "broker"]
    if any(hop.copies > 1 and hop.qos < 2 for hop in to_clients):  # noqa: PLR2004 - QoS 2 is what sorts copies out
        return "duplicated"
    return next((bad for bad in ("lost", "unfinished") if any(hop.outcome == bad for hop in hops)), "complete")
