"""What becomes of widgets when their lab is closed, and when their cell is run again."""

import threading

import pytest

from mqttkit import Broker, BrokerConsole, ChatRoom, Client, ClientPanel, Lab, LiveChart, TopicTree, _lifetime
from mqttkit.widgets.base import OVER
from support.waiting import until

MAKE = {
    "panel": lambda place: ClientPanel(place, "ann"),
    "console": BrokerConsole,
    "tree": TopicTree,
    "chart": lambda place: LiveChart(place, {"kitchen": "home/kitchen"}),
    "chat": lambda place: ChatRoom(place, name="Ada"),
}


def shown(widget):
    """What the page gets when it asks for everything."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append(content)
    widget._received(widget, {"type": "hello"}, [])
    return sent[-1]


@pytest.mark.parametrize("name", MAKE)
def test_a_widget_of_a_closed_lab_says_that_it_has_stopped(name):
    lab = Lab()
    before = set(threading.enumerate())
    widget = MAKE[name](lab)
    mine = [one for one in threading.enumerate() if one not in before]
    if name == "panel":
        widget.connect()
    assert shown(widget)["ended"] == ""
    lab.close()
    until(lambda: widget.ended)  # the flusher notices without being asked
    assert shown(widget)["ended"] == OVER
    for thread in mine:
        if thread.name != "mqttkit-widgets":
            thread.join(5)  # and nothing goes on looking for the lab, at an address that may soon be somebody else's
            assert not thread.is_alive(), thread.name
    if name == "chat":
        assert [line["text"] for line in widget.state().content["lines"]][1:] == ["The lab was closed."]
    widget.close()


def test_a_broker_that_may_come_back_ends_no_widget():
    with Broker() as broker:
        tree = TopicTree(broker)
        shown(tree)
        broker.stop()
        until(lambda: not tree.state().content["connected"])
        tree.beat()
        assert tree.ended == ""
        tree.close()


def test_a_lab_on_a_broker_of_somebody_else_leaves_what_listens_there_alive():
    with Broker() as broker, Client(broker, "house") as house:
        lab = Lab(broker)
        tree = TopicTree(lab)
        shown(tree)
        lab.close()
        tree.beat()
        house.publish("home/kitchen", "21.5", qos=1)
        until(lambda: "home/kitchen" in tree.topics)
        assert tree.ended == ""
        tree.close()


def test_a_panel_keeps_its_name_when_its_cell_is_run_again(monkeypatch):
    runs = iter([("cell", "first"), ("cell", "second")])
    with Broker() as broker:
        for _ in range(2):
            run = next(runs)
            monkeypatch.setattr(_lifetime, "_current_cell", lambda run=run: run)
            panel = ClientPanel(broker, "ann")
            assert panel.settings.client_id == "ann"
        panel.close()
        beside = [ClientPanel(broker, "ann"), ClientPanel(broker, "ann")]
        assert [one.settings.client_id for one in beside] == ["ann", "ann-2"]
        for one in beside:
            one.close()
