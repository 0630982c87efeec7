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


def exchange_keys(items: Sequence[Captured | Event], causes: Causes) -> dict[int, int]:
    """Number of each packet of a message handshake -> number of the first PUBLISH of its message."""
    first_of: dict[int, int] = {}
    flows: dict[tuple[int, bool, int], int] = {}  # link, way of the PUBLISH, id -> first PUBLISH
    for item in items:
        if isinstance(item, Event) or not item.type.startswith("PUB"):
            continue
        key = _key_of(item, causes, first_of, flows)
        if key is not None:
            first_of[item.number] = key
    return first_of


def _key_of(
    item: Captured, causes: Causes, first_of: dict[int, int], flows: dict[tuple[int, bool, int], int]
) -> int | None:
    forward = item.type in ("PUBLISH", "PUBREL")
    flow = (item.link, item.to_broker if forward else not item.to_broker, item.packet_id or 0)
    if item.type != "PUBLISH":
        return flows.get(flow, first_of.get(causes.cause.get(item.number, 0)))
    cause = first_of.get(causes.cause.get(item.number, 0), item.number)
    key = flows[flow] if item.fault == "duplicate" and flow in flows else cause
    flows[flow] = key
    return key


def exchanges_of(items: Sequence[Captured | Event], causes: Causes) -> list[Exchange]:
    """All messages of a trace, in the order of their first PUBLISH."""
    groups: dict[int, list[Captured]] = {}
    for number, key in exchange_keys(items, causes).items():
        groups.setdefault(key, []).append(next(i for i in items if i.number == number))  # type: ignore[arg-type]
    return [_exchange(packets) for packets in groups.values()]


def _exchange(packets: list[Captured]) -> Exchange:
    first = packets[0]
    ways: dict[tuple[int, bool], list[Captured]] = {}
    for item in packets:
        forward = item.type in ("PUBLISH", "PUBREL")
        ways.setdefault((item.link, item.to_broker if forward else not item.to_broker), []).append(item)
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
