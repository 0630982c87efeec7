"""Scripts, recording, the terminal view, and what a network leaves behind."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from mqttkit import BrokerError, InvalidArgument, MqttKitError, Network, Timeout
from mqttkit.network.script import Step
from mqttkit.network.terminal import run_trace
from mqttkit.trace import Trace


@pytest.fixture
def lab(new_lab):
    with new_lab() as lab:
        yield lab


def test_steps_run_in_order_each_after_its_packet(lab):
    bob = lab.client("bob")
    script = lab.network.script(
        Step("lose", ("PUBACK",), {"to": "bob"}, on={"type": "PUBLISH", "nth": 2}),
        Step("heal", on={"type": "PUBLISH"}),
        Step("cut", ("bob",), after=0.01),
    )
    bob.publish("t", "1", qos=1)  # arrives, acknowledged
    bob.publish("t", "2", qos=1, wait=False)  # its PUBACK gets lost: the step acts before an answer can come
    lab.trace.wait_for(type="PUBACK", packet_id=2)
    bob.publish("t", "3", qos=1, wait=False)
    script.wait()
    bob.wait_closed()
    assert script.done == 3
    assert [p.packet_id for p in lab.trace.packets("PUBACK", delivered=False)] == [2]


def test_a_script_that_waits_says_for_what(lab):
    script = lab.network.script(Step("cut", on={"type": "PUBREC"}))
    with pytest.raises(Timeout, match=r"still waits for step 1: .*PUBREC"):
        script.wait(0.01)


def test_what_goes_wrong_in_a_step_is_raised_by_wait(lab):
    script = lab.network.script(Step("cut", ("nobody",)))
    with pytest.raises(MqttKitError, match="no open connection of 'nobody'"):
        script.wait()


def test_a_script_is_checked_before_it_runs():
    with pytest.raises(InvalidArgument, match="A script cannot do 'explode'"):
        Step("explode")
    for wrong, words in {
        lambda: Step("loose"): "Did you mean 'lose'",
        lambda: Step("cut", on={"type": "PUBLISHED"}): "Did you mean 'PUBLISH'",
        lambda: Step("cut", on={"tpye": "PUBLISH"}): "Did you mean 'type'",
        lambda: Step("lose", ("PUBACK",), {"receiver": "bob"}): "Did you mean 'to'",
        lambda: Step("lose", ("PUBACK", "bob")): "called wrongly",
        lambda: Step("lose", "PUBACK"): "must be a list or tuple",
        lambda: Step("heal", after=-1): "give seconds",
    }.items():
        with pytest.raises(InvalidArgument, match=words):
            wrong()


def test_an_error_in_the_condition_of_a_step_is_raised_by_wait(lab):
    script = lab.network.script(Step("heal", on={"where": lambda packet: 1 // 0}))
    lab.client("bob")
    with pytest.raises(InvalidArgument, match=r"step 1 of the script failed with ZeroDivisionError"):
        script.wait()


def test_record_holds_only_its_block_numbered_from_one(lab):
    alice, bob = lab.client("alice"), lab.client("bob")
    alice.subscribe("t")
    with lab.record() as story:
        bob.publish("t", "1")
    bob.publish("t", "2")
    lab.network.settle()
    assert [(p.number, p.sender, p.text) for p in story.packets()] == [(1, "bob", "1"), (2, "broker", "1")]
    assert len(lab.trace) == 10


def test_terminal_view_shows_loses_and_saves(lab, tmp_path):
    out, stop = io.StringIO(), threading.Event()
    port = free_port()
    path = tmp_path / "seen.jsonl"
    options = {"lose": ["PUBACK"], "save": path, "out": out, "stop": stop}
    thread = threading.Thread(target=run_trace, args=(str(port), lab.broker.url), kwargs=options)
    thread.start()
    wait_for_text(out, "Clients connect to")
    from mqttkit import Client

    with Client(f"mqtt://127.0.0.1:{port}", "device") as device:
        device.publish("home/t", "21.5", qos=1, wait=False)
        wait_for_text(out, "✗── broker  PUBACK")
    stop.set()
    thread.join(5)
    lines = out.getvalue().splitlines()
    assert any('device ──▶ broker  PUBLISH      id 1  QoS 1  home/t  "21.5"' in line for line in lines)
    assert any("device ✗── broker  PUBACK       id 1  lost" in line for line in lines)
    assert lines[-1] == f"Saved as {path}."
    assert Trace.load(path).packets("PUBACK")[0].fault == "lost"


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_text(out, text, timeout=5):
    """Until the text is there; the writer flushes every line."""
    tick, end = threading.Event(), timeout / 0.01
    while text not in out.getvalue():
        tick.wait(0.01)
        end -= 1
        assert end > 0, out.getvalue()


@pytest.mark.parametrize("listen", ["", "x", "1884x", "127.0.0.1:99999"])
def test_terminal_view_refuses_an_address_it_cannot_read(listen):
    with pytest.raises(InvalidArgument, match="is not where to listen"):
        run_trace(listen, "mqtt://127.0.0.1:1")


@pytest.mark.parametrize(
    ("host", "words"), [("192.0.2.1", "no such address"), ("no.such.host.invalid", "no such address")]
)
def test_an_address_of_another_machine_is_told(lab, host, words):
    with pytest.raises(BrokerError, match=words):
        Network(lab.broker, listen_host=host).start()


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"port": "x"}, {"trace": 3}, {"seed": "x"}, {"tls": "nofile"}, {"listen_host": 3}]
)
def test_options_that_make_no_sense_are_refused(lab, wrong):
    with pytest.raises(InvalidArgument, match=f"{next(iter(wrong))}="):
        Network(lab.broker, **wrong)


def test_a_script_is_made_of_steps(lab):
    for wrong in ("lose", 3):
        with pytest.raises(InvalidArgument, match="A script is made of Steps"):
            lab.network.script(wrong)
    assert repr(lab.network.script()) == "<script: 0 of 0 steps taken>"


def terminal(*options, columns=None):
    """`mqttkit trace` as a process."""
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"} if columns is None else os.environ
    command = [sys.executable, "-m", "mqttkit", "trace", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process there")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_terminal_view_ends_cleanly_and_saves_also_where_no_arrows_can_be_written(lab, tmp_path, number):
    """Its output goes into a file with an older Windows character set, as with `mqttkit trace > log.txt`."""
    import signal

    from mqttkit import Client

    port, path = free_port(), tmp_path / "seen.pcapng"
    process = terminal("--listen", str(port), "--broker", lab.broker.url, "--save", str(path))
    assert b"Clients connect to" in process.stdout.readline()
    with Client(f"mqtt://127.0.0.1:{port}", "device") as device:
        device.publish("t", "ж", qos=1)
    process.send_signal(getattr(signal, number))
    out, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (0, b"")
    assert b'--> broker  PUBLISH      id 1  QoS 1  t  "\\u0436"' in out
    assert path.stat().st_size > 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--save", "x.pcap"], b"Did you mean '.pcapng'"),
        (["--save", "no/such/x.pcapng"], b"There is no folder"),
        (["--lose", "PUBAK"], b"Did you mean 'PUBACK'"),
        (["--broker", "http://x"], b"http"),
    ],
)
def test_terminal_view_refuses_at_once_what_would_fail_at_the_end(options, words):
    process = terminal("--listen", "0", *options)
    _, error = process.communicate(timeout=20)
    assert process.returncode == 2
    assert words in error
    assert b"Traceback" not in error


def test_terminal_view_says_that_no_broker_answers():
    out, stop = io.StringIO(), threading.Event()
    stop.set()
    run_trace("0", f"mqtt://127.0.0.1:{free_port()}", out=out, stop=stop)
    assert "No broker answers at 127.0.0.1:" in out.getvalue()


def test_trace_in_a_terminal_names_a_host_that_can_be_none():
    """Two dots in a row ended it with a traceback."""
    out, stop = io.StringIO(), threading.Event()
    stop.set()
    run_trace("0", "mqtt://test..mosquitto.org", out=out, stop=stop)
    assert "test..mosquitto.org can be no name of a host" in out.getvalue()


def test_a_trace_is_saved_though_its_terminal_was_closed(tmp_path):
    """Fails when the last words are said before: nobody is there to hear them, and the packets are lost."""
    stop = threading.Event()

    class Terminal(io.StringIO):
        def write(self, text):
            if "0 packets." in text:
                raise OSError("the terminal is gone")
            return super().write(text)

    stop.set()
    with pytest.raises(OSError, match="gone"):
        run_trace("0", f"mqtt://127.0.0.1:{free_port()}", save=tmp_path / "kept.jsonl", out=Terminal(), stop=stop)
    assert (tmp_path / "kept.jsonl").is_file()


def test_long_lines_are_broken_between_parts(monkeypatch):
    from mqttkit.network.printer import Printer
    from mqttkit.packets import encode
    from mqttkit.trace import Link, Wire

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    trace, out = Trace(), Terminal()
    raw = encode("PUBLISH", topic="home/kitchen/temperature", payload="a  b", qos=1)
    trace.record(Wire(trace._start, Link(1, "a-client-with-a-long-name"), raw, to_broker=True))
    trace.note("bytes", "", link=Link(2), who="client-2", data=bytes.fromhex("1603010005") + b"hello")
    Printer(trace, out).print_new(0)
    lines = out.getvalue().splitlines()
    assert lines == [
        "    0.000  a-clien…name ──▶ broker  \x1b[36mPUBLISH    \x1b[0m  id 1  QoS 1",
        '      home/kitchen/temperature  "a  b"',
        "    0.000      client-2 ──▶ broker  \x1b[2m10 bytes\x1b[0m",
        "      encrypted with TLS",
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    Printer(trace, plain).print_new(0)
    assert "\x1b" not in plain.getvalue()


def test_a_port_in_use_is_named(lab):
    with pytest.raises(BrokerError, match="another program uses this port"):
        Network(lab.broker, port=lab.network.port).start()


@pytest.mark.parametrize("broker", [None, 5, "http://x", "mqtt://"])
def test_what_is_no_broker_is_refused(broker):
    with pytest.raises(InvalidArgument):
        Network(broker)


def test_nothing_is_left_behind(lab):
    process = psutil.Process()
    before = (len(process.net_connections()), set(threading.enumerate()))
    for _ in range(20):
        with Network(lab.broker) as network:
            from mqttkit import Client

            client = Client(network, "guest").connect()
            network.silence()
            client.kill()
    assert not set(threading.enumerate()) - before[1]
    deadline = time.monotonic() + 5  # the broker closes its ends a little later
    while len(process.net_connections()) > before[0] and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert len(process.net_connections()) <= before[0]
    assert repr(network) == "<Network: not running>"
    with pytest.raises(MqttKitError, match="not running"):
        network.lose("PUBLISH")


def test_what_several_clients_answer_is_told_by_lane_whoever_was_faster(new_lab):
    """Callbacks of two clients race; each publishes before it acknowledges, so the story knows what it answers to."""

    def play():
        with new_lab() as lab:
            phone = lab.client("phone")
            for name in ("lights", "heating", "vacuum"):
                device = lab.client(name)
                device.subscribe("phone/position", qos=1)
                device.on_message = lambda message, device=device, name=name: device.publish(
                    f"home/{name}", "on", qos=1
                )
            with lab.record() as story:
                phone.publish("phone/position", "home", qos=1)
                story.wait_for(3, type="PUBLISH", topic="home/+")
            return story.text()

    texts = {play() for _ in range(8)}
    assert len(texts) == 1, "\n\n".join(texts)
    text = texts.pop()
    assert text.index("home/heating") < text.index("home/lights") < text.index("home/vacuum")
