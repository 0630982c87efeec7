"""The ladder: what is drawn, what a screen reader gets, and what is left when a page strips the style sheet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from trace_parts import Tape, qos1_on_two_hops

from mqttkit import Will
from mqttkit.trace.ladder import as_html, as_picture

SVG = "{http://www.w3.org/2000/svg}"


def tree_of(trace):
    return ET.fromstring(as_picture(trace.story()))


def words_of(tree):
    return ["".join(text.itertext()) for text in tree.iter(f"{SVG}text")]


@pytest.fixture
def tape():
    tape = Tape()
    qos1_on_two_hops(tape)
    return tape


def test_picture_has_lanes_packets_and_a_name(tape):
    tree = tree_of(tape.trace)
    words = words_of(tree)
    assert words[:3] == ["alice", "broker", "bob"]
    assert any("PUBLISH" in word and "QoS 1" in word and "home/t" in word for word in words)
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == "Packets 1 to 10: 2 CONNECT, 2 CONNACK, 2 PUBLISH, 2 PUBACK"


def test_messages_are_told_apart_by_letter_not_by_colour_alone(tape):
    letters = [word for word in words_of(tree_of(tape.trace)) if re.fullmatch("[A-Z]", word)]
    assert letters == ["A"] * 4
    bob = tape.trace.links[2]
    tape.send(bob, "PUBLISH", topic="home/t", payload=b"2")
    assert [word for word in words_of(tree_of(tape.trace)) if re.fullmatch("[A-Z]", word)] == ["A"] * 4 + ["B"]


def test_a_lost_packet_stops_half_way_with_a_cross_and_a_word(tape):
    before = as_picture(tape.trace.story())
    tape.send(tape.trace.links[2], "PUBLISH", topic="home/t", payload=b"2", lost=True)
    after = as_picture(tape.trace.story())
    cross = "l12 12m0 -12l-12 12"
    assert (before.count(cross), after.count(cross)) == (0, 1)
    assert "lost" in words_of(tree_of(tape.trace))[-1]


def test_text_of_others_is_never_markup(tape):
    bob = tape.connect("<b>eve</b>")
    tape.send(bob, "PUBLISH", topic="<script>alert(1)</script>", payload=b"</pre></svg><img src=x onerror=alert(1)>")
    html = as_html(tape.trace.story())
    for evil in ("<script", "<img", "<b>"):
        assert evil not in html
    tree_of(tape.trace)


def test_without_its_style_sheet_the_text_remains(tape):
    """GitHub strips style sheets: then the text shows and `hidden` hides the picture."""
    html = as_html(tape.trace.story())
    assert '<div class="mk-plain"><pre>' in html
    assert '<div class="mk-ladder" hidden="hidden">' in html
    assert ".mk-plain{display:none}" in html
    assert "display:block!important" in html


def test_every_mark_carries_its_colour_without_the_style_sheet(tape):
    for group in tree_of(tape.trace).iter(f"{SVG}g"):
        if group.get("class") not in (None, "r"):
            assert re.fullmatch("#[0-9a-f]{6}", group.get("color", ""))


@pytest.mark.parametrize(("count", "folds"), [(3, 0), (30, 0), (300, 5), (3000, 4)])
def test_long_traces_fold_and_stay_small(count, folds):
    tape = Tape()
    bob = tape.connect("bob")
    for number in range(count - 2):
        tape.send(bob, "PUBLISH", topic="t", payload=str(number).encode())
    html = as_html(tape.trace.story())
    assert html.count("<details>") - 1 == folds
    assert html.count("<svg") <= 8
    assert f"Packets {count - 24}" in html or count < 45
    assert len(html) < 800 * min(count, 300) + 200 * count + 5000  # a lesson's notebook stays below 300 kB


def test_the_same_trace_gives_the_same_bytes(tape):
    assert as_html(tape.trace.story()) == as_html(tape.trace.story())
    assert " id=" not in as_html(tape.trace.story())  # two ladders on one page never clash


@pytest.mark.parametrize("count", range(58, 75))
def test_folding_shows_every_packet_once(count):
    tape = Tape()
    bob = tape.connect("bob")
    for number in range(count - 2):
        tape.send(bob, "PUBLISH", topic="t", payload=str(number).encode())
    html = as_html(tape.trace.story()).split("<details><summary>The same as text")[0]
    lines = [int(line) for line in re.findall(r'font-size="12">(\d+)</text>', html)]
    assert lines == list(range(1, count + 1))


def test_the_name_of_a_fold_says_what_went_wrong_in_it():
    tape = Tape()
    bob = tape.connect("bob")
    for number in range(80):
        tape.send(bob, "PUBLISH", topic="t", payload=b"x", lost=number in (40, 41))
    tape.trace.note("cut", "the connection of bob is cut", link=bob)
    html = as_html(tape.trace.story())
    assert "<summary>Packets 26 to 58: 33 PUBLISH; 2 lost</summary>" in html
    assert 'aria-label="Packets 59 to 82: 24 PUBLISH; 1 cut"' in html


def test_what_fell_off_is_told_beside_the_picture(tape):
    assert "7 earlier entries fell off" in as_html(tape.trace.story(), dropped=7).split("</pre></div>")[1]


def test_bytes_that_cannot_be_read_are_one_arrow_both_ways():
    tape = Tape()
    link = tape.link("")
    hello = b"\x16\x03\x01\x00\x05hello"
    for who in ("client-1", "broker", "client-1", "broker"):
        tape.trace.note("bytes", "", link=link, who=who, data=hello)
    assert tape.trace.text() == "    client-1 ↔ broker    encrypted with TLS"
    picture = as_picture(tape.trace.story())
    assert picture.count("-5v10z") == 2  # a head at each end
    assert "l12 12m0 -12l-12 12" not in picture  # nothing got lost
    tape.trace.note("bytes", "", link=tape.link(""), who="client-2", data=b"hello")
    assert "client-2 → broker    bytes that are not MQTT" in tape.trace.text()


def test_a_client_is_not_connected_before_its_first_packet():
    tape = Tape()
    tape.trace.note("refused", "the network refuses the connection of carol", link=tape.link("carol"))
    tape.trace.note("bytes", "", link=tape.link(""), who="client-2", data=b"x")
    assert tape.trace.story().open_at_start == frozenset()


def test_long_names_are_cut_in_the_middle_and_control_characters_are_shown():
    tape = Tape()
    for name in ("sensor-in-the-kitchen-of-house-0001", "bell\x07\n", "broker", *"abcdefg"):
        tape.connect(name)
    words = words_of(tree_of(tape.trace))
    assert {"sensor-in…-0001", "bell\\x07\\n", "broker (a…ient)", "broker"} < set(words)
    assert "sensor-in-the-kitchen…house-0001 → broker" in tape.trace.text()


def test_text_from_right_to_left_stays_in_its_place():
    tape = Tape()
    bob = tape.connect("bob")
    tape.send(bob, "PUBLISH", topic="بيت/مطبخ", payload="واحد".encode())
    words = words_of(tree_of(tape.trace))
    assert any('\u2068بيت/مطبخ\u2069\u2002\u2068"واحد"\u2069' in word for word in words)


def test_a_payload_cannot_look_like_a_flag_or_a_fault():
    tape = Tape()
    bob = tape.connect("bob")
    tape.send(bob, "PUBLISH", topic="t", payload=b"a  DUP  RETAIN  lost", lost=True)
    bold = [span.text for span in tree_of(tape.trace).iter(f"{SVG}tspan")]
    assert bold[-2:] == ["PUBLISH", "lost"]


def test_the_will_says_whose_it_is():
    tape = Tape()
    alice = tape.connect("alice")
    tape.subscribe(alice, "gone", 0)
    bob = tape.connect("bob", will=Will("gone", b"bob"))
    tape.trace.note("cut", "the connection of bob is cut", link=bob)
    tape.send(alice, "PUBLISH", up=False, topic="gone", payload=b"bob")
    assert tape.trace.text().splitlines()[-1] == ' 7  broker → alice   PUBLISH      QoS 0  gone  "bob"  [will of bob]'
    assert "will of bob" in words_of(tree_of(tape.trace))[-1]


def test_a_will_that_the_broker_holds_back_is_not_waited_for():
    """Will Delay Interval of MQTT 5."""
    tape = Tape()
    alice = tape.connect("alice")
    tape.subscribe(alice, "gone", 0)
    bob = tape.connect("bob", will=Will("gone", b"bob"), will_delay=60)
    tape.trace.note("cut", "the connection of bob is cut", link=bob)
    assert tape.trace.unsettled() == []
    tape.send(alice, "PUBLISH", up=False, topic="gone", payload=b"bob")
    assert "[will of bob]" in tape.trace.text()
