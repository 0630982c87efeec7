"""Topic names and filters against the examples and rules of the standard, chapter 4.7."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqttkit.errors import InvalidTopic
from mqttkit.topics import check_characters, check_topic_filter, check_topic_name, explain, matches

# (filter, topic, matches) - the examples of 4.7.1.2, 4.7.1.3 and 4.7.2 come first.
CASES = [
    ("sport/tennis/player1/#", "sport/tennis/player1", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
    ("sport/#", "sport", True),
    ("#", "sport/tennis", True),
    ("sport/tennis/+", "sport/tennis/player1", True),
    ("sport/tennis/+", "sport/tennis/player1/ranking", False),
    ("sport/+", "sport", False),
    ("sport/+", "sport/", True),
    ("+", "sport", True),
    ("+", "/finance", False),
    ("+/tennis/#", "sport/tennis/x", True),
    ("+/+", "/finance", True),
    ("/+", "/finance", True),
    ("#", "$SYS/broker", False),
    ("+/monitor/Clients", "$SYS/monitor/Clients", False),
    ("$SYS/#", "$SYS/broker", True),
    ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
    ("a/$b/#", "a/$b/c", True),
    ("a/+", "a/$b", True),
    ("ACCOUNTS", "Accounts", False),
    ("a/b", "a/b/c", False),
    ("a/b/c", "a/b", False),
    ("a//b", "a//b", True),
    ("a/+/b", "a//b", True),
    ("a/b/", "a/b", False),
    ("/", "/", True),
    ("$share/group/a/+", "a/b", True),
    ("$share/group/#", "$SYS/x", False),
    ("$share/g//a", "/a", True),
    ("a/+/#", "a/b", True),
    ("a/+/#", "a", False),
    ("+/#", "a", True),
]


@pytest.mark.parametrize(("topic_filter", "topic", "expected"), CASES)
def test_matching_follows_the_standard(topic_filter, topic, expected):
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(("topic_filter", "topic", "expected"), CASES)
def test_explanation_agrees_with_matching(topic_filter, topic, expected):
    sentence = explain(topic_filter, topic)
    assert (" matches " in sentence) is expected
    assert sentence.startswith(f'"{topic_filter}" ')
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("topic_filter", "topic", "reason"),
    [
        ("home/+/temperature", "home/kitchen/temperature", '"+" stands for "kitchen"'),
        ("home/#", "home", '"#" also matches the level above it'),
        ("home/#", "home/a/b", '"#" stands for "a/b"'),
        ("home/+", "home/a/b", 'the filter ends after level 2, but the topic goes on with "b"'),
        ("home/a/b", "home/a", 'the topic ends after level 2, but the filter wants "b"'),
        ("Home/a", "home/a", "upper and lower case are different"),
        ("home/a", "/home/a", "level 1 is an empty level in the topic"),
        ("#", "$SYS/x", "[MQTT-4.7.2-1]"),
    ],
)
def test_explanation_names_the_reason(topic_filter, topic, reason):
    assert reason in explain(topic_filter, topic)


@pytest.mark.parametrize("name", ["a", "/", "a/b c/ü", "$SYS/x", "x" * 65535, "//"])
def test_valid_names_come_back_unchanged(name):
    assert check_topic_name(name) is name


@pytest.mark.parametrize(
    ("name", "position", "rule"),
    [
        ("", 0, "4.7.3-1"),
        ("home/+/x", 5, "3.3.2-2"),
        ("home/#", 5, "3.3.2-2"),
        ("a+b", 1, "3.3.2-2"),
        ("a\0b", 1, "4.7.3-2"),
        ("ab\ud800", 2, "1.5.3-1"),
        ("x" * 65536, 65535, "4.7.3-3"),
        ("ü" * 40000, 32767, "4.7.3-3"),
    ],
)
def test_wrong_names_point_at_the_character(name, position, rule):
    with pytest.raises(InvalidTopic, match=rule) as caught:
        check_topic_name(name)
    assert caught.value.position == position
    assert caught.value.topic == name


@pytest.mark.parametrize("good", ["#", "+", "a/#", "+/+/#", "/+", "$share/g/#", "$share/g//", "$shared", "$SYS/#", "/"])
def test_valid_filters_come_back_unchanged(good):
    assert check_topic_filter(good) is good


@pytest.mark.parametrize(
    ("bad", "position", "rule"),
    [
        ("", 0, "4.7.3-1"),
        ("a/#/b", 2, "4.7.1-2"),
        ("a#", 1, "4.7.1-2"),
        ("a/b#", 3, "4.7.1-2"),
        ("##", 0, "4.7.1-2"),
        ("a/+b", 2, "4.7.1-3"),
        ("sport+", 5, "4.7.1-3"),
        ("$share", 6, "4.8.2-2"),
        ("$share/g", 8, "4.8.2-2"),
        ("$share/g/", 9, "4.8.2-2"),
        ("$share//a", 7, "4.8.2-1"),
        ("$share/+/a", 7, "4.8.2-2"),
        ("$share/g/a#", 10, "4.7.1-2"),
        ("a\0", 1, "4.7.3-2"),
    ],
)
def test_wrong_filters_point_at_the_character(bad, position, rule):
    with pytest.raises(InvalidTopic, match=rule) as caught:
        check_topic_filter(bad)
    assert caught.value.position == position


def test_message_shows_text_and_caret():
    with pytest.raises(InvalidTopic) as caught:
        check_topic_filter("home/#/temperature")
    assert str(caught.value) == (
        'The wildcard "#" must be the last character of a topic filter: it stands for everything below. [MQTT-4.7.1-2]\n'
        "    home/#/temperature\n"
        "         ^\n"
        'Use "+" for one level in the middle.'
    )


def test_caret_stays_under_the_character_behind_wide_and_control_characters():
    with pytest.raises(InvalidTopic) as caught:
        check_topic_name("客\n+")
    _, text, caret, _ = str(caught.value).split("\n")
    assert text == "    客\\n+"
    assert caret == "    " + " " * 4 + "^"  # the first character takes two columns, the escape two


def test_long_topic_is_shown_in_part():
    with pytest.raises(InvalidTopic) as caught:
        check_topic_name("x" * 1000 + "+" + "y" * 1000)
    assert max(map(len, str(caught.value).splitlines())) < 140


@pytest.mark.parametrize("value", [None, 3, b"a/b", ["a"]])
def test_other_types_are_refused_in_a_sentence(value):
    with pytest.raises(InvalidTopic, match="is text"):
        check_topic_name(value)
    with pytest.raises(InvalidTopic, match="is text"):
        check_topic_filter(value)


def test_matching_refuses_what_the_standard_refuses():
    with pytest.raises(InvalidTopic):
        matches("a#", "a")
    with pytest.raises(InvalidTopic):
        matches("a", "a/+")
    with pytest.raises(InvalidTopic):
        matches("a", "")


# The same examples in every run, and no failure because the machine is busy.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@given(st.text("ab/+#$é\0 ", max_size=12), st.text("ab/+#$é\0 ", max_size=12))
@settings(CALM)
def test_any_text_is_answered_or_refused(topic_filter, topic):
    try:
        answer = matches(topic_filter, topic)
    except InvalidTopic as error:
        assert error.position <= len(error.topic)  # noqa: PT017 - one of two outcomes
        return
    assert explain(topic_filter, topic).startswith(f'"{topic_filter}" {"matches" if answer else "does not match"} ')


@pytest.mark.parametrize("topic", ["home/lamp\n", "a/\x1b[2J", "a/\x7f", "a/\x85/#", "a/\ufffe"])
def test_characters_that_brokers_close_the_connection_on_are_pointed_at(topic):
    """They are legal, so a packet with them is no malformed one; a client is warned before it sends them."""
    assert check_topic_filter(topic) == topic
    with pytest.raises(InvalidTopic, match="brokers close the connection") as error:
        check_characters(topic)
    assert error.value.position == next(n for n, c in enumerate(topic) if not c.isprintable())
    assert str(error.value).isprintable() or "\x1b" not in str(error.value)


def test_ordinary_characters_are_left_alone():
    for topic in ("home/+/lamp", "Küche/температура/温度/🌡", "a b/#"):
        assert check_characters(topic) == topic
