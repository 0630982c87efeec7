"""A learner presses the button ■ while a cell waits: one sentence, nothing left running, and the next cell works."""

from __future__ import annotations

import nbformat
import pytest

from support import need
from support.notebooks import ROOT, kernel_of

NOTEBOOKS = ROOT / "notebooks"
BEGIN = """
import os, threading, subprocess, sys, psutil
import paho.mqtt.client as mqtt
from mqttkit import Lab
from mqttkit.elsewhere import on_mosquitto
lab = Lab()
alice, bob = lab.client("alice"), lab.client("bob")
alice.subscribe("still/alive")
plain = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
plain.connect(lab.host, lab.port)
"""
WAITS = {
    "for a message": "alice.wait_for(1, timeout=60)",
    "for a packet": 'with lab.record() as story:\n    story.wait_for(type="PUBACK", timeout=60)',
    "for an acknowledgement": 'with lab.network.lose("PUBACK", to="bob"):\n    bob.publish("a", "b", qos=1, timeout=60)',
    "to be subscribed": 'with lab.network.lose("SUBACK", to="bob"):\n    bob.subscribe("a", timeout=60)',
    "for the end": "alice.wait_closed(timeout=60)",
    "for an event": "threading.Event().wait(60)",
    "in a loop of paho": "plain.loop_forever()",
    "in another lab": 'with Lab() as other:\n    other.client("carol").wait_for(1, timeout=60)',
    "for a program": (
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'], stderr=subprocess.DEVNULL, timeout=60)"
    ),
    "on mosquitto": 'on_mosquitto(lambda lab: lab.client("dora").wait_for(1, timeout=60), "none.jsonl")',
}
LEFT = "print(sorted(t.name for t in threading.enumerate()), [p.name() for p in psutil.Process().children(True)])"
# Cells of lessons that take some seconds: a lost acknowledgement, a silent line, another silent line.
CELLS = {"05-qos": "timeout=3", "06-retain-and-will": "keep_alive=2", "09-unreliable-networks": "wait_closed"}


@pytest.fixture(scope="module")
def running():
    with kernel_of(NOTEBOOKS / "01-first-message.ipynb") as (kernel, _):
        shown(kernel, BEGIN)
        yield kernel


def shown(kernel, source):
    return "".join(output.get("text", "") for output in kernel.run(0, nbformat.v4.new_code_cell(source)))


@pytest.mark.parametrize("what", WAITS)
def test_a_waiting_cell_can_be_stopped(running, what):
    if what == "on mosquitto":
        need("mosquitto")
    before = shown(running, LEFT)
    error = running.stop(WAITS[what])
    assert error["ename"] == "KeyboardInterrupt"
    assert error["evalue"].startswith("You stopped this cell in line ")
    assert error["traceback"] == [error["evalue"]]
    assert shown(running, LEFT) == before
    assert shown(running, "bob.publish('still/alive', 'yes', qos=1)\nprint(alice.wait_for(1)[0].text)") == "yes\n"


@pytest.mark.parametrize("lesson", CELLS)
def test_after_a_cell_was_stopped_the_lesson_goes_on_from_there(lesson):
    with kernel_of(NOTEBOOKS / f"{lesson}.ipynb") as (kernel, cells):
        stopped = [CELLS[lesson] in cell.source for cell in cells].index(True)
        for index, cell in enumerate(cells):
            if index == stopped:
                assert kernel.stop(cell.source)["evalue"].startswith("You stopped this cell")
            kernel.run(index, cell)
