"""The story does not depend on the order in which racing packets were recorded."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_parts import Tape, qos1_on_two_hops

from mqttkit import Will
from mqttkit.trace import Trace


def shuffled(trace: Trace, seed: int) -> Trace:
    """The same wires in another order that a relay could have seen: links and causes keep theirs, the rest races."""
    dice = random.Random(seed)
    items = trace.entries()
    trace._feed()
    cause = trace._causes.cause
    roots = [item.number for item in items if item.number not in cause]
    after = {later: earlier for earlier, later in pairwise(roots)}  # what clients do on their own stays in order
    done: list[int] = []
    left = [item.number for item in items]
    way = {item.number: (item.link, item.to_broker) for item in items}
    while left:
        ready = [
            number
            for number in left
            if cause.get(number, 0) not in left
            and after.get(number, 0) not in left
            and not any(way[other] == way[number] for other in left if other < number)
        ]
        choice = dice.choice(ready)
        left.remove(choice)
        done.append(choice)
    other = Trace(links=trace.links)
    other._start = trace._start
    for number in done:
        other.record(trace._items[number - 1])
    return other


def handshakes() -> Trace:
    """Three clients, every QoS, a retained message, fan-out."""
    tape = Tape()
    qos1_on_two_hops(tape)
    carol = tape.connect("carol")
    alice, bob = tape.trace.links[1], tape.trace.links[2]
    tape.subscribe(carol, "home/+", 2)
    for number, qos in enumerate((2, 0, 1, 2), start=20):
        payload = str(number).encode()
        ids = {"packet_id": number} if qos else {}
        tape.send(bob, "PUBLISH", topic="home/t", payload=payload, qos=qos, **ids)
        for link in (bob,) if qos else ():
            acknowledge(tape, link, qos, number, up=True)
        for link, granted in ((alice, 1), (carol, 2)):
            way = min(qos, granted)
            tape.send(
                link,
                "PUBLISH",
                up=False,
                topic="home/t",
                payload=payload,
                qos=way,
                **({"packet_id": number} if way else {}),
            )
            acknowledge(tape, link, way, number, up=False)
    return tape.trace


def acknowledge(tape, link, qos, number, *, up):
    """The packets that follow a PUBLISH; `up`: it went to the broker."""
    if qos == 1:
        tape.send(link, "PUBACK", up=not up, packet_id=number)
    if qos == 2:
        tape.send(link, "PUBREC", up=not up, packet_id=number)
        tape.send(link, "PUBREL", up=up, packet_id=number)
        tape.send(link, "PUBCOMP", up=not up, packet_id=number)


WHOLE = handshakes()


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_any_legal_order_of_recording_gives_the_same_story(seed):
    assert shuffled(WHOLE, seed).text() == WHOLE.text()


def test_shuffling_really_changes_the_recorded_order():
    assert any(shuffled(WHOLE, seed).text(order="time") != WHOLE.text(order="time") for seed in range(5))


def test_own_link_first_then_the_others_by_lane():
    tape = Tape()
    qos1_on_two_hops(tape)
    assert tape.trace.text().splitlines()[-4:] == [
        '  7     bob → broker  PUBLISH      id 7  QoS 1  home/t  "1"',
        "  8  broker → bob     PUBACK       id 7",
        '  9  broker → alice   PUBLISH      id 1  QoS 1  home/t  "1"',
        " 10   alice → broker  PUBACK       id 1",
    ]


def test_two_equal_messages_are_told_one_after_the_other():
    tape = Tape()
    alice, bob = tape.connect("alice"), tape.connect("bob")
    tape.subscribe(alice, "t")
    for _ in range(2):
        tape.send(bob, "PUBLISH", topic="t", payload=b"same")
    for _ in range(2):
        tape.send(alice, "PUBLISH", up=False, topic="t", payload=b"same")
    senders = [step.sender for step in tape.trace.story().steps][-4:]
    assert senders == ["bob", "broker", "bob", "broker"]
    assert [exchange.outcome for exchange in tape.trace.exchanges()] == ["complete", "complete"]


def test_of_equal_messages_the_first_delivery_belongs_to_the_first():
    tape = Tape()
    alice, bob = tape.connect("alice"), tape.connect("bob")
    tape.subscribe(alice, "t", 1)
    for number in (1, 2):
        tape.send(bob, "PUBLISH", topic="t", payload=b"same", qos=1, packet_id=number)
    for number in (1, 2):
        tape.send(alice, "PUBLISH", up=False, topic="t", payload=b"same", qos=1, packet_id=number)
    assert [step.item.packet_id for step in tape.trace.story().steps][-4:] == [1, 1, 2, 2]


def test_a_will_follows_the_end_of_its_link_even_when_it_was_seen_first():
    tape = Tape()
    alice = tape.connect("alice")
    tape.subscribe(alice, "gone", 0)
    bob = tape.connect("bob", will=Will("gone", b"bob"))
    carol = tape.connect("carol")
    tape.send(alice, "PUBLISH", up=False, topic="gone", payload=b"bob")  # the broker sent it before it closed
    tape.send(carol, "PUBLISH", topic="other", payload=b"x")
    tape.trace.note("closed", "the broker closes the connection", link=bob, who="broker")
    lines = tape.trace.text().splitlines()[-3:]
    assert ["closes" in lines[0], '"bob"' in lines[1], '"x"' in lines[2]] == [True, True, True]


def test_a_will_that_is_seen_first_waits_for_the_end_of_its_link():
    """The broker may pass the will on before it closes: a story that ended here would lack the reason."""
    tape = Tape()
    alice = tape.connect("alice")
    tape.subscribe(alice, "gone", 0)
    bob = tape.connect("bob", will=Will("gone", b"bob"))
    tape.send(alice, "PUBLISH", up=False, topic="gone", payload=b"bob")
    assert tape.trace.unsettled() == ["the end of the connection of bob, as its will was published"]
    tape.trace.note("closed", "the broker closes the connection", link=bob, who="broker")
    assert tape.trace.unsettled() == []


def test_what_was_published_elsewhere_is_told_where_it_came():
    """The publisher may speak TLS, or not go through this network at all."""
    tape = Tape()
    alice = tape.connect("alice")
    tape.subscribe(alice, "t", 1)
    tape.send(alice, "PUBLISH", up=False, topic="t", payload=b"1", qos=1, packet_id=1)
    types = [step.item.type for step in tape.trace.story().steps]
    assert types == ["CONNECT", "CONNACK", "SUBSCRIBE", "SUBACK", "PUBLISH"]


def test_what_a_session_kept_hangs_under_the_connack():
    tape = Tape()
    alice = tape.connect("alice", clean_session=False)
    tape.subscribe(alice, "t", 1)
    tape.trace.note("closed", "alice closes the connection", link=alice, who="alice")
    bob = tape.connect("bob")
    tape.send(bob, "PUBLISH", topic="t", payload=b"1", qos=1, packet_id=1)
    again = tape.connect("alice", session_present=True, clean_session=False)
    tape.send(bob, "PUBLISH", topic="other", payload=b"2")
    tape.send(again, "PUBLISH", up=False, topic="t", payload=b"1", qos=1, packet_id=1)
    lines = tape.trace.text().splitlines()
    assert "CONNACK" in lines[-3]
    assert "broker → alice   PUBLISH" in lines[-2]


@pytest.mark.parametrize("lost", ["PUBLISH", "PUBACK"])
def test_exchanges_say_how_a_message_ended(lost):
    tape = Tape()
    bob = tape.connect("bob")
    tape.send(bob, "PUBLISH", topic="t", payload=b"1", qos=1, packet_id=1, lost=lost == "PUBLISH")
    if lost == "PUBACK":
        tape.send(bob, "PUBACK", up=False, packet_id=1, lost=True)
    (exchange,) = tape.trace.exchanges()
    assert (exchange.sender, exchange.topic, exchange.outcome) == ("bob", "t", "lost")
    tape.send(bob, "PUBLISH", topic="t", payload=b"1", qos=1, packet_id=1, dup=True)
    tape.send(bob, "PUBACK", up=False, packet_id=1)
    (exchange,) = tape.trace.exchanges()
    assert exchange.outcome == "complete"
    assert len(exchange.packets) == (3 if lost == "PUBLISH" else 4)


def test_a_message_that_somebody_got_twice_is_duplicated():
    tape = Tape()
    alice, bob = qos1_on_two_hops(tape)
    tape.send(bob, "PUBLISH", topic="home/t", payload=b"1", qos=1, packet_id=7, fault="duplicate")
    tape.send(alice, "PUBLISH", up=False, topic="home/t", payload=b"1", qos=1, packet_id=2)
    assert [exchange.outcome for exchange in tape.trace.exchanges()] == ["duplicated"]


def test_settling_names_what_is_missing():
    tape = Tape()
    alice, bob = qos1_on_two_hops(tape)
    assert tape.trace.unsettled() == []
    tape.send(bob, "PUBLISH", topic="home/t", payload=b"2", qos=1, packet_id=8)
    assert tape.trace.unsettled() == ["PUBACK for packet id 8 to bob", "PUBLISH for home/t to alice"]
    tape.send(bob, "PUBACK", up=False, packet_id=8, lost=True)  # a fault explains it
    tape.send(alice, "PUBLISH", up=False, topic="home/t", payload=b"2", qos=1, packet_id=2, lost=True)
    assert tape.trace.settle(0.0)


def test_pings_are_shown_on_request_only():
    tape = Tape()
    link = tape.connect("alice")
    tape.send(link, "PINGREQ")
    tape.send(link, "PINGRESP", up=False)
    assert "PING" not in tape.trace.text()
    assert "PINGRESP" in tape.trace.text(pings=True)


def test_lanes_have_the_broker_in_the_middle():
    tape = Tape()
    for name in "abcde":
        tape.connect(name)
    assert tape.trace.story().lanes == ("a", "b", "c", "broker", "d", "e")
