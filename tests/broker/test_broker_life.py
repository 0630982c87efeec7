"""Start, stop, restart, addresses, other engines, and what is left behind: nothing."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import sys
import threading
import time

import pytest

from mqttkit import Broker, BrokerError, Client, InvalidArgument, Lab
from mqttkit.broker import from_environment
from support import need
from support.rawmqtt import DISCONNECT, publish


def test_starts_on_a_free_port_of_this_machine_only(engine, client):
    with Broker(engine=engine) as broker:
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
        assert broker.urls == {"mqtt": broker.url}
        assert broker.running
        client(broker, "x")
    assert not broker.running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.host, broker.port), 1)


def test_a_start_that_fails_leaves_no_port_taken():
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as taken:
        ports = free.getsockname()[1], taken.getsockname()[1]
        free.close()
        with pytest.raises(BrokerError, match="another program"):
            Broker(port=ports[0], ws_port=ports[1]).start()
        socket.create_server(("127.0.0.1", ports[0])).close()


def test_a_broker_that_its_own_event_is_asked_to_stop_says_so_and_can_be_stopped_afterwards():
    said, heard = [], threading.Event()

    def stop(_event):
        try:
            broker.stop()
        except BrokerError as error:
            said.append(str(error))
        heard.set()

    with Broker() as broker:
        broker.on_event(stop)
        with Client(broker, "alice"):
            assert heard.wait(5)
            assert broker.running
    assert not broker.running
    assert "Stop it in a cell" in said[0]


def test_start_and_close_may_be_called_twice(engine):
    broker = Broker(engine=engine)
    assert broker.start() is broker
    port = broker.port
    assert broker.start().port == port
    broker.close()
    broker.close()


def test_restart_keeps_port_retained_messages_and_persistent_sessions(engine, client, raw):
    with Broker(engine=engine) as broker:
        port = broker.port
        sleeper = client(broker, "sleeper", clean=False)
        sleeper.subscribe(("news", 1))
        publisher = client(broker, "publisher")
        publisher.send(publish("state", b"on", 1, retain=True))
        publisher.fence()
        sleeper.send(DISCONNECT)
        sleeper.closed_within(1)
        publisher.send(publish("news", b"missed", 1))
        publisher.fence()
        broker.restart()
        assert broker.port == port
        assert publisher.closed_within(1)
        sleeper = raw(broker)
        assert sleeper.connect("sleeper", clean=False) == (1, 0)
        assert sleeper.received() == "missed QoS 1"
        sleeper.subscribe(("state", 1))
        assert sleeper.received() == "on QoS 1 RETAIN"


def test_a_new_broker_knows_nothing_of_an_earlier_one(client):
    with Broker() as broker:
        publisher = client(broker, "publisher")
        publisher.send(publish("t", b"m", retain=True))
        publisher.fence()
        assert len(broker.retained()) == 1
    with Broker(port=broker.port) as other:
        assert other.retained() == []


def test_start_and_stop_take_milliseconds(client):
    """Fails when something waits for a time-out: 30 times start and stop with a client that stays."""
    began = time.monotonic()
    for _ in range(30):
        with Broker() as broker:
            client(broker, "x")
    assert (time.monotonic() - began) / 30 < 0.2


def test_nothing_is_left_behind():
    before = set(threading.enumerate())
    for _ in range(10):
        with Broker(websocket=True):
            assert set(threading.enumerate()) - before
    assert not set(threading.enumerate()) - before


def test_wills_are_sent_when_the_broker_stops(client):
    with Broker() as broker:
        client(broker, "dying", will=("state", b"gone", 0, True))
        broker.restart()
        assert [message.payload for message in broker.retained()] == [b"gone"]


def test_nothing_is_printed_or_logged(capfd, caplog):
    """Also not when clients misbehave."""
    caplog.set_level(logging.DEBUG, "amqtt")
    with Broker(websocket=True) as broker:
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\xff", b"\x10\x03abc", b""):
            for port in broker.ports.values():
                with socket.create_connection((broker.host, port), 2) as raw:
                    raw.sendall(data)
                    raw.shutdown(socket.SHUT_WR)
                    raw.recv(100)
    assert capfd.readouterr() == ("", "")


def test_an_address_that_is_not_ours_is_said():
    with pytest.raises(BrokerError, match=r"192\.0\.2\.1.*address of this machine"):
        Broker("192.0.2.1", users={"anna": "x"}).start()
    with pytest.raises(BrokerError, match=r"no\.such\.host\.invalid.*address of this machine"):
        Broker("no.such.host.invalid", users={"anna": "x"}).start()


def test_port_in_use_is_said(engine):
    with Broker() as first, pytest.raises(BrokerError, match=rf"127\.0\.0\.1 port {first.port}.*Port 0 takes any"):
        Broker(port=first.port, engine=engine).start()


@pytest.mark.parametrize(("options", "words"), [
    ({"port": None}, "listener"),
    ({"engine": "hivemq"}, "mosquitto"),
    ({"port": 70000}, "port is a whole number from 0 to 65535, not 70000"),
    ({"port": -1}, "0 takes any free port"),
    ({"port": 1.5}, "whole number"),
    ({"port": True}, "whole number"),
    ({"port": "1883"}, "not '1883'"),
    ({"ws_port": 99999}, "ws_port"),
    ({"tls": ("a.pem", "b.pem")}, "no file a.pem"),
    ({"tls": 3}, "tls is True"),
    ({"host": None}, "host is the address"),
    ({"host": ""}, "host is the address"),
    ({"host": "0.0.0.0"}, "other machines"),
    ({"host": "::"}, "open_=True"),
    ({"users": 3}, "users is a dict"),
    ({"users": "anna:secret"}, "users is a dict"),
    ({"users": {"anna": None}}, "texts that are not empty"),
    ({"users": {"anna": 1}}, "texts that are not empty"),
    ({"users": {"": "x"}}, "texts that are not empty"),
    ({"users": [1]}, "texts that are not empty"),
    ({"users": ["anna"]}, "NAME:PASSWORD"),
    ({"access": 3}, "access is a list of lines"),
    ({"access": {"anna": "home/#"}}, "access is a list of lines"),
    ({"access": "no/such/file"}, "cannot be read"),
])  # fmt: skip
def test_what_makes_no_sense_is_said_in_one_sentence(options, words):
    with pytest.raises(BrokerError, match=re.escape(words)) as caught:
        Broker(**options)
    assert len(str(caught.value)) < 300


def test_an_open_door_is_opened_on_purpose_only(client):
    with Broker("0.0.0.0", open_=True) as broker:
        assert broker.url.startswith("mqtt://127.0.0.1:")
        client(broker, "x")
    with Broker("0.0.0.0", users={"anna": "secret"}) as broker:
        client(broker, "x", user="anna", password="secret")


def test_an_address_before_the_start_is_said():
    with pytest.raises(BrokerError, match=r"start\(\)"):
        _ = Broker().url


def test_questions_that_make_no_sense_are_said():
    with Broker() as broker:
        for wait in (None, -1, True, float("inf")):
            with pytest.raises(InvalidArgument, match="timeout"):
                broker.wait_for_event("connect", timeout=wait)
        for ask in (broker.events, broker.wait_for_event):
            with pytest.raises(InvalidArgument, match="Did you mean 'connect'"):
                ask("conect")
        with pytest.raises(InvalidArgument, match="function of one argument"):
            broker.on_event(3)


def test_the_end_of_the_block_raises_the_error_of_a_callback(client):
    with pytest.raises(ZeroDivisionError), Broker() as broker:  # noqa: PT012 - the end of the block raises
        broker.on_event(lambda event: 1 / 0)
        client(broker, "x")
    assert not broker.running


def test_a_mosquitto_that_was_killed_is_missed(client):
    need("mosquitto")
    with Broker(engine="mosquitto") as broker:
        client(broker, "x")
        broker._engine._child.process.kill()
        broker._engine._child.process.wait(5)
        broker.wait_for_event("disconnect", "x")
        assert not broker.running
        with pytest.raises(BrokerError, match=r"ended by itself.*restart\(\)"):
            broker.clients()
        assert broker.start().clients() == []


def test_missing_mosquitto_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        Broker(engine="mosquitto")


def test_files_of_mosquitto_are_private_and_disappear():
    need("mosquitto")
    broker = Broker(engine="mosquitto", users={"anna": "secret"})
    with broker:
        folder = broker._engine._folder
        for name in ("passwords", "mosquitto.conf"):
            if sys.platform != "win32":
                assert (folder / name).stat().st_mode & 0o077 == 0
            assert "secret" not in (folder / name).read_text()
    del broker
    import gc

    gc.collect()
    assert not folder.exists()


def test_broker_elsewhere_is_used_by_its_url_and_its_password_is_not_shown():
    broker = Broker.at("mqtts://anna:topsecret@example.org")
    assert (broker.host, broker.port) == ("example.org", 8883)
    assert "topsecret" not in repr(broker)
    assert broker.url == "mqtts://anna:topsecret@example.org"
    assert broker.start() is broker
    broker.close()
    for question in (broker.clients, broker.subscriptions, broker.retained, broker.sessions, broker.events):
        with pytest.raises(BrokerError, match="elsewhere"):
            question()
    for wait in (lambda: broker.on_event(print), lambda: broker.wait_for_event("connect")):
        with pytest.raises(BrokerError, match=r"elsewhere.*lab\.trace"):
            wait()


def test_a_broker_elsewhere_is_not_ours_to_restart():
    with pytest.raises(BrokerError, match="cannot be restarted from here"):
        Broker.at("mqtt://example.org").restart()
    assert Broker.at("mqtt://example.org").running


@pytest.mark.parametrize(("url", "shown"), [
    ("mqtt://example.org", "mqtt://example.org:1883"), ("mqtts://u:p@[::1]", "mqtts://[::1]:8883"),
    ("ws://example.org:80/mqtt", "ws://example.org:80"), ("wss://example.org", "wss://example.org:9443"),
])  # fmt: skip
def test_every_scheme_and_how_it_is_shown(url, shown):
    assert repr(Broker.at(url)) == f"<Broker at {shown}>"


@pytest.mark.parametrize(("url", "words"), [
    ("http://example.org", 'begins with "http", not with one of mqtt://, mqtts://, ws://, wss://'),
    ("mqtt://", "names no host"),
    ("mqtt://two words:1883", "has a space in its host"),
    ("mqtt://host:99999", "has a port that is not a number from 1 to 65535"),
    ("mqtt://host:x", "has a port"),
    ("mqtt://anna:topsecret@host:0", '"mqtt://host:0" has a port'),
    ("mqtt://anna:topsecret@[::1", "cannot be read"),
    ("http://anna:topsecret@host", '"http://host" begins with'),
    (3, "is a text, not int"),
    (None, "is a text, not NoneType"),
])  # fmt: skip
def test_urls_that_are_none(url, words, monkeypatch):
    """For Broker.at, Client and MQTTKIT_BROKER, the same sentence; no password in it."""
    with pytest.raises(InvalidArgument, match=re.escape(words)) as caught:
        Broker.at(url)
    assert "mqtts://user:password@host:8883" in str(caught.value)
    assert "topsecret" not in str(caught.value)
    if isinstance(url, str):
        monkeypatch.setenv("MQTTKIT_BROKER", url)
        for make in (Lab, lambda: Client(client_id="x")):
            with pytest.raises(
                InvalidArgument, match="The environment variable MQTTKIT_BROKER names no broker.*" + re.escape(words)
            ):
                make()


@pytest.mark.parametrize("url", ["example.org", "example.org:1883", "[::1]"])
def test_a_url_without_a_scheme_is_mqtt(url):
    assert Broker.at(url).url == f"mqtt://{url}"


def test_broker_of_the_environment(monkeypatch):
    assert from_environment() is None
    monkeypatch.setenv("MQTTKIT_BROKER", "")
    assert from_environment() is None
    with Lab() as lab:
        assert lab.broker.engine == "amqtt"
    monkeypatch.setenv("MQTTKIT_BROKER", "ws://example.org/mqtt")
    assert from_environment().ports == {"ws": 9001}


def test_first_cell_does_not_wait_for_what_it_does_not_need():
    """Fails when `from mqttkit import Broker` imports trustme or paho, or the mosquitto engine imports amqtt."""
    code = (
        "import sys; from mqttkit import Broker; Broker().start().close(); "
        "print([m for m in ('trustme', 'paho', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
    need("mosquitto")
    code = "import sys; from mqttkit import Broker; Broker(engine='mosquitto'); print('amqtt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"


def test_docstrings_are_not_needed():
    """`python -OO` removes them; fails when something reads one at run time."""
    code = "from mqttkit import Broker; Broker().start().close()"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_address_that_is_not_of_this_machine_is_named(engine):
    with pytest.raises(BrokerError, match=r"cannot listen on 192\.0\.2\.1"):  # an address for documentation
        Broker("192.0.2.1", engine=engine, open_=True).start()
