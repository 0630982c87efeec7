"""Every wrong belief that INSTRUCTORS.md lists is met in the lesson it names, by a cell that ran."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
MARK = re.compile(r"<!-- belief: ([\w-]+) -->")
ROW = re.compile(
    r"^\| (?P<belief>[^|]+?) \| \[[^]]+\]\((?P<lesson>notebooks/[^)]+\.ipynb)\) \| `(?P<mark>[\w-]+)` \|$", re.MULTILINE
)
ROWS = ROW.findall((ROOT / "INSTRUCTORS.md").read_text("utf-8"))
EXPECTED = 23  # the list of the course; a row that is lost must not go unseen


def marks(path):
    """Mark -> index of the markdown cell that holds it."""
    cells = nbformat.read(path, as_version=4).cells
    return cells, {mark: n for n, cell in enumerate(cells) for mark in MARK.findall(cell.source)}


def test_the_table_is_complete():
    assert len(ROWS) == EXPECTED
    assert len({mark for _, _, mark in ROWS}) == EXPECTED


@pytest.mark.parametrize(("belief", "lesson", "mark"), ROWS, ids=[mark for _, _, mark in ROWS])
def test_belief_is_met_by_a_cell_that_shows_it(belief, lesson, mark):
    cells, found = marks(ROOT / lesson)
    assert mark in found, f"{lesson} has no <!-- belief: {mark} --> for: {belief}"
    assert "**" in cells[found[mark]].source, "the belief is said in bold"
    near = [cell for cell in cells[max(0, found[mark] - 3) : found[mark] + 4] if cell.cell_type == "code"]
    assert any(cell.outputs for cell in near), "no cell beside it shows what really happens"


def test_no_mark_is_left_out_of_the_table():
    listed = {(lesson, mark) for _, lesson, mark in ROWS}
    there = {
        (f"notebooks/{path.name}", mark) for path in (ROOT / "notebooks").glob("*.ipynb") for mark in marks(path)[1]
    }
    assert there == listed
