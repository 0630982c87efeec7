"""The page's own MQTT client, run in Node against brokers of different makes."""

from __future__ import annotations

import json
from pathlib import Path

from mqttkit import Broker, chat
from mqttkit.classroom import Classroom
from support.node import aedes, run_node

ROOM_SCRIPT = Path(__file__).parent / "node" / "room.mjs"
SCRIPT = Path(__file__).parent / "node" / "mqtt_client.test.mjs"


def test_the_client_of_the_page_against_aedes():
    with aedes() as ports:
        done = run_node(SCRIPT, BROKER_URL=f"ws://127.0.0.1:{ports['ws_port']}/mqtt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 12


def test_the_client_of_the_page_against_the_embedded_engine():
    with Broker(websocket=True) as broker:
        done = run_node(SCRIPT, BROKER_URL=broker.urls["ws"] + "/mqtt")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_client_of_the_page_through_the_classroom():
    """Everybody may use people/{client id}/ there, and each check of the script publishes under its own client id."""
    with Classroom("physics") as classroom:
        done = run_node(
            SCRIPT, BROKER_URL=classroom.ws_url, BROKER_PASSWORD=classroom.password, TOPIC_PREFIX="people/run"
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_and_the_page_read_the_room_protocol_alike():
    """Whatever arrives, both say the same about it."""
    payloads = [
        chat.encode_line("Ada", "Grüße 👋 <b>"), chat.encode_line("A\u202eda", "x\ty\nz", "7"), chat.encode_presence("Ada", online=True),
        chat.encode_presence("x" * 99, online=False), chat.encode_room(chat.RoomState("r", read_only=True, cleared=2, recorded=True)),
        chat.encode_notice("slow"), b"", b"{}", b"[]", b"null", b"hello", b"\xff", b"[" * 8000, b" " * 9000,
        b'{"name": "Ada", "text": "x", "id": 5}', b'{"name": "", "text": "x"}', b'{"name": " \\u200b ", "text": "\\ud800x"}',
        b'{"name": 1, "text": "x"}', b'{"name": "Ada", "online": "yes"}', b'{"name": "Ada", "text": "  "}',
        chat.encode_line("Z" + "\u0300\u0489" * 30, "a\u0301\u0302\u0303\u0304\u0305\u0306b\u200d\u0301"), b'{"name": "\\u3164\\u2800", "text": "\\u3164"}',
        json.dumps({"name": "\u034fI\u1160nstructor", "text": "o" + "\u0301" * 2000}).encode(),
        b'{"read_only": 1, "ended": false}', b'{"read_only": false, "ended": false, "cleared": 1.5}', b'{"name": "e\\u0301", "text": "e\\u0301"}',
    ]  # fmt: skip
    topics = [
        "chat/r/message/ada",
        "chat/r/presence/ada",
        "chat/r/notice/ada",
        "chat/r/room",
        "chat/s/message/ada",
        "chat/r/message/a/b",
    ]
    cases = [(topic, payload) for topic in topics for payload in payloads]
    names = ["Ada", " ada ", "x" * 60, "", "Ada 2", "ADA"]
    question = json.dumps(
        {"cases": [(topic, payload.hex()) for topic, payload in cases], "names": names, "taken": ["Ada", "ada 2"]}
    )
    done = run_node(ROOM_SCRIPT, question)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["items"] == [_read(topic, payload) for topic, payload in cases]
    assert answer["names"] == [chat.unique_name(name, ["Ada", "ada 2"]) for name in names]


def _read(topic, payload):
    """What Python makes of a message for the room "r", in the words of the page."""
    try:
        item = chat.decode(topic, payload)
    except chat.ChatError:
        return None
    if item.room != "r":
        return None
    fields = {
        name: getattr(item, name)
        for name in ("name", "text", "id", "online", "gone", "read_only", "ended", "cleared", "recorded")
        if hasattr(item, name)
    }
    return {"who": getattr(item, "client_id", ""), **fields}
