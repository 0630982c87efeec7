"""Typical wrong answers: each gets the marks it has earned, and a sentence that says what was seen."""

from __future__ import annotations

import os

import pytest
from submissions_for_tests import asked, earned, names_of, run, solved
from wrong_answers import WRONG

from mqttkit.grading.rubric import load

QUICK = 1.0  # seconds

# A wrong answer is often one that something waits for in vain. The suite plays all quick ones and one slow one of each
# question; MQTTKIT_EVERY_WRONG_ANSWER=1 plays all.
EVERY = bool(os.environ.get("MQTTKIT_EVERY_WRONG_ANSWER"))


def chosen():
    """The rows to play."""
    slow = set()
    for name, rows in WRONG.items():
        for number, (*row, seconds) in enumerate(rows):
            if EVERY or seconds <= QUICK or (name, row[0]) not in slow:
                if seconds > QUICK:
                    slow.add((name, row[0]))
                yield pytest.param(name, *row, id=f"{name}-{row[0]}-{number}")


ROWS = list(chosen())


def names_with(name, change):
    """The global names of a solution with one change."""
    notebook = solved(name)
    if isinstance(change, str):
        names = names_of(notebook)
        run(change, names)
        return names
    old, new = change
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
    assert cells, f"the solution has changed: {old!r} is not in it"
    for cell in cells:
        cell.source = cell.source.replace(old, new)
    return names_of(notebook)


@pytest.mark.parametrize(("name", "question", "change", "right", "says"), ROWS)
def test_a_wrong_answer_gets_what_it_has_earned(name, question, change, right, says):
    result = asked(name, question, names_with(name, change))
    told = [result.note, *(verdict.saw for verdict in result.verdicts if not verdict.ok)]
    assert result.state == "played", result.note
    assert earned(result) == set(right.split()), told
    assert any(text.startswith(says) for text in told), told


@pytest.mark.parametrize("name", WRONG)
def test_every_question_has_wrong_answers(name):
    known = [row[0] for row in WRONG[name]]
    assert {question: known.count(question) >= 2 for question in load(name).questions} == dict.fromkeys(load(name).questions, True)
