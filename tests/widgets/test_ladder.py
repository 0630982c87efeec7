"""The live ladder of a lab that has seen more than is in view."""

from __future__ import annotations

import re

from mqttkit import Lab


def test_the_ladder_numbers_packets_as_the_trace_does_and_keeps_them_apart():
    with Lab() as lab:
        bob = lab.client("bob")
        ladder = lab.ladder()
        for number in range(300):
            bob.publish("count", str(number), qos=1)
        rows = ladder.state().content["rows"]
        assert len(rows) == 60
        told = {step.item.number: step.line for step in lab.trace.story().steps}
        assert {entry: int(words.split(":")[0]) for entry, words in rows.items()} == {n: told[n] for n in rows}
        chosen = min(rows)
        ladder.explain(chosen)
        before = ladder.state().content
        bob.publish("count", "more", qos=1)
        after = ladder.state().content
        assert after["rows"][max(rows)] == rows[max(rows)]
        assert after["anatomy"] == before["anatomy"] != ""
        assert letters(after)[:-2] == letters(before)[2:]
        lab.trace.clear()
        bob.publish("count", "anew", qos=1)
        assert [words.split(":")[0] for words in ladder.state().content["rows"].values()] == ["1", "2"]
        ladder.close()


def letters(content):
    """The letter of each packet's message."""
    return re.findall(r'text-anchor="middle" [^>]*>([A-Z]+)<', content["svg"])
