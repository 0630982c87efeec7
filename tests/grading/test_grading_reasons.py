"""What a graded report says about cells that failed: the cell by its task, the true reason, and nothing that cannot be done."""

from __future__ import annotations

import pytest
from submissions_for_tests import grade, solved, with_cells

NAME = "4-temperature-monitor"
FAULTY = {
    "sensor": "def send_readings(broker, house, payloads)\n    return 1",
    "stale": "import os; os._exit(1)\ndef stale(monitor, now): return []",
    "live": "while True: pass",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reasons")
    report = grade(with_cells(solved(NAME), **FAULTY), folder, name=NAME, timeout=8)
    return report, (folder / "out" / "feedback.html").read_text("utf-8")


def question(report, name):
    return next(q for q in report["questions"] if q["id"] == name)


def test_a_syntax_error_is_named_where_it_belongs(graded):
    note = question(graded[0], "sensor")["note"]
    assert note.startswith(
        "The cell that makes `send_readings` did not finish, so there is none: it raised SyntaxError"
    )
    assert ".py" not in note
    assert ".." not in note


def test_a_dead_cell_is_the_reason_and_the_rest_is_judged(graded):
    assert question(graded[0], "stale")["note"] == (
        "The cell that makes `stale` did not finish, so there is none: it ended its kernel."
    )
    assert question(graded[0], "robust")["score"] == 3
    assert question(graded[0], "reconnect")["score"] == 3


def test_a_cell_is_named_by_its_task_and_first_line(graded):
    report, page = graded
    assert report["status"] == "kernel_died"
    assert report["note"] == (
        "The cell below “Task 6: Silence is a message too” that begins with `import os; os._exit(1)` ended its kernel."
    )
    assert "<code>def send_readings(broker, house, payloads)</code>" in page
    assert "()" not in report["note"]
    assert "Run the cell" not in page


def test_what_comes_after_the_last_check_is_not_run(graded):
    assert all("pleasure" not in cell["name"] for cell in graded[0]["cells"])
    assert graded[0]["seconds"] < 60


def test_a_name_that_no_cell_makes_is_not_explained_by_a_cell_that_failed(tmp_path):
    names = {"name": "def topic(*a): return ''\n1/0", "guard": "def start_guard(*a): pass\n1/0\ndef seen(g): pass"}
    report = grade(with_cells(solved("1-topics"), **names), tmp_path, name="1-topics")
    assert question(report, "name")["note"] == "No cell of the notebook makes `topic_of`. Was it renamed or deleted?"
    assert question(report, "guard")["note"].startswith("The cell that makes `seen` did not finish")
