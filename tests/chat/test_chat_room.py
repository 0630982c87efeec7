"""What a member of a room sees."""

from __future__ import annotations

from mqttkit import chat
from mqttkit.chat.room import RoomView


def fed(*messages, **options):
    room = RoomView("r", "me1", **options)
    for topic, payload in messages:
        room.feed(topic, payload)
    return room


def line(who, text, number=""):
    return chat.message_topic("r", who), chat.encode_line(who.title(), text, number)


def presence(who, online):
    return chat.presence_topic("r", who), chat.encode_presence(who.title(), online)


def test_own_lines_are_told_apart_by_client_id():
    room = fed(line("me1", "hi"), line("ada", "hello"))
    assert [room.is_own(item) for item in room.lines] == [True, False]


def test_a_second_copy_of_a_line_is_dropped_but_a_repeated_line_is_not():
    room = fed(line("ada", "yes", "1"), line("ada", "yes", "1"), line("ada", "yes", "2"), line("bob", "yes", "1"))
    assert [(item.client_id, item.id) for item in room.lines] == [("ada", "1"), ("ada", "2"), ("bob", "1")]
    assert len(fed(line("ada", "yes"), line("ada", "yes")).lines) == 2


def test_people_come_vanish_and_are_removed():
    room = fed(presence("ada", True), presence("bob", True), presence("bob", False))
    assert [person.name for person in room.online()] == ["Ada"]
    assert room.names() == ["Ada"]
    room.feed(chat.presence_topic("r", "bob"), b"")
    assert list(room.people) == ["ada"]
    assert room.feed(*presence("ada", True)) is None


def test_other_rooms_and_unreadable_messages_change_nothing():
    room = fed(
        ("chat/other/message/ada", b'{"name":"Ada","text":"x"}'), ("chat/r/message/ada", b"<script>"), ("home/t", b"")
    )
    assert (list(room.lines), room.refused) == ([], 1)
    assert "chat/r/message/ada" in room.last_refusal


def test_clearing_wipes_the_lines_and_only_the_last_are_kept():
    room = fed(*(line("ada", str(n)) for n in range(7)), keep=3)
    assert [item.text for item in room.lines] == ["4", "5", "6"]
    room.feed(chat.room_topic("r"), chat.encode_room(chat.RoomState("r", read_only=True, cleared=1)))
    assert (list(room.lines), room.state.read_only) == ([], True)


def test_a_crowd_of_invented_people_is_bounded():
    room = RoomView("r")
    for n in range(2100):
        room.feed(chat.presence_topic("r", f"p{n}"), b'{"name": "x", "online": true}')
    assert (len(room.people), room.refused) == (2000, 100)
