"""`mqttkit broker` in a process of its own, as a person runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

import pytest

from mqttkit import Broker, BrokerError
from mqttkit._signals import stop_on_signals
from mqttkit.broker.options import is_loopback
from mqttkit.broker.terminal import run_broker
from mqttkit.cli import main
from support import need
from support.rawmqtt import Raw


class Terminal:
    def __init__(self, *arguments):
        code = "import sys; from mqttkit.broker.terminal import run_broker; sys.exit(run_broker(**eval(sys.argv[1])))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self):
        return self.process.stdout.readline().rstrip()

    def end(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def terminal():
    opened = []

    def open_terminal(**options):
        opened.append(Terminal(repr({"port": 0, **options})))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.process.kill()
        one.process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["amqtt", "mosquitto"])
def test_shows_addresses_and_connections_and_ends_cleanly(terminal, number, engine):
    if engine == "mosquitto":
        need("mosquitto")
    running = terminal(engine=engine, users=["anna:pw"])
    port = int(re.fullmatch(rf"Broker \({engine}\) at mqtt://127\.0\.0\.1:(\d+)", running.line())[1])
    assert running.line() == "Ctrl-C ends it."
    anna = Raw("127.0.0.1", port)
    assert anna.connect("phone", user="anna", password="pw") == (0, 0)
    assert re.fullmatch(r"\d\d:\d\d:\d\d connect phone .*", running.line())
    code, out, err = running.end(number)
    anna.close()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "stopped"


def test_a_mosquitto_that_dies_ends_the_command(monkeypatch, capsys):
    """Fails when the terminal waits for ever for what a dead broker does."""
    need("mosquitto")
    started = Broker.start

    def start_and_lose(broker):
        started(broker)
        broker._engine._child.process.kill()
        return broker

    def command():
        codes.append(main(["broker", "--engine", "mosquitto", "--port", "0"]))

    monkeypatch.setattr(Broker, "start", start_and_lose)
    codes = []
    running = threading.Thread(target=command, daemon=True)
    running.start()
    running.join(20)
    assert codes == [1]
    assert "mqttkit: The broker has ended by itself" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_signal_that_is_ignored_stays_ignored(name):
    """`nohup mqttkit broker &` goes on when the terminal closes; without nohup, it ends."""
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("this system has no such signal")
    heard = []
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_on_signals(lambda: heard.append("ignored")):
            signal.raise_signal(number)
        signal.signal(number, signal.SIG_DFL)
        with stop_on_signals(lambda: heard.append("heard")):
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert heard == ["heard"]


def test_all_listeners_as_urls(terminal):
    first = terminal(tls_port=0, ws_port=0, wss_port=0).line()
    assert re.fullmatch(r"Broker \(amqtt\) at mqtt://\S+:\d+ mqtts://\S+:\d+ ws://\S+:\d+ wss://\S+:\d+", first)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_not_let_in_without_users(host, capsys):
    """Fails when a broker opens on the network without anybody asking for it."""
    assert run_broker(host=host, port=0) == 2
    said = capsys.readouterr().err
    assert "--user NAME:PASSWORD" in said
    assert "--open" in said


def test_with_users_or_open_they_are(terminal):
    assert "mqtt://127.0.0.1:" in terminal(host="0.0.0.0", users=["anna:pw"]).line()
    assert "mqtt://127.0.0.1:" in terminal(host="0.0.0.0", open_=True).line()


def test_users_of_the_environment_are_let_in_and_in_no_list_of_processes(terminal, monkeypatch):
    monkeypatch.setenv("MQTTKIT_USERS", "anna:pw\nbert:other word")
    running = terminal()
    port = int(running.line().rpartition(":")[2])
    answers = []
    for login in ({"user": "bert", "password": "other word"}, {"user": "anna", "password": "pw"}, {}):
        raw = Raw("127.0.0.1", port)
        answers.append(raw.connect("phone", **login)[1])
        raw.close()
    assert answers == [0, 0, 5]


@pytest.mark.parametrize(("text", "words"), [
    ("# rules\nanna publsh home/#", "rules.txt, line 2: Unknown action 'publsh'"),
    ("anna publish home/#/x", "rules.txt, line 1: The wildcard"),
    ("\nanna", "line 2: An access rule is WHO ACTIONS FILTER"),
    (b"\xff\xfe", "no text in UTF-8"),
])  # fmt: skip
def test_wrong_access_file(tmp_path, text, words):
    """The file and the line are named."""
    path = tmp_path / "rules.txt"
    with pytest.raises(BrokerError, match="cannot be read"):
        run_broker(port=0, access_file=path)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BrokerError, match=words):
        run_broker(port=0, access_file=path)


def test_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "127.5.5.5", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "", "example.org")))
