"""The room protocol: what is written can be read, what strangers write can do no harm."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqttkit import chat


def test_a_line_survives_the_way_over_the_wire():
    line = chat.decode(chat.message_topic("physics", "ada1"), chat.encode_line("Ada", "Grüße 👋\nzweite Zeile", "7"))
    assert line == chat.ChatLine("physics", "ada1", "Ada", "Grüße 👋\nzweite Zeile", "7")


def test_presence_and_its_will_have_the_same_topic_and_form():
    will = chat.presence_will("physics", "ada1", "Ada")
    assert (will.topic, will.qos, will.retain) == (chat.presence_topic("physics", "ada1"), 1, True)
    assert chat.decode(will.topic, will.payload) == chat.Presence("physics", "ada1", "Ada", online=False)
    assert chat.decode(will.topic, chat.encode_presence("Ada", online=True)).online is True


def test_an_empty_presence_removes_the_person():
    assert chat.decode("chat/physics/presence/ada1", b"") == chat.Presence(
        "physics", "ada1", "", online=False, gone=True
    )


def test_the_state_of_the_room_can_be_read_back():
    state = chat.RoomState("physics", read_only=True, cleared=3)
    assert chat.decode(chat.room_topic("physics"), chat.encode_room(state)) == state


def test_a_notice_reaches_one_person():
    topic = chat.notice_topic("physics", "ada1")
    assert chat.decode(topic, chat.encode_notice("Slower")) == chat.Notice("physics", "ada1", "Slower")
    assert topic in chat.room_filters("physics", "ada1")


@pytest.mark.parametrize("room", ["", "a/b", "a+b", "#", "a b", "x" * 33, "a\n", "../etc"])
def test_a_room_is_one_harmless_topic_level(room):
    with pytest.raises(chat.ChatError, match="cannot be a room"):
        chat.message_topic(room, "ada")


@pytest.mark.parametrize(
    "topic", ["chat/r/message", "chat/r/message/a/b", "chat//message/a", "chat/r/other/a", "x/r/message/a"]
)
def test_other_topics_are_not_of_the_protocol(topic):
    assert chat.parse_topic(topic) is None
    with pytest.raises(chat.ChatError):
        chat.decode(topic, b"{}")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"name": "Ada"}',
        b'{"name": 1, "text": "x"}',
        b'{"name": "Ada", "text": ["x"]}',
        b'{"name": "Ada", "text": "  "}',
        b"[" * 8000,
        b'{"a":' * 1500,
        b" " * 9000,
        json.dumps({"name": "Ada", "text": "x" * 2001}).encode(),
    ],
)
def test_a_payload_of_another_shape_is_refused_with_a_reason(payload):
    with pytest.raises(chat.ChatError, match=r"\w+ \w+"):
        chat.decode("chat/r/message/ada", payload)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_worse(payload):
    for topic in ("chat/r/message/a", "chat/r/presence/a", "chat/r/notice/a", "chat/r/room"):
        try:
            chat.decode(topic, payload)
        except chat.ChatError:
            continue


@given(st.text(max_size=100), st.text(max_size=100))
def test_whatever_a_sender_can_encode_every_receiver_can_read(name, text):
    try:
        payload = chat.encode_line(name, text)
    except chat.ChatError:
        return
    line = chat.decode("chat/r/message/a", payload)
    line.text.encode()
    assert 1 <= len(line.name) <= chat.MAX_NAME
    assert chat.decode("chat/r/message/a", chat.encode_line(line.name, line.text)) == line


def test_characters_that_hide_or_reverse_are_removed_but_emoji_stay_whole():
    assert chat.clean_name("A\u202eda\x00\x1b[2J") == "Ada[2J"
    assert chat.clean_text("lone \ud800 surrogate") == "lone  surrogate"
    assert chat.clean_text("👩\u200d🔬 <b>bold</b>") == "👩\u200d🔬 <b>bold</b>"
    assert chat.clean_name("\u200d \u200b") == "somebody"
    assert chat.clean_name("\u3164\u2800") == "somebody"  # a Korean and a Braille blank
    assert chat.clean_name("In\u115fstructor") == "Instructor"


def test_marks_are_not_piled_up_over_other_lines_but_letters_of_all_scripts_stay():
    assert chat.clean_text("Z" + "\u0489" * 50 + "!") == "Z" + "\u0489" * 4 + "!"
    for word in ("Việt Nam", "שָׁלוֹם", "ที่นี่", "नमस्ते", "1\ufe0f\u20e3", "བསྒྲུབས"):
        assert chat.clean_text(word) == unicodedata.normalize("NFC", word)


@pytest.mark.parametrize(
    ("name", "expected"), [("Ada", "Ada 3"), ("ada", "ada 3"), ("Bob", "Bob"), ("Ada 2", "Ada 2 2"), ("", "somebody")]
)
def test_a_name_that_is_taken_gets_a_number(name, expected):
    assert chat.unique_name(name, ["Ada", "ADA 2"]) == expected


def test_a_long_name_stays_within_the_limit_with_its_number():
    taken = ["x" * chat.MAX_NAME]
    assert chat.unique_name("x" * 99, taken) == "x" * 38 + " 2"


def test_client_ids_are_unique_and_portable():
    ids = {chat.new_client_id("Ödön the 1st & Great Emperor") for _ in range(200)}
    assert len(ids) == 200
    assert all(len(i) <= 23 and i.isascii() and i.isalnum() and i.islower() for i in ids)
    assert next(iter(ids)).startswith("odonthe1stgreat")


def test_a_line_that_is_empty_or_too_long_is_not_sent():
    with pytest.raises(chat.ChatError, match="empty"):
        chat.encode_line("Ada", " \x00 ")
    with pytest.raises(chat.ChatError, match="2001 characters"):
        chat.encode_line("Ada", "x" * 2001)
