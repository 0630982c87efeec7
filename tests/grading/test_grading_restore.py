"""Where the check cells are played in what was handed in: notebook order is the schedule, as it was for the student."""

from __future__ import annotations

import copy

import nbformat
import pytest
from submissions_for_tests import untouched

from mqttkit.grading.notebooks import restore, tag

MONITOR = "4-temperature-monitor"


def grade_id(cell):
    return tag(cell).get("grade_id", "")


def own(text="..."):
    """A cell that the student wrote."""
    return nbformat.v4.new_code_cell(text)


class Handed:
    """What a student did to an untouched exercise."""

    def __init__(self, name):
        self.master = untouched(name)
        self.notebook = untouched(name)

    def at(self, name):
        return next(number for number, cell in enumerate(self.notebook.cells) if grade_id(cell) == name)

    def put_behind(self, name, cell):
        self.notebook.cells.insert(self.at(name) + 1, cell)

    def copy_of(self, name):
        return copy.deepcopy(self.notebook.cells[self.at(name)])

    def take(self, name):
        return self.notebook.cells.pop(self.at(name))

    def restored(self):
        """The sources of the student's own cells, and the grade_ids of all others, in the order in which they run."""
        notebook, self.edited, self.deleted = restore(self.notebook, self.master)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return [grade_id(cell) or cell.source for cell in cells]


def order(found, *names):
    """Where `names` stand in `found`; increasing when they run in this order."""
    return [found.index(name) for name in names]


def test_a_cell_between_answer_and_check_runs_before_the_check():
    handed = Handed("1-topics")
    handed.put_behind("name", own("def topic_of(...)"))
    found = handed.restored()
    at = found.index("name")
    assert found[at : at + 3] == ["name", "def topic_of(...)", "check-name"]
    assert not handed.edited + handed.deleted


def test_an_answer_split_in_two_is_whole_before_its_check():
    handed = Handed("1-topics")
    handed.put_behind("guard", handed.copy_of("guard"))
    found = handed.restored()
    at = found.index("guard")
    assert found[at : at + 3] == ["guard", "guard", "check-guard"]


@pytest.mark.parametrize("above", ["check-statistics", "check-alarm"])
def test_an_answer_may_grow_from_task_to_task(above):
    """Three checks are about one cell. Each judges what stands above it, as the notebook showed it."""
    handed = Handed(MONITOR)
    handed.put_behind(above, own("def start_monitor(...)"))
    checks = ["check-statistics", "check-alarm", "check-robust"]
    checks.insert(checks.index(above) + 1, "def start_monitor(...)")
    found = handed.restored()
    assert order(found, "monitor", *checks) == sorted(order(found, "monitor", *checks))


def test_a_deleted_check_is_played_behind_the_whole_answer():
    handed = Handed("1-topics")
    handed.put_behind("guard", handed.copy_of("guard"))
    handed.take("check-guard")
    found = handed.restored()
    at = found.index("guard")
    assert found[at : at + 3] == ["guard", "guard", "check-guard"]
    assert handed.deleted == ["check-guard"]


def test_a_check_above_its_answer_is_played_behind_it():
    handed = Handed("1-topics")
    handed.notebook.cells.insert(0, handed.take("check-guard"))
    found = handed.restored()
    assert order(found, "guard", "check-guard") == [found.index("guard"), found.index("guard") + 1]


def test_of_two_copies_of_a_check_the_last_is_played():
    handed = Handed("1-topics")
    handed.put_behind("check-name", handed.copy_of("check-name"))
    handed.put_behind("check-name", own("def topic_of(...)"))
    found = handed.restored()
    assert found.count("check-name") == 1
    assert found.index("def topic_of(...)") + 1 == found.index("check-name")


def test_a_check_without_its_answer_stays_or_goes_to_the_end():
    handed = Handed("1-topics")
    for name in ("name", "guard", "check-guard"):
        handed.take(name)
    found = handed.restored()
    assert found.index("check-name") < found.index("filters")
    assert found[-1] == "check-guard"
    assert handed.deleted == ["check-guard", "guard", "name"]


def test_an_edited_check_is_the_masters_again():
    handed = Handed("1-topics")
    handed.notebook.cells[handed.at("check-name")].source = "print('2 of 2')"
    notebook, edited, _ = restore(handed.notebook, handed.master)
    found = next(cell for cell in notebook.cells if grade_id(cell) == "check-name")
    assert edited == ["check-name"]
    assert found.source == Handed("1-topics").copy_of("check-name").source
