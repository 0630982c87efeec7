"""A broker that stands still holds up neither the kernel nor the widgets of other brokers."""

import threading
import time

import pytest

from mqttkit import Broker, BrokerConsole, Client, TopicTree
from mqttkit.widgets.asker import Asker
from support.waiting import until


class Slow:
    """A question that is answered when the test says so; `asker.told` and `asker.failed` collect."""

    def __init__(self):
        self.may_answer = threading.Event()
        self.answers = iter(range(1, 100))
        self.told, self.failed = [], []
        self.asker = Asker(self.ask, 0, lambda: self.told.append(True), self.failed.append)

    def ask(self):
        assert self.may_answer.wait(5)
        return next(self.answers)


@pytest.fixture
def slow():
    one = Slow()
    yield one
    one.may_answer.set()


def test_an_answer_that_comes_soon_is_the_answer_as_of_now(slow):
    slow.may_answer.set()
    assert [slow.asker.latest(5) for _ in range(3)] == [1, 2, 3]
    assert slow.told == []


def test_meanwhile_the_last_answer_counts_and_the_late_one_is_told(slow):
    slow.may_answer.set()
    assert slow.asker.latest(5) == 1
    slow.may_answer.clear()
    assert slow.asker.latest(0.01) == 1
    assert slow.asker.latest(100) == 1  # waited for once, not each time
    slow.may_answer.set()
    until(lambda: slow.told)
    until(lambda: slow.asker.latest(5) >= 4)  # 2 was late, 3 answered the second question


def test_an_error_is_handed_over_and_the_next_question_is_asked(slow):
    slow.answers = iter([])  # next() raises
    slow.may_answer.set()
    assert slow.asker.latest(5) == 0
    until(lambda: slow.failed)
    slow.answers = iter([7])
    assert slow.asker.latest(5) == 7


def sent_by(widget):
    """What the widget sends from now on to a page that has asked for it."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._received(widget, {"type": "hello"}, [])
    return sent


def test_a_broker_that_stands_still_freezes_no_other_widget_and_is_told():
    go_on = threading.Event()
    with Broker() as broker, Client(broker, "ann") as ann, Broker() as other, Client(other, "house") as house:
        console, tree = BrokerConsole(broker), TopicTree(other)
        sent, tree_sent = sent_by(console), sent_by(tree)
        until(lambda: clients_in(sent) == ["ann"])
        broker.on_event(lambda event: event.topic == "stop" and go_on.wait(30))  # a learner's callback, in its thread
        ann.publish("stop", "x", qos=0, wait=False)
        until(lambda: console.published == 1)
        house.publish("home/kitchen", "21", qos=1)
        until(lambda: any("home/kitchen" in one["content"]["topics"] for one in tree_sent if "content" in one))
        begin = time.monotonic()
        console._received(console, {"type": "hello"}, [])  # a page is loaded anew
        assert time.monotonic() - begin < 5
        assert clients_in(sent) == ["ann"]  # what was known before
        until(lambda: last_of(sent)["silent"])
        go_on.set()
        until(lambda: not last_of(sent)["silent"])
        console.close()
        tree.close()


def last_of(sent):
    return [one["content"] for one in sent if one.get("content")][-1]


def clients_in(sent):
    return [row[0] for row in last_of(sent)["tables"]["Clients"]["rows"]]
