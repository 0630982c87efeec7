"""The live ladder of a lab that has seen more than is in view."""

from __future__ import annotations

from mqttkit import Lab


def test_the_ladder_numbers_packets_as_the_trace_does_and_keeps_them_apart():
    with Lab() as lab:
        bob = lab.client("bob")
        ladder = lab.ladder()
        for number in range(300):
            bob.publish("count", str(number), qos=1)
        rows = ladder.state().content["rows"]
        assert len(rows) == 60
        for entry, words in rows.items():
            line = int(words.split(":")[0])
            assert lab.trace.line(line).number == entry
        chosen = min(rows)
        ladder.explain(chosen)
        before = ladder.state().content["anatomy"]
        bob.publish("count", "more", qos=1)
        assert ladder.state().content["rows"][max(rows)] == rows[max(rows)]
        assert ladder.state().content["anatomy"] == before
        lab.trace.clear()
        bob.publish("count", "anew", qos=1)
        assert [words.split(":")[0] for words in ladder.state().content["rows"].values()] == ["1", "2"]
        ladder.close()
