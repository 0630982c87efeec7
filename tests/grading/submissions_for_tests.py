"""Submissions for the tests: solved, untouched and changed notebooks, graded for real or played in this process."""

from __future__ import annotations

import linecache
import os
import time
from pathlib import Path

import nbformat

from mqttkit.grading.check import Direct
from mqttkit.grading.corner import corner_of_the_named_broker
from mqttkit.grading.job import Job, grade_one
from mqttkit.grading.notebooks import student_version, tag
from mqttkit.grading.play import play
from mqttkit.grading.rubric import load
from mqttkit.grading.student import Student

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["1-topics", "2-qos", "3-retain-and-will", "4-temperature-monitor", "5-chat-room", "6-broken-clients"]


def solved(name):
    """The solved notebook."""
    return nbformat.read(ROOT / "solutions" / f"{name}.ipynb", as_version=4)


def untouched(name):
    """What a learner starts with."""
    return student_version(solved(name))


def with_first_cell(name, code):
    """An untouched exercise that begins with `code`."""
    notebook = untouched(name)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
    return notebook


def with_cells(notebook, **sources):
    """`notebook` with the sources of the named cells replaced (grade_id with _ for -)."""
    for cell in notebook.cells:
        name = str(tag(cell).get("grade_id", "")).replace("-", "_")
        if name in sources:
            cell.source = sources.pop(name)
    assert not sources, f"no such cells: {list(sources)}"
    return notebook


def grade(notebook, folder, *, name, level="none", student="ada", timeout=15.0, total=60.0):
    """The report on one notebook, from a kernel of its own."""
    path = Path(folder) / f"{name}.ipynb"
    path.write_text(nbformat.writes(notebook), "utf-8")
    master = ROOT / "solutions" / f"{name}.ipynb"
    job = Job(name, str(master), student, str(path), str(Path(folder) / "out"), level, timeout, total)
    return grade_one(job)


def names_of(notebook):
    """The global names after all cells but the checks have run in this process, as in a kernel."""
    names = {"__name__": "__main__"}
    for number, cell in enumerate(notebook.cells):
        meta = tag(cell)
        if cell.cell_type == "code" and not meta.get("grade") and meta.get("grade_id") not in ("live", "night"):
            run(cell.source, names, number)
    return names


def run(source, names, number=0):
    """Run one cell so that its lines can be quoted."""
    file = f"<cell {number}-{os.urandom(4).hex()}>"
    linecache.cache[file] = (len(source), None, [line + "\n" for line in source.splitlines()], file)
    exec(compile(source, file, "exec"), names)


def asked(name, question, names, seed="test"):
    """The result of one question as `check` gets it, on the broker in MQTTKIT_BROKER where one is named."""
    student = Student(names)
    try:
        with corner_of_the_named_broker() as corner:
            return play(load(name)[question], Direct(student), seed, url=corner.url if corner else None)
    finally:
        student.finish()


def earned(result):
    """The ids of the items that are earned."""
    return {verdict.item.id for verdict in result.verdicts if verdict.ok}


def wait_until(look, seconds=20.0):
    """The first thing that `look` finds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.02)
    return found
