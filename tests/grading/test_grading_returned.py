"""What a student's function returns for another one stays in the kernel, whatever it is: no copy is handed on."""

from __future__ import annotations

import collections

import pytest
from submissions_for_tests import asked, earned, run

from mqttkit.grading.check import Direct
from mqttkit.grading.game import Game
from mqttkit.grading.rubric import load
from mqttkit.grading.student import Student
from mqttkit.grading.values import Handle

START = """
import collections, json
from mqttkit import Client
Pair = collections.namedtuple("Pair", "client alarms")
clients = []
def listen(broker, client_id, topic, do, qos=1):
    client = Client(broker, client_id).connect()
    client.on_message = do
    client.subscribe(topic, qos=qos)
    clients.append(client)
    return client
def guarded(broker, wing, floor):
    alarms = []
    note = lambda message: alarms.append((message.topic, message.text))
    return listen(broker, "guard", f"museum/{wing}/{floor}/+/alarm", note), alarms
"""

GUARDS = {
    "list": "start_guard = lambda *a: guarded(*a)[1]\ndef seen(guard): return list(guard)",
    "pair": "start_guard = guarded\ndef seen(guard): return list(guard[1])",
    "named": "start_guard = lambda *a: Pair(*guarded(*a))\ndef seen(guard): return list(guard.alarms)",
}


@pytest.mark.parametrize("kind", GUARDS)
def test_a_guard_may_be_whatever_the_other_function_needs(kind):
    names = {}
    run(START + GUARDS[kind], names)
    result = asked("1-topics", "guard", names)
    assert earned(result) == {"connect", "one", "wanted", "seen"}, result.as_json()


def test_a_counter_may_be_a_dict_that_fills_later():
    """And it may subscribe at QoS 2: what its gates send at QoS 1 arrives all the same."""
    names = {}
    run(
        START + "def start_counter(broker):\n"
        "    gates = collections.defaultdict(dict)\n"
        "    def count(message):\n"
        "        data = json.loads(message.text)\n"
        "        gates[message.topic][data['id']] = data['people']\n"
        "    listen(broker, 'counter', 'ferry/+/boarded', count, qos=2)\n"
        "    return gates\n"
        "def total(counter): return sum(sum(gate.values()) for gate in counter.values())",
        names,
    )
    result = asked("2-qos", "counter", names)
    assert earned(result) == {"subscribe", "total", "twice"}, result.as_json()


KEPT = [[], (1, "a"), {"client": object()}, collections.Counter("a"), {1}, "text", 1000, object()]


@pytest.mark.parametrize("thing", KEPT, ids=lambda thing: type(thing).__name__)
def test_what_is_kept_comes_back_as_itself(thing):
    """Also within a list, and after another thing was kept."""
    names = {"other": object, "make": lambda: thing, "same": lambda it, pair: [it is thing, pair[0] is thing]}
    student = Student(names)
    try:
        game = Game(load("1-topics")["name"], Direct(student), "seed")
        game.call("other", keep=True)
        kept = game.call("make", keep=True)
        assert kept == Handle(1, type(thing).__name__)
        assert game.call("same", kept, [kept]) == [True, True]
    finally:
        student.finish()


def test_nothing_stays_nothing():
    student = Student({"make": lambda: None})
    try:
        assert Game(load("1-topics")["name"], Direct(student), "seed").call("make", keep=True) is None
    finally:
        student.finish()
