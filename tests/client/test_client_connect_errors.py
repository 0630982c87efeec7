"""Every way a connection can fail: one sentence, what to try, nothing left running."""

from __future__ import annotations

import ssl
import threading
import time

import psutil
import pytest

from mqttkit import Client, ConnectError, InvalidArgument, MqttKitError, SubscribeRefused
from mqttkit.client.address import parse_url
from mqttkit.security import LessonCA


@pytest.fixture(autouse=True)
def nothing_left():
    """No thread and no socket of a failed connection stays."""
    threads, sockets = set(threading.enumerate()), _sockets()
    yield
    end = time.monotonic() + 5
    while time.monotonic() < end and (_paho_threads() - threads or _sockets() > sockets + 2):
        threading.Event().wait(0.01)
    assert not _paho_threads() - threads
    assert _sockets() <= sockets + 2  # a server of this test may still close its end


def _paho_threads():
    return {thread for thread in threading.enumerate() if "paho" in thread.name}


def _sockets():
    return len(psutil.Process().net_connections())


def refusal(url, *, seconds=2, **options) -> str:
    """The sentence that connecting ends with; within a few seconds."""
    client = Client(url, "learner", **options)
    begin = time.monotonic()
    with pytest.raises(ConnectError) as error:
        client.connect(timeout=seconds)
    assert time.monotonic() - begin < seconds + 4
    assert not client.connected
    assert "\n" not in str(error.value)
    assert repr(client) == 'Client "learner", disconnected, 0 subscriptions'
    client.close()
    refusal.error = error.value
    return str(error.value)


@pytest.mark.parametrize("host", ["broker.invalid", "test..mosquitto.org"])
@pytest.mark.parametrize("scheme", ["mqtt", "ws"])
def test_no_such_host(scheme, host):
    """A name that nobody knows, or that can be none."""
    assert f'There is no host "{host}"' in refusal(f"{scheme}://{host}")


def test_refused_connection():
    """Nobody listens there."""
    assert "Nothing listens on 127.0.0.1 port 1" in refusal("mqtt://127.0.0.1:1")


def test_web_server(answering):
    """The wrong port: a web server answers."""
    port = answering(lambda s: (s.recv(100), s.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")))
    assert "is a web server, not an MQTT broker" in refusal(f"mqtt://127.0.0.1:{port}")


def test_something_else(answering):
    """A server with a greeting of its own, such as SSH."""
    port = answering(lambda s: (s.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), s.recv(100), s.recv(100)))
    assert "is not an MQTT broker" in refusal(f"mqtt://127.0.0.1:{port}", seconds=0.5)


def test_something_that_hangs_up(answering):
    """Accepts, and closes."""
    port = answering(lambda s: s.recv(100))
    assert "closed the connection without answering CONNECT" in refusal(f"mqtt://127.0.0.1:{port}")


def test_something_silent(answering):
    """Accepts, and says nothing: the wait has an end."""
    port = answering(lambda s: s.recv(100) and s.recv(100))
    assert "did not answer CONNECT within 0.3 s" in refusal(f"mqtt://127.0.0.1:{port}", seconds=0.3)


def test_plain_client_on_tls_port(tls_broker):
    """No exception at all in raw paho."""
    assert "This port expects TLS" in refusal(f"mqtt://127.0.0.1:{tls_broker.ports['good']}")


def test_tls_client_on_plain_port(tls_broker):
    """paho alone reports a handshake time-out."""
    text = refusal(f"mqtts://127.0.0.1:{tls_broker.ports['mqtt']}", tls=tls_broker.ca)
    assert "does not speak TLS on this port" in text
    assert "mqtt://" in text


@pytest.mark.parametrize("kind", ["good", "expired", "wrong_host"])
def test_tls(tls_broker, kind):
    """The right certificate connects; an expired or another host's is named as such."""
    url = f"mqtts://127.0.0.1:{tls_broker.ports[kind]}"
    if kind == "good":
        for tls in (
            tls_broker.ca,
            tls_broker.ca.file,
            str(tls_broker.ca.file),
            ssl.create_default_context(cafile=tls_broker.ca.file),
        ):
            with Client(url, "learner", tls=tls) as client:
                client.subscribe("a", 1)
                client.publish("a", "x", 1)
                assert client.wait_for()[0].text == "x"
        return
    text = refusal(url, tls=tls_broker.ca)
    assert "certificate was refused" in text
    assert {"expired": "has expired", "wrong_host": "mismatch"}[kind] in text
    assert {"expired": "clock", "wrong_host": '"127.0.0.1"'}[kind] in text


def test_wrong_authority(tls_broker, tmp_path):
    """The usual one with a broker of one's own."""
    url = f"mqtts://127.0.0.1:{tls_broker.ports['good']}"
    for tls in (True, LessonCA("another", folder=tmp_path)):
        text = refusal(url, tls=tls)
        assert "authority this client does not trust" in text
        assert "tls=" in text


def test_client_certificate(tls_broker):
    """A broker that wants one: with it, and without."""
    url = f"mqtts://127.0.0.1:{tls_broker.ports['both']}"
    with Client(url, "learner", tls=tls_broker.ca.client("learner")) as client:
        assert client.connected
    assert "client certificate" in refusal(url, tls=tls_broker.ca)


def test_kill_works_over_tls(tls_broker):
    """The TLS socket is closed without DISCONNECT, too."""
    with Client(f"mqtts://127.0.0.1:{tls_broker.ports['good']}", "learner", tls=tls_broker.ca) as client:
        thread = client.paho.network_thread
        client.kill()
        assert not thread.is_alive()


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("login", [{}, {"username": "bob", "password": "wrong"}, {"username": "eve", "password": "x"}])
def test_wrong_login(strict_broker, login, protocol):
    """Says whether one was given, and carries the code of the protocol; MQTT 5 the embedded engine refuses anyway."""
    text = refusal(strict_broker.url, protocol=protocol, **login)
    if (strict_broker.engine, protocol) == ("amqtt", 5):
        assert "protocol=4" in text
        return
    assert ("wants a user name" if not login else f'user "{login["username"]}"') in text
    assert refusal.error.reason_code == {4: 5, 5: 135}[protocol]
    assert "wrong" not in text


def test_right_login_in_argument_or_url(strict_broker):
    """User and password may be part of the URL; the password is never shown."""
    port = strict_broker.ports["mqtt"]
    for client in (
        Client(strict_broker.url, "a", username="bob", password="secret"),
        Client(f"mqtt://bob:secret@127.0.0.1:{port}", "a"),
    ):
        with client:
            assert client.connected
            assert "secret" not in repr(client) + client._repr_html_() + repr(client.address) + str(client.address)


def test_refused_subscription(tmp_path):
    """SUBACK 0x80: raised, with the filter; what was granted stays (on the embedded broker: it refuses at SUBSCRIBE)."""
    from mqttkit import Broker

    with (
        Broker(
            users={"bob": "secret"}, access={"bob": {"subscribe": ["bob/#"], "receive": ["#"], "publish": ["#"]}}
        ) as broker,
        Client(broker, "bob", username="bob", password="secret") as bob,
    ):
        with pytest.raises(SubscribeRefused, match=r'"alice/#" \(SUBACK 0x80\)'):
            bob.subscribe([("bob/#", 1), ("alice/#", 1)])
        assert bob.subscriptions == {"bob/#": 1}
        bob.on_message = lambda message: bob.subscribe("eve/#")
        bob.publish("bob/x", "", 1, wait=False)
        with pytest.raises(SubscribeRefused, match="eve"):
            bob.wait_for(2)
        assert bob.connected


def test_mqtt5_on_a_broker_without_it():
    """The embedded broker speaks MQTT 3.1.1 only."""
    from mqttkit import Broker

    with Broker() as broker:
        text = refusal(broker, protocol=5)
        assert "protocol=4" in text


def test_websocket(tmp_path):
    """ws:// works; a plain client on a WebSocket port and the other way round are told apart."""
    from mqttkit import Broker

    with Broker(websocket=True) as broker:
        for client in (Client(broker.urls["ws"], "a"), Client(broker, "a", transport="websockets")):
            with client:
                client.subscribe("a", 1)
                client.publish("a", "x", 1)
                assert client.wait_for()[0].text == "x"
                assert client.address.scheme == "ws"
                client.kill()
        assert "WebSocket only" in refusal(f"mqtt://127.0.0.1:{broker.ports['ws']}")
        assert "plain TCP, not over WebSocket" in refusal(f"ws://127.0.0.1:{broker.ports['mqtt']}")


def test_broker_object_gives_the_listener_that_fits():
    """tls= and transport= choose among the broker's listeners."""
    from mqttkit import Broker

    with Broker(tls=True, websocket=True) as broker:
        for options, scheme in (
            ({}, "mqtt"),
            ({"tls": broker.ca}, "mqtts"),
            ({"transport": "websockets"}, "ws"),
            ({"tls": broker.ca, "transport": "websockets"}, "wss"),
        ):
            with Client(broker, "a", **options) as client:
                assert client.address.scheme == scheme
                client.publish("a", "x", 1)
                client.kill()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://localhost", 'begins with "http"'),
        ("mqtt://", "names no host"),
        ("mqtt://localhost:0", "1 to 65535"),
        ("mqtt://localhost:70000", "1 to 65535"),
        ("mqtt://localhost:x", "1 to 65535"),
        ("mqtt://[::1", "cannot be read"),
    ],
)
def test_bad_urls(url, words):
    """One sentence each."""
    with pytest.raises(InvalidArgument, match=words):
        Client(url, "a")


def test_no_url_at_all():
    """Something that is no broker."""
    with pytest.raises(InvalidArgument, match="not int"):
        Client(1883, "a")


def test_parsed_url():
    """Every part of it."""
    address = parse_url("wss://b%40b:s%2Fcret@example.org/path?x=1")
    assert (address.host, address.port, address.path) == ("example.org", 9443, "/path?x=1")
    assert (address.username, address.password) == ("b@b", "s/cret")
    assert (address.tls, address.websocket) == (True, True)
    assert str(parse_url("[::1]:1884")) == "mqtt://[::1]:1884"
    assert parse_url("localhost").port == 1883
    assert parse_url("mqtts://localhost").port == 8883
    assert parse_url("ws://localhost").tls is False


@pytest.mark.parametrize(
    "url", ["anna:secret@host:99999", "//anna:secret@host:x", "http://anna:se@cret@host", "mqtt://anna:secret@"]
)
def test_what_is_said_of_a_wrong_url_has_no_login(url):
    with pytest.raises(InvalidArgument) as told:
        parse_url(url)
    assert "cret" not in str(told.value)
    assert "anna" not in str(told.value)


def test_interrupted_connect_leaves_nothing(answering, ctrl_c):
    """Ctrl-C while it waits for CONNACK: no thread, and it can be tried again."""
    port = answering(lambda s: s.recv(100) and s.recv(100))
    client = Client(f"mqtt://127.0.0.1:{port}", "a")
    timer = ctrl_c(0.2)
    with pytest.raises(KeyboardInterrupt):
        client.connect(timeout=5)
    timer.join()
    assert not client.connected
    assert not client.paho.network_thread.is_alive()
    with pytest.raises(MqttKitError):
        client.connect(timeout=0.2)


def test_interrupted_waits_leave_the_client_usable(broker, topic, ctrl_c):
    """Ctrl-C in wait_for and publish; the next call works."""
    alice = broker.client()
    alice.subscribe(topic, 1)
    for call in (lambda: alice.wait_for(timeout=5), lambda: alice.publish(f"{topic}/x", "x", 1, timeout=5)):
        go = threading.Event()
        if "publish" in call.__code__.co_names:
            alice.paho.on_publish = lambda *_, go=go: go.wait(5)
        timer = ctrl_c(0.2)
        with pytest.raises(KeyboardInterrupt):
            call()
        timer.join()
        go.set()
        alice.paho.on_publish = None
    alice.publish(topic, "fine", 1)
    assert alice.wait_for()[0].text == "fine"
