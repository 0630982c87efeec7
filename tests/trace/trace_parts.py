"""Builds traces by hand: no network, no clocks."""

from __future__ import annotations

from mqttkit.packets import encode
from mqttkit.trace import Link, Trace, Wire


class Tape:
    """Records packets of links into a trace, as the relay does."""

    def __init__(self, **options) -> None:
        self.trace = Trace(**options)
        self.clock = 0

    def link(self, name: str, **options) -> Link:
        link = Link(len(self.trace.links) + 1, name, **options)
        self.trace.links[link.number] = link
        return link

    def send(
        self, link: Link, type_: str, *, up: bool = True, lost: bool = False, fault: str | None = None, **values
    ) -> Wire:
        self.clock += 1
        raw = encode(type_, link.protocol, **values)
        wire = Wire(self.trace._start + self.clock, link, raw, to_broker=up, fault="lost" if lost else fault)
        wire.delivered = not lost
        self.trace.record(wire)
        return wire

    def connect(self, name: str, *, session_present: bool = False, **options) -> Link:
        link = self.link(name, **options)
        values = {"clean_session": link.clean_session}
        if link.will is not None:
            values["will"] = link.will
        self.send(link, "CONNECT", client_id=name, **values)
        self.send(link, "CONNACK", up=False, session_present=session_present)
        return link

    def subscribe(self, link: Link, topic_filter: str, qos: int = 0) -> None:
        self.send(link, "SUBSCRIBE", packet_id=1, filters=[(topic_filter, qos)])
        self.send(link, "SUBACK", up=False, packet_id=1, return_codes=[qos])


def qos1_on_two_hops(tape: Tape) -> tuple[Link, Link]:
    """alice subscribes, bob publishes at QoS 1."""
    alice, bob = tape.connect("alice"), tape.connect("bob")
    tape.subscribe(alice, "home/#", 1)
    tape.send(bob, "PUBLISH", topic="home/t", payload=b"1", qos=1, packet_id=7)
    tape.send(bob, "PUBACK", up=False, packet_id=7)
    tape.send(alice, "PUBLISH", up=False, topic="home/t", payload=b"1", qos=1, packet_id=1)
    tape.send(alice, "PUBACK", packet_id=1)
    return alice, bob
