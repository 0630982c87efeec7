"""The ladder: what is drawn, what a screen reader gets, and what is left when a page strips the style sheet."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from trace_parts import Tape, qos1_on_two_hops

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
