"""The table of engines in INSTRUCTORS.md says what the doctor finds out."""

from __future__ import annotations

import json

import pytest
from abilities_table import ENGINES, NEEDS, PAGE, SEEN, ask, section, table

from support import need


def seen():
    return json.loads(SEEN.read_text("utf-8"))


def test_the_table_is_written_from_the_answers():
    assert section(PAGE.read_text("utf-8")) == table(seen())


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_the_engines_still_answer_so(engine):
    for program in NEEDS[engine]:
        need(program.removesuffix("-server"))
    with ENGINES[engine]() as urls:
        assert ask(*urls) == seen()[engine]
