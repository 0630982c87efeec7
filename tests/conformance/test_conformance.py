"""Every probe, against the embedded engine and mosquitto; and the page for readers is what they answer."""

from __future__ import annotations

import json
import re
from importlib.metadata import version

import pytest
from differences import PAGE, STOCK, ask_again
from engines import PROBES, ask_embedded
from room import ROOM
from statements import ELSEWHERE, all_statements, asked

from support import need


@pytest.mark.parametrize("name", PROBES)
def test_embedded_engine_answers_as_the_standard_says(name):
    """Fails when any answer of the embedded engine changes."""
    assert ask_embedded(PROBES[name]) == PROBES[name].expected


def test_every_statement_that_binds_a_server_is_asked():
    """Or named with the reason why not; and no probe names a statement that is none."""
    assert [name for name, count in asked().items() if not count and name not in ELSEWHERE] == []
    sections = {"MQTT-1.5.3", "MQTT-2.2.3"}  # what the standard says there without a number
    named = {statement for probe in PROBES.values() for statement in (probe.statement, *probe.also)}
    assert {statement.removeprefix("MQTT-") for statement in named - sections} <= set(all_statements())


def test_what_the_standard_leaves_open_is_named_by_question():
    """A question that is renamed would silently become a MUST."""
    assert ROOM.keys() <= PROBES.keys()


def test_page_of_differences_is_up_to_date():
    """Fails when either broker answers otherwise than DIFFERENCES.md says, or a probe is not on it."""
    need("mosquitto")
    page = PAGE.read_text(encoding="utf-8")
    version = re.search(r"mosquitto \d[\d.]*", page)[0]  # another one may answer the same
    assert ask_again(version) == page, "run: python tests/conformance/differences.py"


def test_answers_of_stock_amqtt_are_those_of_the_pinned_version():
    """The kept answers belong to amqtt 0.12.1: another version must be asked anew."""
    assert version("amqtt") == "0.12.1"
    assert json.loads(STOCK.read_text(encoding="utf-8")).keys() == PROBES.keys()
