"""Questions to a trace, waiting, bounds, threads."""

from __future__ import annotations

import threading

import pytest
from trace_parts import Tape, qos1_on_two_hops

from mqttkit import InvalidArgument, Timeout
from mqttkit.trace import Trace, Wire


@pytest.fixture
def tape():
    tape = Tape()
    qos1_on_two_hops(tape)
    return tape


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"type": "PUBLISH"}, [7, 9]),
        ({"type": "PUBLISH", "sender": "bob"}, [7]),
        ({"receiver": "alice"}, [2, 6, 9]),
        ({"topic": "home/+"}, [7, 9]),
        ({"topic": "other/#"}, []),
        ({"qos": 1}, [7, 9]),
        ({"packet_id": 7}, [7, 8]),
        ({"since": 8}, [9, 10]),
        ({"delivered": False}, []),
    ],
)
def test_queries(tape, query, numbers):
    assert [packet.number for packet in tape.trace.packets(**query)] == numbers


@pytest.mark.parametrize(
    ("query", "words"),
    [({"type": "PUBLISCH"}, "Did you mean 'PUBLISH'"), ({"type": "X"}, "There are: CONNECT"), ({"qos": 5}, "no QoS 5")],
)
def test_wrong_words_are_told(tape, query, words):
    with pytest.raises(InvalidArgument, match=words):
        tape.trace.packets(**query)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda t: t.packets(sendr="bob"), "Did you mean 'sender'?"),
        (lambda t: t.packets(to="bob"), "Did you mean 'receiver'?"),
        (lambda t: t.packets(sender="Broker"), "did you mean 'broker'?"),
        (lambda t: t.packets(sender=3), "is not a name"),
        (lambda t: t.packets(since="x"), "must be the number of a packet"),
        (lambda t: t.packets(delivered="x"), "must be True, False or None"),
        (lambda t: t.packets(packet_id="x"), "must be a number"),
        (lambda t: t.wait_for("PUBLISH"), "write type='PUBLISH'"),
        (lambda t: t.wait_for(-1), "give a number of packets"),
        (lambda t: t.wait_for(timeout=None), "timeout is a number of seconds"),
        (lambda t: t.wait_for(timeout=-1), "timeout is a number of seconds"),
        (lambda t: t.wait_for(tpye="PUBLISH"), "Did you mean 'type'?"),
        (lambda t: Trace(limit=0), "at least 1 entry"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_a_sentence(tape, ask, words):
    with pytest.raises(InvalidArgument) as caught:
        ask(tape.trace)
    assert words in str(caught.value)


def test_line_is_the_number_in_the_ladder(tape):
    assert tape.trace.line(7).type == "PUBLISH"
    last = max(step.line for step in tape.trace.story().steps)
    tape.trace.note("cut", "the link was cut", link=tape.trace.links[1])  # is told, but has no number
    with pytest.raises(InvalidArgument, match=f"no line {last + 1}: it has {last} lines"):
        tape.trace.line(last + 1)


def test_wait_for_wakes_up_when_the_packet_comes(tape):
    timer = threading.Timer(0.05, lambda: tape.send(tape.trace.links[1], "DISCONNECT"))
    timer.start()
    assert tape.trace.wait_for(type="DISCONNECT", timeout=5)[0].sender == "alice"
    timer.join()


def test_wait_for_says_what_was_seen(tape):
    with pytest.raises(Timeout, match=r"Waited 0 s for DISCONNECT from bob, none came. .*alice to broker: PUBACK"):
        tape.trace.wait_for(type="DISCONNECT", sender="bob", timeout=0)


def test_what_falls_off_is_counted_and_numbers_stay():
    tape = Tape(limit=20)
    link = tape.connect("bob")
    tape.subscribe(link, "t/#")
    for number in range(50):
        tape.send(link, "PUBLISH", topic="t", payload=str(number).encode())
    trace = tape.trace
    assert len(trace) <= 20
    assert trace.dropped + len(trace) == 54
    assert trace.packets()[-1].number == 54
    assert f"({trace.dropped} earlier entries fell off" in trace.text()
    assert trace.unsettled() == ["PUBLISH for t to bob"] * 50  # what fell off is remembered where it matters


def test_large_packets_fall_off_sooner():
    """A few hundred thousand bytes a packet would fill the memory long before there are too many of them."""
    tape = Tape(limit=1000)
    tape.trace.most_bytes = 10_000
    link = tape.connect("bob")
    for number in range(100):
        tape.send(link, "PUBLISH", topic="t", payload=b"x" * 1000, qos=1, packet_id=1 + number)
    assert 5 <= len(tape.trace) <= 10
    assert tape.trace.packets()[-1].packet_id == 100
    tape.send(link, "PUBLISH", topic="t", payload=b"x" * 50_000)
    assert [len(packet.payload) for packet in tape.trace.packets()] == [50_000]
    tape.send(link, "PINGREQ")
    assert [packet.type for packet in tape.trace.packets()] == ["PINGREQ"]


def test_what_fell_off_is_forgotten_everywhere():
    """A lab that runs all day must not grow with every payload."""
    tape = Tape(limit=100)
    link = tape.connect("bob")
    for number in range(3000):
        tape.send(link, "PUBLISH", topic="t", payload=str(number).encode(), qos=1, packet_id=1 + number)
        tape.send(link, "PUBACK", up=False, packet_id=1 + number)
    causes = tape.trace._causes
    assert max(map(len, (causes.cause, causes._last, causes._published))) <= 210


def test_a_full_trace_does_not_stand_still_to_forget():
    """What falls off is read first, by the thread that carries the packets: a little at a time."""
    tape = Tape(limit=20_000)
    link = tape.connect("bob")
    ping = tape.send(link, "PINGREQ")
    read = []
    for _ in range(25_000):
        before = tape.trace._fed
        tape.trace.record(Wire(ping.time, link, ping.raw, to_broker=True))
        read.append(tape.trace._fed - before)
    assert 0 < max(read) <= 1000
    assert len(tape.trace) <= 20_000


def test_wait_for_counts_what_comes_in_several_looks(tape):
    link = tape.trace.links[1]
    threads = [threading.Timer(0.02 * number, lambda: tape.send(link, "PINGREQ")) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    assert len(tape.trace.wait_for(3, type="PINGREQ", timeout=5)) == 3
    for thread in threads:
        thread.join()


def test_clear_keeps_what_is_known_of_sessions(tape):
    tape.trace.clear()
    tape.send(tape.trace.links[2], "PUBLISH", topic="home/x", payload=b"")
    assert tape.trace.packets()[0].number == 1
    assert tape.trace.unsettled() == ["PUBLISH for home/x to alice"]


def test_what_was_cleared_takes_no_room():
    tape = Tape()
    tape.trace.most_bytes = 10_000
    link = tape.connect("bob")
    for _ in range(5):
        tape.send(link, "PUBLISH", topic="t", payload=b"x" * 5000)
        tape.trace.clear()
    for _ in range(5):
        tape.send(link, "PINGREQ")
    assert len(tape.trace) == 5


def test_many_threads_may_record_and_read():
    tape = Tape()
    link = tape.connect("bob")
    start = threading.Barrier(5)

    def write():
        start.wait()
        for _ in range(200):
            tape.send(link, "PUBLISH", topic="t", payload=b"")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    while any(thread.is_alive() for thread in threads):
        seen = [p.number for p in tape.trace.packets()]
        assert seen == list(range(1, len(seen) + 1))
        tape.trace.text()
    for thread in threads:
        thread.join()
    assert [p.number for p in tape.trace.packets()] == list(range(1, 803))


def test_an_empty_trace_says_so():
    assert Trace().text() == "(no packets)"
    assert "(no packets)" in Trace()._repr_mimebundle_()["text/html"]
