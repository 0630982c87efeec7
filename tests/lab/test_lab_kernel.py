"""Lab and Client in a real notebook kernel: re-run cells, errors of callbacks, async, Ctrl-C, kill -9."""

from __future__ import annotations

import ast
import threading
import time
from pathlib import Path

import psutil
import pytest

from support import need

COUNT = """
import gc, threading, psutil
gc.collect()
print((len(psutil.Process().net_connections()), sorted(t.name for t in threading.enumerate() if t.is_alive())))
"""
LAB = """
from mqttkit import Lab
lab = Lab()
alice, bob = lab.client("alice"), lab.client("bob")
alice.subscribe("home/#", 1)
bob.publish("home/x", "21.5", 1)
print(alice.wait_for())
"""


def test_running_a_cell_again_closes_what_its_earlier_run_left_open(kernel):
    """Five runs of one cell hold as much as one; another cell's lab is left alone."""
    kernel.run(LAB, "one")
    once = ast.literal_eval(kernel.run(COUNT).text())
    for _ in range(4):
        assert "21.5" in kernel.run(LAB, "one").text()
    assert ast.literal_eval(kernel.run(COUNT).text()) == once
    kernel.run(LAB.replace("lab", "other"), "two")
    assert "True" in kernel.run("print(bob.connected and lab.client('carol').connected)").text()


@pytest.mark.parametrize(
    "kind", ["Broker(port=port)", "Broker(port=port, engine='mosquitto')", "Network('mqtt://127.0.0.1:1', port=port)"]
)
def test_a_cell_with_a_port_of_its_own_may_run_again(kernel, kind):
    """Fails when the port is opened before what the earlier run left there is closed."""
    if "mosquitto" in kind:
        need("mosquitto")
    kernel.run("from mqttkit import Broker\nfrom mqttkit.network import Network\nport = 0", "imports")
    ports = {kernel.run(f"thing = {kind}.start()\nport = thing.port\nprint(port)", "again").text() for _ in range(3)}
    assert len(ports) == 1
    assert ports.pop().strip().isdigit()


def test_error_of_a_callback_appears_below_the_cell_that_wrote_it(kernel):
    """And its prints; the cell that publishes shows its own output only, then raises."""
    first = kernel.run(
        "from mqttkit import Lab\nlab = Lab()\nalice, bob = lab.client('alice'), lab.client('bob')\nalice.subscribe('t', 1)\n"
        "@alice.on('t')\ndef show(message):\n    print('got', message.text)\n    1 / int(message.text)\n",
        "one",
    )
    second = kernel.run("print('before')\nbob.publish('t', '0', 1)\nalice.wait_for(timeout=5)", "two")
    assert second.status == "error"
    assert second.text().splitlines()[0] == "before"
    assert "ZeroDivisionError" in second.text()
    assert "got 0" not in second.text()
    below = second.text(first)
    assert "got 0" in below
    assert 'Error in @client.on("t") of client "alice": ZeroDivisionError: division by zero' in below
    assert "in show, line 8: 1 / int(message.text)" in below
    third = kernel.run("bob.publish('t', '1', 1)\nprint(len(alice.wait_for(2)))", "three")
    assert third.text() == "2\n", "the network thread lives, and the message is not lost"
    assert "got 1" in third.text(first)


def test_error_in_a_raw_paho_callback_appears_there_too(kernel):
    """The learner leaves the kit, and is still told."""
    first = kernel.run(
        "from mqttkit import Lab\nlab = Lab()\nalice = lab.client('alice')\n"
        "def on_publish(client, userdata, mid):\n    pass\nalice.paho.on_publish = on_publish",
        "one",
    )
    second = kernel.run("alice.publish('t', 'x', 1)", "two")
    assert 'Error in on_publish of client "alice": TypeError' in second.text(first)
    assert second.text().startswith("TypeError")


def test_kit_errors_are_one_sentence_without_traceback(kernel):
    """IPython shows what _render_traceback_ returns."""
    ran = kernel.run("from mqttkit import Client\nClient('mqtt://127.0.0.1:1', 'a').connect()")
    (error,) = [m for m in ran.outputs if m["msg_type"] == "error"]
    assert len(error["content"]["traceback"]) == 1
    assert "Nothing listens" in error["content"]["traceback"][0]


def test_async_for_in_the_kernel_s_running_loop(kernel):
    """Top-level await, as a learner writes it."""
    ran = kernel.run(
        "from mqttkit import Lab\nlab = Lab()\nalice, bob = lab.client('alice'), lab.client('bob')\nalice.subscribe('t', 1)\n"
        "import asyncio\nasync def feed():\n    for n in range(3):\n        bob.publish('t', n, 1)\n        await asyncio.sleep(0)\n"
        "    alice.disconnect()\ntask = asyncio.create_task(feed())\n"
        "async for message in alice:\n    print(message.text)\nprint('end')"
    )
    assert ran.text() == "0\n1\n2\nend\n"


# A thread tells when the cell has been waiting for a moment: an interrupt inside print itself is ipykernel's matter.
WAITING = "import threading\nthreading.Timer(0.3, print, ('waiting',), {'flush': True}).start()"


def interrupt_when_waiting(kernel, ran):
    """Press the stop button once the cell has printed something; it must end long before its own time-out."""
    begin = time.monotonic()
    while not ran.outputs and time.monotonic() < begin + 20:
        message = kernel.client.get_iopub_msg(timeout=20)
        ran.outputs += [message] if message["msg_type"] == "stream" else []
    kernel.manager.interrupt_kernel()
    kernel.finish(ran)
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize(
    "wait",
    [
        "alice.wait_for(timeout=30)",
        "with lab.network.silence('alice'):\n    alice.publish('t', 'x', 1, timeout=30)",
        "async for message in alice:\n    print(message)",
    ],
)
def test_interrupt_leaves_everything_usable(kernel, wait):
    """The stop button while a cell waits; the next cell works."""
    kernel.run("from mqttkit import Lab\nlab = Lab()\nalice = lab.client('alice')\nalice.subscribe('t', 1)")
    ran = kernel.run(f"{WAITING}\n{wait}", wait=False)
    interrupt_when_waiting(kernel, ran)
    assert "You stopped this cell" in ran.text()
    after = kernel.run(
        "lab.network.heal()\nalice.clear()\nalice.publish('t', 'fine', 1)\nprint(alice.wait_for(1, topic='t')[0].text)\nlab.close()"
    )
    assert after.text() == "fine\n" or after.text() == "x\n"
    assert after.status == "ok"


@pytest.mark.parametrize("engine", ["amqtt", "mosquitto"])
def test_killed_kernel_leaves_nothing_behind(new_kernel, engine):
    """kill -9: no process, and nobody listens any more."""
    if engine == "mosquitto":
        need("mosquitto")
    ran = new_kernel.run(
        f"from mqttkit import Lab\nlab = Lab(engine={engine!r})\nlab.client('alice')\n"
        "import os, psutil\nprint((os.getpid(), [c.pid for c in psutil.Process().children(recursive=True)], lab.broker.port))"
    )
    pid, children, port = ast.literal_eval(ran.text())
    folders = [Path(word) for child in children for word in psutil.Process(child).cmdline() if word.endswith(".conf")]
    assert bool(children) == (engine == "mosquitto")
    family = [psutil.Process(child) for child in children]
    psutil.Process(pid).kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert bool(folders) == (engine == "mosquitto")
    assert [file for file in folders if file.parent.exists()] == []
    end = time.monotonic() + 5
    while time.monotonic() < end and _listens(port):
        threading.Event().wait(0.01)
    assert not _listens(port)


def _listens(port):
    return [c for c in psutil.net_connections() if c.status == psutil.CONN_LISTEN and c.laddr.port == port]


def test_interrupt_spares_the_mosquitto_process(kernel):
    """The stop button goes to the whole process group of the kernel; mosquitto ends on it, so it has a group of its own."""
    need("mosquitto")
    kernel.run(
        "from mqttkit import Lab\nlab = Lab(engine='mosquitto')\nalice = lab.client('alice')\nalice.subscribe('t', 1)"
    )
    ran = kernel.run(f"{WAITING}\nalice.wait_for(timeout=30)", wait=False)
    interrupt_when_waiting(kernel, ran)
    assert "KeyboardInterrupt" in ran.text()
    assert kernel.run("alice.publish('t', 'fine', 1)\nprint(alice.wait_for()[0].text)\nlab.close()").text() == "fine\n"
