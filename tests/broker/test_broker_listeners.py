"""TCP, TLS, WebSocket, secure WebSocket: any set of them, with the paho client."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import paho.mqtt.client as mqtt
import pytest

from mqttkit import Broker
from mqttkit.broker.embedded import listening
from mqttkit.security import LessonCA
from support.rawmqtt import connect

KINDS = ("mqtt", "mqtts", "ws", "wss")


@contextlib.contextmanager
def paho(broker, kind, *, client_id="x", ca=None, certificate=None, protocol=mqtt.MQTTv311, **login):
    """A connected paho client; yields (client, reason code of CONNACK, queue of messages)."""
    transport = "websockets" if kind.startswith("ws") else "tcp"
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, transport=transport, protocol=protocol)
    done, reasons, messages = threading.Event(), [], []
    client.on_connect = lambda c, u, flags, reason, properties: (reasons.append((reason, properties)), done.set())
    client.on_message = lambda c, u, message: (messages.append(message), done.set())
    if ca is not None:
        client.tls_set_context(ssl.create_default_context(cafile=str(ca)))
        if certificate is not None:
            client._ssl_context.load_cert_chain(certificate.certificate, certificate.key)
    if login:
        client.username_pw_set(**login)
    client.connect(broker.host, broker.ports[kind])
    client.loop_start()
    try:
        assert done.wait(5), "no CONNACK"
        done.clear()
        yield client, reasons[0], (messages, done)
    finally:
        client.disconnect()
        client.loop_stop()


def greet_over_tls(broker, ca):
    """CONNECT over TLS without paho, which leaves its socket open after a failed handshake; the answer."""
    context = ssl.create_default_context(cafile=str(ca.file))
    plain = socket.create_connection((broker.host, broker.ports["mqtts"]), 5)
    with plain, context.wrap_socket(plain, server_hostname=broker.host) as secure:
        secure.sendall(connect("x"))
        return secure.recv(10)


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return LessonCA(folder=tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def broker(ca):
    with Broker(tls=ca, websocket=True) as running:
        yield running


def test_tls_and_websocket_open_all_four(broker):
    assert tuple(broker.urls) == KINDS
    assert all(url.startswith(f"{kind}://127.0.0.1:") for kind, url in broker.urls.items())


@pytest.mark.parametrize("kind", KINDS)
def test_messages_of_all_sizes_go_through(broker, ca, kind):
    with paho(broker, kind, ca=ca.file if kind in ("mqtts", "wss") else None) as (client, _, (messages, done)):
        client.subscribe("t/#", 1)
        for size in (0, 1, 200, 70_000, 1_000_000):
            done.clear()
            client.publish(f"t/{size}", bytes(size), 1)
            assert done.wait(10)
            assert len(messages[-1].payload) == size
    assert {c.listener for c in broker.clients()} <= set(KINDS)


@pytest.mark.parametrize(("options", "kinds"), [
    ({}, ["mqtt"]),
    ({"websocket": True}, ["mqtt", "ws"]),
    ({"port": None, "websocket": True}, ["ws"]),
    ({"tls": True}, ["mqtt", "mqtts"]),
    ({"port": None, "tls": True, "wss_port": 0}, ["wss"]),
    ({"tls_port": 0}, ["mqtt", "mqtts"]),
])  # fmt: skip
def test_any_set_of_listeners(options, kinds):
    with Broker(**options) as broker:
        assert list(broker.urls) == kinds


@pytest.mark.parametrize(("make", "words"), [
    (lambda ca: ca.expired(), "expired"),
    (lambda ca: ca.wrong_host(), "mismatch|not valid"),
    (lambda ca: LessonCA("some other CA").server(), "unable to get local issuer|self-signed"),
])  # fmt: skip
def test_bad_certificates_are_refused_by_the_client(ca, make, words):
    with Broker(tls=make(ca)) as broker, pytest.raises(ssl.SSLCertVerificationError, match=words):
        greet_over_tls(broker, ca)


def test_client_certificate_can_be_demanded(ca):
    with Broker(tls=ca.server(require_client_certificate=True)) as broker:
        with paho(broker, "mqtts", ca=ca.file, certificate=ca.client("anna")) as (_, (reason, _), _):
            assert reason == 0
        try:
            answer = greet_over_tls(broker, ca)
        except OSError:  # with TLS 1.3 the client learns it late, as an alert or as a closed connection
            answer = b""
        assert answer == b""


def test_mqtt_5_client_is_told_what_to_use(broker):
    with paho(broker, "mqtt", protocol=mqtt.MQTTv5) as (_, (reason, properties), _):
        assert reason == "Unsupported protocol version"
        assert 'engine="mosquitto"' in properties.ReasonString


def test_websocket_clients_are_gone_after_a_quick_stop():
    with Broker(websocket=True) as broker, paho(broker, "ws"):
        assert [client.listener for client in broker.clients()] == ["ws"]
        broker.stop()
        broker.start()


def upgrade(broker, path="/mqtt", protocol="mqtt"):
    """A WebSocket handshake by hand; (socket, first line of the answer)."""
    link = socket.create_connection((broker.host, broker.ports["ws"]), 5)
    wanted = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    link.sendall(f"{head}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n{wanted}\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += link.recv(4096)
    return link, answer.decode()


def frame(opcode, data):
    """A masked WebSocket frame with a mask of zeros."""
    return bytes([0x80 | opcode, 0x80 | len(data), 0, 0, 0, 0]) + data


def test_websocket_sub_protocol_is_mqtt(broker):
    """[MQTT-6.0.0-3], [MQTT-6.0.0-4]; any path will do."""
    link, answer = upgrade(broker, "/anything")
    assert answer.startswith("HTTP/1.1 101")
    assert "Sec-WebSocket-Protocol: mqtt\r\n" in answer
    link.close()


def test_packets_may_be_cut_anywhere_into_websocket_messages(broker):
    """[MQTT-6.0.0-2]: a packet a byte, then two packets in one message."""
    link, _ = upgrade(broker)
    hello = connect("ws-pieces")
    link.sendall(b"".join(frame(2, hello[n : n + 1]) for n in range(len(hello) - 1)))
    link.sendall(frame(2, b""))
    link.sendall(frame(2, hello[-1:] + b"\xc0\x00"))
    answer = b""
    while b"\xd0\x00" not in answer:
        data = link.recv(100)
        assert data
        answer += data
    assert b"\x20\x02\x00\x00" in answer
    link.close()


@pytest.mark.parametrize("opcode", [1, 2])
def test_an_empty_websocket_message_is_no_end_and_no_trap(broker, opcode):
    """Fails when the broker waits for more in a connection that is gone, and serves nobody else meanwhile."""
    link, _ = upgrade(broker)
    link.sendall(frame(opcode, b""))
    link.close()
    link, _ = upgrade(broker)
    link.sendall(frame(2, connect("next")))
    assert link.recv(100).endswith(b"\x20\x02\x00\x00")
    link.close()


def test_text_in_a_websocket_closes_it_and_says_so(broker):
    """[MQTT-6.0.0-1]"""
    link, _ = upgrade(broker)
    link.sendall(frame(2, connect("texting")) + frame(1, b"hello"))
    answer = b""
    while b"\x88" not in answer:  # close frame
        answer += link.recv(100)
        assert answer
    link.close()
    assert "MQTT-6.0.0-1" in broker.wait_for_event("disconnect", "texting")[0].text


def test_a_giant_websocket_message_is_refused_before_it_comes(broker):
    """A frame that announces more than the largest packet; without the limit its bytes would be awaited."""
    link, _ = upgrade(broker)
    size = listening._LARGEST_MESSAGE + 1
    link.sendall(bytes([0x82, 0xFF]) + size.to_bytes(8, "big") + bytes(4))
    assert link.recv(100)[:1] == b"\x88"
    link.close()


@pytest.mark.parametrize("kind", ["mqtts", "wss"])
def test_a_tls_handshake_that_is_not_finished_is_closed(monkeypatch, kind):
    """Fails when a peer that never greets keeps its socket."""
    monkeypatch.setattr(listening, "_HANDSHAKE", 0.2)
    with Broker(tls=True, websocket=True) as broker:
        with socket.create_connection((broker.host, broker.ports[kind]), 5) as link:
            link.sendall(b"\x16\x03\x01")  # the beginning of a TLS record
            link.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(100) == b""
        assert broker.events("error") == []


def test_a_browser_that_just_looks_gets_an_answer(broker):
    with socket.create_connection((broker.host, broker.ports["ws"]), 5) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert link.recv(1000).startswith(b"HTTP/1.1 426")
