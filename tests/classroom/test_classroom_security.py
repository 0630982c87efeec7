"""What strangers try at the door of a class."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time

import psutil
import pytest

from mqttkit import Broker, Client, chat
from mqttkit.classroom import Classroom
from mqttkit.classroom.web import same_origin
from mqttkit.packets import decode, encode


@pytest.fixture(scope="module")
def classroom():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mqttkit.classroom.front.HEADER_SECONDS", 0.5)
        patch.setattr("mqttkit.classroom.front.CONNECT_SECONDS", 0.5)
        patch.setattr("mqttkit.classroom.link.CONNECT_SECONDS", 0.5)
        patch.setattr("mqttkit.classroom.link.WRONG_PASSWORD_SECONDS", 0.2)
        with Classroom("physics") as running:
            yield running


CLOSE_FRAME = b"\x88"  # first byte of a WebSocket close frame; no other answer in these tests holds it


def request(classroom, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", classroom.port, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def talk(classroom, *pieces, timeout=5):
    """Send bytes as they are; everything that came back until the other side closed."""
    with socket.create_connection(("127.0.0.1", classroom.port), timeout=timeout) as raw:
        received = b""
        try:
            for piece in pieces:
                raw.sendall(piece)
                if piece[:1] == b"\x10" and len(pieces) > 1:
                    received += raw.recv(4)  # CONNACK
            while data := raw.recv(65536):
                received += data
                if CLOSE_FRAME in data:
                    raw.shutdown(socket.SHUT_WR)  # goodbye to you, too: the other side waits seconds for it
        except ConnectionError:
            pass  # closed in the middle of what we sent
        return received


def connect(classroom, client_id="raw1", password=None):
    return encode("CONNECT", client_id=client_id, username="raw", password=password or classroom.password)


def upgrade(classroom, **headers):
    given = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        "Sec-WebSocket-Protocol": "mqtt",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", classroom.port, timeout=5)
    connection.request("GET", "/mqtt", headers=given)
    answer = connection.getresponse()
    connection.close()
    return answer.status


def test_the_page_runs_its_own_script_and_nothing_else(classroom):
    answer, body = request(classroom, "/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert not re.search(rb"""(src|href)=["']?(https?:|//)""", body)
    assert classroom.password.encode() not in body
    assert len(body) < 60_000


def test_the_instructors_page_holds_no_secret_either(classroom):
    _, body = request(classroom, "/instructor")
    assert classroom.instructor_key.encode() not in body
    assert classroom.password.encode() not in body
    assert b"<svg" not in body  # a QR code would hold the password, too


def test_the_invitation_is_for_whoever_has_the_key(classroom):
    for key in ("", "wrong", classroom.password):
        answer, body = request(classroom, "/invitation", **{"X-Instructor-Key": key})
        assert (answer.status, body) == (403, b"")
    answer, body = request(classroom, "/invitation", **{"X-Instructor-Key": classroom.instructor_key})
    given = json.loads(body)
    assert (given["link"], given["password"]) == (classroom.page_url, classroom.password)
    assert given["qr"].startswith("data:image/svg+xml")
    elsewhere = "/invitation?at=https%3A%2F%2Fhub.example%2Fproxy%2F1%2F"
    _, body = request(classroom, elsewhere, **{"X-Instructor-Key": classroom.instructor_key})
    assert json.loads(body)["link"] == "https://hub.example/proxy/1/"


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2f..%2fetc/passwd",
        "/page/join.js",
        "//etc/passwd",
        "/static/",
        "/instructor/..",
        "/%00",
        "/mqtt.js",
    ],
)
def test_there_is_nothing_beside_the_pages(classroom, path):
    answer, body = request(classroom, path)
    assert answer.status in (400, 404)
    assert len(body) < 500


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_pages_can_only_be_read(classroom, method):
    assert request(classroom, "/", method)[0].status in (404, 405)


def test_oversized_headers_and_bodies_are_cut_off(classroom):
    assert b"200 OK" not in talk(classroom, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
    assert b"200 OK" not in talk(
        classroom, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" + b"a" * 5000
    )


@pytest.mark.parametrize(
    "slow",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost:",
        b"\x10",
        b"\x10\x20\x00\x04MQTT",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab",
    ],
)
def test_who_dawdles_is_sent_away(classroom, slow):
    begin = time.monotonic()
    talk(classroom, slow)
    assert time.monotonic() - begin < 4


def test_a_crowd_of_silent_connections_keeps_nobody_out(classroom):
    silent = [socket.create_connection(("127.0.0.1", classroom.port)) for _ in range(100)]
    try:
        assert request(classroom, "/")[0].status == 200
    finally:
        for one in silent:
            one.close()


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://192.168.1.5:8765", "192.168.1.5:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://class.local:8765", "class.local:8765", True),
        ("http://192.168.1.5:8765", "192.168.1.6:8765", False),
        ("http://192.168.1.5:80", "192.168.1.5:8765", False),
        ("https://evil.example", "192.168.1.5:8765", False),
        ("http://evil.example:8765", "evil.example:8765", False),
        ("null", "192.168.1.5:8765", False),
        ("http://[x", "[x", False),
        ("", "", False),
    ],
)
def test_only_our_own_page_may_open_the_socket(origin, host, allowed):
    assert same_origin(origin, host) is allowed


def test_the_origin_is_checked_at_the_real_door(classroom):
    assert upgrade(classroom, Origin="https://evil.example") == 403
    assert upgrade(classroom, Origin=f"http://127.0.0.1:{classroom.port}") == 101
    assert upgrade(classroom) == 101  # no browser: paho, MQTT.js on Node
    with Classroom(origins=("https://hub.example/",)) as other:
        assert upgrade(other, Origin="https://hub.example") == 101


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x30\x03\x00\x01a",
        b"\x10\xff\xff\xff\xff\x01",
        b"\x10\xff\xff\xff\x7f" + b"x" * 70_000,
        b"\x10\x02\x00\x04",
        b"\x10" + b"\x0c\x00\x04MQTT\x04\xc2\x00\x3c\x00\x00",
    ],
)
def test_what_is_no_connect_ends_the_connection(classroom, wrong):
    assert talk(classroom, wrong) in (b"", b"\x20\x02\x00\x01")
    assert request(classroom, "/")[0].status == 200


def test_mqtt_5_is_refused_in_its_own_words(classroom):
    answer = talk(classroom, encode("CONNECT", protocol=5, client_id="five", username="x", password=classroom.password))
    assert decode(answer, 5).return_code == 0x84


@pytest.mark.parametrize(
    "wrong",
    [
        encode("CONNECT", client_id="raw1"),
        b"\x30\xff\xff\xff\xff\x01",
        b"\x32\x02\x00\x01",
        b"\x36\x05\x00\x01a\x00\x01",
        b"\x82\x02\x00\x01",
        b"\x80\x06\x00\x01\x00\x01a\x00",
        b"\xf0\x00",
        encode("PUBLISH", topic="people/raw1/x", payload=b"x" * 80_000),
    ],
)
def test_broken_packets_after_the_door_end_that_connection_only(classroom, wrong):
    with Client(classroom.url, "bystander", username="b", password=classroom.password) as other:
        received = talk(classroom, connect(classroom), wrong)
        assert received[:4] == b"\x20\x02\x00\x00"
        other.publish("people/bystander/x", "still here", qos=1)


def test_a_flood_is_slowed_and_then_cut_off(classroom):
    line = encode(
        "PUBLISH", topic=chat.message_topic("physics", "raw1"), payload=chat.encode_line("Raw", "spam"), qos=0
    )
    with Client(classroom.url, "watcher", username="w", password=classroom.password) as watcher:
        watcher.subscribe("chat/physics/message/+", qos=1)
        talk(classroom, connect(classroom), *[line * 50] * 20)
        watcher.publish("people/watcher/fence", "", qos=1)
        assert 1 <= len(watcher.messages) <= 12


@pytest.mark.parametrize(
    "flood",
    [b"\xc0\x00" * 5000, b"\x40\x02\x00\x01" * 9000, encode("SUBSCRIBE", packet_id=1, filters=[("people/#", 0)]) * 500],
    ids=["PINGREQ", "PUBACK", "SUBSCRIBE"],
)
def test_a_flood_of_small_packets_ends_that_connection_only(classroom, flood):
    with Client(classroom.url, "bystander2", username="b", password=classroom.password) as other:
        client_id = f"flood{len(flood)}"
        assert talk(classroom, connect(classroom, client_id), flood)[:4] == b"\x20\x02\x00\x00"
        other.publish("people/bystander2/x", "still here", qos=1)


def test_a_second_connect_ends_the_connection_and_reaches_no_recording(tmp_path):
    with Classroom("physics", record=tmp_path) as recorded:
        talk(recorded, connect(recorded, "twice"), connect(recorded, "twice"))
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"twice" in kept
    assert recorded.password.encode() not in kept


def test_a_house_full_of_silent_connections_lets_newcomers_in(monkeypatch):
    monkeypatch.setattr("mqttkit.classroom.front.MAX_CONNECTIONS", 20)
    with Classroom("physics") as small:
        silent = [socket.create_connection(("127.0.0.1", small.port)) for _ in range(40)]
        with Client(small.url, "ada", username="a", password=small.password) as ada:
            more = [socket.create_connection(("127.0.0.1", small.port)) for _ in range(40)]
            ada.publish("people/ada/x", "still here", qos=1)
            with Client(small.ws_url, "bob", username="b", password=small.password) as bob:
                bob.publish("people/bob/x", "here, too", qos=1)
        for one in (*silent, *more):
            one.close()


def test_a_broker_that_is_gone_is_said_with_a_return_code():
    with Broker() as broker, Classroom("physics", broker=broker.url) as lost:
        broker.stop()
        assert talk(lost, connect(lost)) == b"\x20\x02\x00\x03"


@pytest.mark.parametrize(
    "frame",
    [b"\x81\x85\0\0\0\0hello", b"\xc2\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x82\x02hi", b"\x82\xff" + b"\xff" * 12, b"\x80\x82\0\0\0\0hi", b"\x89\xfe\x01\x00\0\0\0\0" + b"x" * 256, b"\x89\x80\0\0\0\0" * 100],
    ids=["text", "reserved bit", "unknown opcode", "not masked", "huge", "continues nothing", "long ping", "many pings"],
)  # fmt: skip
def test_bad_websocket_frames_end_that_connection_only(classroom, frame):
    head = (
        f"GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:{classroom.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    answer = talk(classroom, head.encode(), frame)
    assert answer.startswith(b"HTTP/1.1 101")
    assert request(classroom, "/")[0].status == 200


def test_guessing_the_password_takes_time(classroom):
    begin = time.monotonic()
    assert talk(classroom, connect(classroom, password="wrong")) == b"\x20\x02\x00\x05"
    assert time.monotonic() - begin >= 0.2


def test_no_secret_reaches_the_log(classroom, caplog):
    with caplog.at_level(logging.DEBUG):
        talk(classroom, connect(classroom, password="a-wrong-guess"))
        with Client(classroom.url, "logged", username="my-own-secret", password=classroom.password):
            request(classroom, "/?token=my-own-token")
    for secret in (classroom.password, classroom.instructor_key, "a-wrong-guess", "my-own-secret", "my-own-token"):
        assert secret not in caplog.text


def test_no_secret_stands_in_the_list_of_processes():
    environment = {**os.environ, "MQTTKIT_CLASS_PASSWORD": "from-the-environment"}
    command = [sys.executable, "-m", "mqttkit", "classroom", "--room", "physics"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            shown = ""
            while "Ctrl+C" not in shown:
                shown += process.stdout.readline()
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            lines = " ".join(" ".join(one.cmdline()) for one in family)
            key = re.search(r"key that it asks for: +([\w-]+)", shown)[1]
        finally:
            process.terminate()
        assert process.wait(10) in (0, -15, 1)
    assert not re.search(rf"http\S*{key}", shown)  # no address holds it, so no browser history does
    assert "from-the-environment" in shown
    assert "from-the-environment" not in lines
    assert key not in lines
