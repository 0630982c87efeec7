"""Who may do what, decided on decoded packets."""

from __future__ import annotations

import time

import pytest

from mqttkit import Will, chat
from mqttkit.classroom.rules import ACCEPTED, BAD_CLIENT_ID, NOT_ALLOWED, UNAVAILABLE, Bucket, Rules
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
    ada.links = 1
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
    for number in range(3):
        member(rules, f"p{number}").links = 1
    assert rules.login(connect("p3", "s3"))[0] == UNAVAILABLE
    assert rules.login(connect("p0", "secret-p0"))[0] == ACCEPTED
    rules.members["p1"].links = 0  # whoever has gone makes room, unless they were sent away
    rules.members["p2"].links, rules.members["p2"].removed = 0, True
    assert [rules.login(connect(f"p{n}", f"s{n}"))[0] for n in (3, 4)] == [ACCEPTED, ACCEPTED]
    assert sorted(rules.members) == ["p0", "p2", "p4"]
    rules.members["p0"].links, rules.members["p0"].session_kept = 0, True  # what waits for a sleeper is nobody else's
    rules.members["p4"].links = 0
    assert rules.login(connect("p5", "s5"))[0] == ACCEPTED
    assert sorted(rules.members) == ["p0", "p2", "p5"]


def test_a_sleeping_phone_keeps_its_name_for_a_while(rules, monkeypatch):
    ada, bob = member(rules), member(rules, "bob")
    rules.note_presence(ada, "chat/r/presence/ada", chat.encode_presence("Ada", online=True))
    ada.left_at = time.monotonic()
    assert "Call yourself Ada 2" in rules.refusal(bob, line("bob", "Ada"))
    monkeypatch.setattr("mqttkit.classroom.rules.NAME_KEPT_SECONDS", 0)
    assert rules.refusal(bob, line("bob", "Ada")) is None


def test_a_will_is_no_way_round_mute_or_read_only(rules):
    will = Will(chat.message_topic("r", "ada"), chat.encode_line("Ada", "heard"), qos=1)
    assert rules.login(connect(will=will))[0] == NOT_ALLOWED


def test_many_wrong_passwords_close_the_door_for_that_address_only(rules):
    member(rules, "bob")
    wrong = connect("eve", password="guess")
    assert [rules.login(wrong, "192.0.2.66")[0] for _ in range(30)] == [NOT_ALLOWED] * 30
    assert rules.login(connect("eve"), "192.0.2.66")[0] == UNAVAILABLE  # the right one is not even looked at
    assert rules.login(connect("bob", "secret-bob"), "192.0.2.66")[0] == ACCEPTED  # who was in before may come back
    guesses = [rules.login(connect("bob", "secret-bob", "guess"), "192.0.2.66")[0] for _ in range(30)]
    assert guesses.count(UNAVAILABLE) > 5  # nor is knowing somebody's user name a way round it
    assert rules.login(connect("ada"), "192.0.2.7")[0] == ACCEPTED
    assert rules.login(connect("i", "instructor", "key"), "192.0.2.7")[1].instructor


def test_retained_messages_and_filters_of_a_member_are_few(rules):
    ada = member(rules)
    for number in range(20):
        packet = publish(f"people/ada/{number}", b"x", retain=True)
        assert rules.refusal(ada, packet) is None
        rules.note(ada, packet)
    more = publish("people/ada/more", b"x", retain=True)
    assert "20 of your topics" in rules.refusal(ada, more)
    rules.note(ada, publish("people/ada/0", b"", retain=True))
    assert rules.refusal(ada, more) is None
    assert "200 characters" in rules.refusal(ada, publish("people/ada/" + "x" * 300, b"x"))
    ada.filters = {f"people/{n}/x" for n in range(50)}
    assert not rules.may_subscribe(ada, "people/51/x")
    assert rules.may_subscribe(ada, "people/1/x")
    ada.filters = set()
    assert rules.may_subscribe(ada, *(f"people/{n}/x" for n in range(50)))
    assert not rules.may_subscribe(ada, *(f"people/{n}/x" for n in range(51)))  # all in one SUBSCRIBE


def test_what_a_will_would_leave_is_counted_before_it_is_sent(rules):
    ada = rules.login(connect())[1]
    ada.connects = Bucket(100, 1)
    for number in range(20):
        assert rules.login(connect(will=Will(f"people/ada/{number}", "gone", retain=True)))[0] == ACCEPTED
    assert rules.login(connect(will=Will("people/ada/more", "gone", retain=True)))[0] == NOT_ALLOWED
    rules.note(ada, publish("people/ada/19", b"", retain=True))
    rules.note(ada, publish("people/ada/0", b"", retain=True))
    assert len(ada.retained) == 19  # the will of this connection may still be sent
    assert rules.login(connect(will=Will("people/ada/0", "gone")))[1].will_topic == ""
