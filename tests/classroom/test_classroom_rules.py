"""Who may do what, decided on decoded packets."""

from __future__ import annotations

import pytest

from mqttkit import Will, chat
from mqttkit.classroom.rules import ACCEPTED, BAD_CLIENT_ID, NOT_ALLOWED, Bucket, Rules
from mqttkit.packets import decode, encode


def connect(client_id="ada", username="secret-a", password="pass", **more):
    return decode(encode("CONNECT", client_id=client_id, username=username, password=password, **more))


def publish(topic, payload, **more):
    return decode(encode("PUBLISH", topic=topic, payload=payload, qos=1, packet_id=1, **more))


def line(who="ada", name="Ada", text="hello"):
    return publish(chat.message_topic("r", who), chat.encode_line(name, text))


@pytest.fixture
def rules():
    return Rules("r", "pass", "key")


def member(rules, client_id="ada", username=None):
    code, who = rules.login(connect(client_id, username or f"secret-{client_id}"))
    assert code == ACCEPTED
    return who


def test_the_password_opens_the_door(rules):
    assert rules.login(connect())[0] == ACCEPTED
    assert rules.login(connect(password="Pass"))[0] == NOT_ALLOWED
    assert rules.login(decode(encode("CONNECT", client_id="ada")))[0] == NOT_ALLOWED
    assert Rules("r", "", "key").login(decode(encode("CONNECT", client_id="ada")))[0] == ACCEPTED


def test_a_client_id_stays_with_who_used_it_first(rules):
    member(rules, "ada", "mine")
    assert rules.login(connect("ada", "not mine"))[0] == NOT_ALLOWED
    assert rules.login(connect("ada", "mine"))[0] == ACCEPTED
    assert b"mine" not in rules.members["ada"].key


@pytest.mark.parametrize("client_id", ["", "a/b", "a+", "#", "ada room", "x" * 65])
def test_a_client_id_must_be_one_topic_level(rules, client_id):
    assert rules.login(connect(client_id, clean_session=True))[0] == BAD_CLIENT_ID


def test_only_the_key_makes_an_instructor(rules):
    assert rules.login(connect("i", "instructor", "key"))[1].instructor
    assert rules.login(connect("i2", "instructor", "pass"))[0] == NOT_ALLOWED
    assert not rules.login(connect("ada", "someone"))[1].instructor


def test_a_will_must_be_ones_own(rules):
    assert rules.login(connect(will=chat.presence_will("r", "ada", "Ada")))[0] == ACCEPTED
    assert rules.login(connect(will=chat.presence_will("r", "bob", "Bob")))[0] == NOT_ALLOWED
    assert rules.login(connect(will=Will("home/door", "open")))[0] == NOT_ALLOWED


@pytest.mark.parametrize(
    "topic",
    [
        "chat/r/message/bob",
        "chat/r/presence/bob",
        "chat/other/message/ada",
        "chat/r/room",
        "chat/r/notice/ada",
        "people/bob/x",
        "people/ada",
        "class/command",
        "$SYS/x",
        "chat/r/message/ada/x",
    ],
)
def test_nobody_publishes_as_somebody_else(rules, topic):
    payload = chat.encode_line("Ada", "hello")
    assert "ada" in rules.refusal(member(rules), publish(topic, payload))


def test_ones_own_line_presence_and_topics_pass(rules):
    ada = member(rules)
    assert rules.refusal(ada, line()) is None
    assert (
        rules.refusal(ada, publish("chat/r/presence/ada", chat.encode_presence("Ada", online=True), retain=True))
        is None
    )
    assert rules.refusal(ada, publish("people/ada/lamp", b"on", retain=True)) is None


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (publish("chat/r/message/ada", b"hello"), "JSON"),
        (publish("chat/r/message/ada", b"x" * 9000), "9000 bytes"),
        (publish("chat/r/message/ada", chat.encode_line("Ada", "hi"), retain=True), "retained"),
        (publish("people/ada/x", b"x" * 9000), "8192"),
        (line(name="Instructor"), "Instructor 2"),
    ],
)
def test_what_would_spoil_the_room_is_refused_with_a_reason(rules, packet, why):
    assert why in rules.refusal(member(rules), packet)


def test_a_name_in_use_is_not_taken_by_another(rules):
    ada, bob = member(rules), member(rules, "bob")
    rules.note_presence(ada, "chat/r/presence/ada", chat.encode_presence("Ada", online=True))
    assert "Call yourself ada 2" in rules.refusal(bob, line("bob", "ada"))
    assert rules.refusal(ada, line()) is None
    rules.note_presence(ada, "chat/r/presence/ada", chat.encode_presence("Ada", online=False))
    assert rules.refusal(bob, line("bob", "Ada")) is None


def test_mute_read_only_and_end(rules):
    ada = member(rules)
    ada.muted = True
    assert "muted" in rules.refusal(ada, line())
    ada.muted = False
    rules.state = chat.RoomState("r", read_only=True)
    assert "Only the instructor" in rules.refusal(ada, line())
    rules.state = chat.RoomState("r", ended=True)
    assert "ended" in rules.refusal(ada, line())
    assert rules.login(connect("new", "n"))[0] == NOT_ALLOWED
    _, boss = rules.login(connect("i", "instructor", "key"))
    assert rules.refusal(boss, publish("chat/r/message/i", chat.encode_line("Instructor", "bye"))) is None


def test_a_flood_is_stopped_and_ends_by_waiting(rules):
    now = [0.0]
    ada = member(rules)
    ada.lines = Bucket(3, 1, lambda: now[0])
    answers = [rules.refusal(ada, line()) for _ in range(5)]
    assert answers[:3] == [None] * 3
    assert all("too fast" in why for why in answers[3:])
    now[0] = 1.0
    assert rules.refusal(ada, line()) is None


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        ("chat/r/message/+", True),
        ("chat/r/presence/+", True),
        ("chat/r/room", True),
        ("chat/r/notice/ada", True),
        ("people/#", True),
        ("people/+/lamp", True),
        ("#", False),
        ("+/#", False),
        ("chat/#", False),
        ("chat/+/message/+", False),
        ("chat/r/#", False),
        ("chat/r/+/ada", False),
        ("chat/r/notice/bob", False),
        ("chat/r/notice/+", False),
        ("class/#", False),
        ("$SYS/#", False),
        ("$share/g/chat/r/notice/+", False),
        ("people", False),
    ],
)
def test_what_members_may_subscribe_to(rules, wanted, allowed):
    assert rules.may_subscribe(member(rules), wanted) is allowed


def test_the_number_of_members_is_bounded(rules, monkeypatch):
    monkeypatch.setattr("mqttkit.classroom.rules.MAX_MEMBERS", 3)
    codes = [rules.login(connect(f"p{n}", f"s{n}"))[0] for n in range(5)]
    assert codes == [ACCEPTED] * 3 + [NOT_ALLOWED] * 2
    assert rules.login(connect("p0", "s0"))[0] == ACCEPTED
