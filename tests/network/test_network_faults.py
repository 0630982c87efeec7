"""Each fault does what its name says, tells how often, and shows in the trace. Real clients, every broker."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from mqttkit import Lab, MqttKitError, Network, Will
from mqttkit.errors import ConnectError

TOPIC = "home/t"


@pytest.fixture
def lab(new_lab):
    with new_lab() as lab:
        yield lab


@pytest.fixture
def pair(lab):
    """alice, subscribed with QoS 2, and bob."""
    alice = lab.client("alice")
    alice.subscribe("home/#", qos=2)
    return alice, lab.client("bob")


def kinds(trace):
    return [(event.kind, event.text) for event in trace.events()]


def test_lost_packet_is_swallowed_and_the_link_stays_open(lab, pair):
    alice, bob = pair
    with lab.record() as story:
        with lab.network.lose("PUBLISH", to="alice") as fault:
            bob.publish(TOPIC, "1", qos=0)
        bob.publish(TOPIC, "2", qos=0)
    assert [m.text for m in alice.wait_for(1)] == ["2"]
    assert fault.count == 1
    lost = story.packets("PUBLISH", delivered=False)
    assert [(p.receiver, p.fault, p.text) for p in lost] == [("alice", "lost", "1")]
    assert ("healed", "end of: lose PUBLISH to alice (1 packet)") in kinds(story)


def test_nth_and_count_choose_among_those_that_fit(lab, pair):
    alice, bob = pair
    nth = lab.network.lose("PUBLISH", to="alice", topic="home/nth", nth=2)
    count = lab.network.lose("PUBLISH", to="alice", topic="home/count", count=1)
    for number in range(3):
        bob.publish("home/nth", number)
        bob.publish("home/count", number)
    assert [m.topic[5:] + m.text for m in alice.wait_for(4)] == ["nth0", "count1", "nth2", "count2"]
    assert (nth.count, count.count) == (1, 1)


def test_where_takes_any_function_of_a_packet(lab, pair):
    alice, bob = pair
    with lab.network.lose("PUBLISH", sender="bob", where=lambda packet: packet.payload == b"2"):
        for number in (1, 2, 3):
            bob.publish(TOPIC, number)
    assert [m.text for m in alice.wait_for(2)] == ["1", "3"]


def test_duplicate_arrives_twice_at_qos_1_and_once_at_qos_2(lab, pair):
    alice, bob = pair
    for qos, copies in ((1, 2), (2, 1)):
        with lab.record() as story, lab.network.duplicate("PUBLISH", sender="bob"):
            bob.publish(TOPIC, f"q{qos}", qos=qos)
        assert len(story.packets("PUBLISH", receiver="broker")) == 2
        assert [m.text for m in alice.wait_for(copies)] == [f"q{qos}"] * copies
    assert alice.wait_for(0) == []


def test_delay_keeps_the_order_of_a_link(lab, pair):
    alice, bob = pair
    with lab.network.delay(0.3, "PUBLISH", to="alice", nth=1) as fault:
        start = time.monotonic()
        bob.publish(TOPIC, "first")
        bob.publish(TOPIC, "second")
        assert [m.text for m in alice.wait_for(2)] == ["first", "second"]
        assert time.monotonic() - start >= 0.3
    assert fault.count == 1


def test_reorder_only_where_the_standard_leaves_the_order_open(lab, pair):
    alice, bob = pair
    with lab.record() as story:
        with lab.network.reorder("PUBLISH", to="alice", nth=1):
            bob.publish("home/a", "1")
            bob.publish("home/b", "2")
        assert [m.text for m in alice.wait_for(2)] == ["2", "1"]
        with lab.network.reorder("PUBLISH", to="alice", nth=1):
            bob.publish("home/a", "3")
            bob.publish("home/a", "4")
        assert [m.text for m in alice.wait_for(2)] == ["3", "4"]
    faults = [p.fault for p in story.packets("PUBLISH", receiver="alice") if p.fault]
    assert faults == ["overtaken: sent first, arrives second", "kept its place: the standard fixes this order"]
    assert [p.text for p in story.packets("PUBLISH", receiver="alice")] == ["2", "1", "3", "4"]  # as they arrived


def test_a_held_packet_goes_out_when_nothing_comes_to_overtake_it(lab, pair):
    alice, bob = pair
    with lab.network.reorder("PUBLISH", to="alice") as fault:
        bob.publish(TOPIC, "alone")
        fault.wait_for(1)  # it is held already, though not in the trace yet
    assert alice.wait_for(1)[0].text == "alone"


def test_cut_resets_both_sides_and_fires_the_will(lab):
    alice = lab.client("alice")
    alice.subscribe("home/#", qos=1)
    bob = lab.client("bob", will=Will("home/bob", "gone", qos=1))
    fault = lab.network.cut("bob")
    assert fault.count == 1
    assert alice.wait_for(1)[0].text == "gone"
    bob.wait_closed()
    assert lab.trace.events("cut")[0].client == "bob"


def test_cut_at_a_packet_cuts_in_place_of_carrying_it(lab, pair):
    _, bob = pair
    lab.network.cut("bob", at="PUBACK")
    with suppress(ConnectError):  # the cut may come before publish() has returned
        bob.publish(TOPIC, "1", qos=1, wait=False)
    bob.wait_closed()
    assert [p.fault for p in lab.trace.packets("PUBACK", receiver="bob")] == ["lost in the cut"]


def test_silence_carries_nothing_not_even_the_end(lab):
    alice = lab.client("alice")
    alice.subscribe("home/#")
    bob = lab.client("bob", will=Will("home/bob", "gone"))
    with lab.network.silence("bob"):
        bob.kill()
        assert [p.text for p in lab.trace.packets("PUBLISH", receiver="alice")] == []
        assert [c.client_id for c in lab.broker.clients()] == ["alice", "bob"]
    assert alice.wait_for(1)[0].text == "gone"  # healed: now the broker learns of it


def test_refuse_lets_nobody_new_in_and_leaves_the_others(lab, pair):
    alice, bob = pair
    with lab.network.refuse() as fault:
        with pytest.raises(ConnectError):
            lab.client("carol")
        bob.publish(TOPIC, "still here")
        assert alice.wait_for(1)[0].text == "still here"
    assert fault.count >= 1
    assert lab.client("carol").connected


def test_refuse_one_client(lab):
    with lab.network.refuse("mallory"):
        with pytest.raises(ConnectError):
            lab.client("mallory")
        assert lab.client("alice").connected


def test_limit_takes_as_long_as_the_bytes_need(lab, pair):
    alice, bob = pair
    with lab.network.limit(10_000, "bob"):
        start = time.monotonic()
        bob.publish(TOPIC, b"x" * 3000, qos=0)
        alice.wait_for(1)
        assert 0.28 < time.monotonic() - start < 2


def test_nothing_waits_for_a_limit_that_has_ended(lab, pair):
    alice, bob = pair
    with lab.network.limit(1, "bob"):
        bob.publish(TOPIC, b"x" * 3000)
        bob.publish(TOPIC, "later")
        lab.trace.wait_for(2, type="PUBLISH", sender="bob")
    assert [len(m.payload) for m in alice.wait_for(2)] == [3000, 5]
    bob.publish(TOPIC, "now", qos=1)


def test_a_polite_client_behind_a_slow_link_loses_nothing_and_leaves_no_will():
    """Its DISCONNECT waits behind its messages: until it has gone out, the broker has nothing to notice."""
    with Lab() as lab:
        alice, bob = lab.client("alice"), lab.client("bob", will=Will("home/bob", "gone"))
        alice.subscribe("home/#")
        lab.network.limit(1000, "bob")
        for size in (100, 700):  # the second needs longer than the broker gets to notice an end
            bob.publish(TOPIC, bytes(size))
        bob.disconnect()
        assert [len(m.payload) for m in alice.wait_for(2)] == [100, 700]
        alice.publish("home/fence", "the end")
        assert alice.wait_for(1)[0].text == "the end"


def test_random_loss_is_the_same_for_the_same_seed(new_lab):
    def arrived(seed):
        with new_lab(seed=seed) as lab:
            alice, bob = lab.client("alice"), lab.client("bob")
            alice.subscribe("home/#")
            with lab.network.random_loss(0.5, "PUBLISH", sender="bob"):
                for number in range(30):
                    bob.publish(TOPIC, number)
            bob.publish(TOPIC, "end", qos=1)
            return [p.text for p in lab.trace.packets("PUBLISH", sender="bob", delivered=True)]

    assert arrived(1) == arrived(1)
    assert arrived(1) != arrived(2)
    assert 5 < len(arrived(1)) < 26


def test_a_fault_that_never_matched_says_so(lab, pair):
    with lab.network.lose("PUBLISH", to="alise") as fault:
        pass
    words = "never matched: no client 'alise' was here, only alice, bob"
    assert words in repr(fault)
    assert words in lab.trace.text()


def test_a_fault_that_never_matched_says_what_passed(lab, pair):
    _, bob = pair
    wrong = lab.network.lose("PUBLISH", topic="house/#")
    none = lab.network.lose("PUBREC")
    silent = lab.network.silence("carol")
    bob.publish(TOPIC, "1", qos=1)
    lab.network.settle()
    lab.network.heal()
    assert "never matched: 2 PUBLISH passed, none that fits" in repr(wrong)
    assert "never matched: no PUBREC passed" in repr(none)
    assert "nothing was sent: no client 'carol' was here, only alice, bob" in repr(silent)


def test_a_client_in_place_of_its_name_is_answered_with_the_name(lab, pair):
    alice, _ = pair
    for ask in (lambda: lab.network.lose(to=alice), lambda: lab.network.silence(alice)):
        with pytest.raises(MqttKitError, match="'alice'"):
            ask()
    with pytest.raises(MqttKitError, match="write receiver='alice'"):
        lab.trace.packets(receiver=alice)


def test_an_error_in_where_is_told_and_the_link_stays_up(lab, pair):
    alice, bob = pair
    told = pytest.raises(MqttKitError, match=r"`where` function of 'lose PUBLISH.*ZeroDivisionError: .*by zero")
    with told, lab.network.lose("PUBLISH", where=lambda packet: 1 // 0):
        bob.publish(TOPIC, "1", qos=1)
    assert alice.wait_for(1)[0].text == "1"
    assert alice.connected
    assert bob.connected
    assert "its condition failed: ZeroDivisionError" in lab.trace.text()
    lab.network.lose("PUBLISH", where=lambda packet: packet.nothing)
    bob.publish(TOPIC, "2", qos=1)
    with pytest.raises(MqttKitError, match="AttributeError"):
        lab.network.heal()
    assert lab.network.faults == ()


def test_a_slowed_packet_says_so(lab, pair):
    _, bob = pair
    with lab.record() as story, lab.network.limit(5000, "bob"):
        bob.publish(TOPIC, "1", qos=1)
    assert story.packets("PUBACK", receiver="bob")[0].fault == "slowed to 5000 bytes/s"


def test_a_packet_that_was_held_back_when_the_link_was_cut_is_lost(lab, pair):
    _, bob = pair
    lab.network.reorder("PUBLISH", sender="bob")
    bob.publish(TOPIC, "1", qos=1, wait=False)
    lab.network.settle(0.1)
    lab.network.cut("bob")
    assert [(p.fault, p.delivered) for p in lab.trace.packets("PUBLISH")] == [("lost with the connection", False)]


def test_a_connect_to_a_broker_that_is_away_does_not_arrive():
    from mqttkit import Broker, Client, Network

    with Broker() as broker:
        address = (broker.host, broker.port)
    with Network(address) as network:
        with pytest.raises(ConnectError):
            Client(network, "alice").connect()
        assert not network.trace.packets("CONNECT")[0].delivered


def test_a_fault_does_not_outlive_its_block_when_the_waiting_is_interrupted(lab, pair, monkeypatch):
    """At its end the block waits for a PUBREC; there the learner presses the stop button."""

    def interrupted(_seconds):
        raise KeyboardInterrupt

    fault = lab.network.lose("PUBREC")
    monkeypatch.setattr(fault._matched, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt), fault:
        assert fault.active
    assert lab.network.faults == ()


def test_a_network_may_be_closed_in_the_block_of_a_fault(new_lab):
    lab = new_lab()
    with lab.network.silence("alice"):
        lab.close()


@pytest.mark.parametrize("host", ["ä" * 70, "\0", "192.0.2.1"], ids=["long", "nul", "not here"])
def test_a_network_that_cannot_listen_leaves_no_thread(host):
    before = set(threading.enumerate())
    with pytest.raises(MqttKitError, match="The network cannot listen on"):
        Network("mqtt://127.0.0.1:1883", listen_host=host).start()
    assert not [thread for thread in set(threading.enumerate()) - before if "mqttkit" in thread.name]


def test_heal_ends_every_fault(lab, pair):
    alice, bob = pair
    lab.network.lose("PUBLISH")
    lab.network.delay(9, "PUBACK")
    lab.network.heal()
    bob.publish(TOPIC, "1", qos=1)
    assert alice.wait_for(1)[0].text == "1"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda n: n.lose("PUBAK"), "Did you mean 'PUBACK'?"),
        (lambda n: n.lose("publish"), "Did you mean 'PUBLISH'?"),
        (lambda n: n.lose("CONNECT", to="bob"), "never travels to a client"),
        (lambda n: n.lose("SUBACK", sender="bob"), "never travels to the broker"),
        (lambda n: n.lose("PUBLISH", sender="bob", to="alice"), "each goes between a client and the broker"),
        (lambda n: n.lose(qos=3), "There is no QoS 3"),
        (lambda n: n.lose(nth=0), "counted from 1"),
        (lambda n: n.lose(topic="a/#/b"), "#"),
        (lambda n: n.lose(where=3), "must be a function"),
        (lambda n: n.cut("nobody"), "There is no open connection of 'nobody'"),
        (lambda n: n.delay(-1), "give a number above 0"),
        (lambda n: n.limit(0), "give a number above 0"),
        (lambda n: n.delay(float("nan")), "give a number above 0"),
        (lambda n: n.random_loss(2), "between 0 and 1"),
        (lambda n: n.random_loss("0.5"), "between 0 and 1"),
        (lambda n: n.lose("PUBACK", receiver="bob"), "Did you mean 'to'?"),
        (lambda n: n.lose("PUBACK", tpoic="a"), "Did you mean 'topic'?"),
        (lambda n: n.lose("PUBACK", "bob"), 'Write type in this order, and all else by name, such as to="bob"'),
        (lambda n: n.duplicate("PUBACK", sendr="bob"), "Did you mean 'sender'?"),
        (lambda n: n.delay(), "missing a required argument: 'seconds'"),
        (lambda n: n.cut("bob", at="PUBAK"), "Did you mean 'PUBACK'?"),
        (lambda n: n.cut("bob", at="PUBLISH", whre=None), "Did you mean 'where'?"),
        (lambda n: n.limit(10, cleint="bob"), "Did you mean 'client'?"),
        (lambda n: n.silence("broker"), "The broker is at one end of every connection"),
        (lambda n: n.lose(to="Broker"), "did you mean 'broker'?"),
        (lambda n: n.lose("PUBACK", qos=1), "A PUBACK has no qos"),
        (lambda n: n.lose("SUBACK", topic="a"), "A SUBACK has no topic"),
        (lambda n: n.lose("CONNECT", packet_id=1), "has no packet identifier"),
        (lambda n: n.lose(packet_id=0), "packet identifiers are 1 to 65535"),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_sentence(lab, call, words):
    with pytest.raises(MqttKitError) as caught:
        call(lab.network)
    assert words in str(caught.value)
    assert lab.network.faults == ()
