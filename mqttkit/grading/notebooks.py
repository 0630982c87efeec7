"""Solution and exercise notebooks: nbgrader's cell metadata, the student version, and restoring check cells.

The student version is made here and not by nbgrader: a learner who resets an exercise has no nbgrader, its import takes two
seconds and brings a database, and what it does to our cells is these few lines. The metadata and checksums are nbgrader's
own, so schools that use it can read the same files; a test compares both.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import nbformat

from mqttkit.errors import GradingError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ["# YOUR CODE HERE", "..."]
TEXT_STUB = ["*Your answer here.*"]

Notebook = Any  # nbformat is untyped
Cell = Any


def tag(cell: Cell) -> dict[str, Any]:
    """Metadata of nbgrader in a cell; empty when it has none."""
    found = cell.metadata.get("nbgrader", {})
    return dict(found) if isinstance(found, dict) else {}


def is_check(cell: Cell) -> bool:
    """True for a cell that earns points."""
    return bool(tag(cell).get("grade"))


def question_of(cell: Cell) -> str:
    """The question a check cell asks: its grade_id without "check-"."""
    return str(tag(cell).get("grade_id", "")).removeprefix("check-")


def check_ids(notebook: Notebook, name: str) -> None:
    """Every cell that nbgrader's metadata marks needs a grade_id: by it cells are found again in a submission.

    Raises:
        GradingError: a cell has none, or two have the same; it names the cell.
    """
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, 1):
        grade_id = str(tag(cell).get("grade_id", ""))
        if tag(cell) and not grade_id:
            raise GradingError(
                f"Cell {number} of {name} has no grade_id in its nbgrader metadata. Give it a name there."
            )
        if grade_id in seen:
            raise GradingError(f"Cell {number} of {name} has the grade_id {grade_id!r}, as a cell before it has.")
        seen |= {grade_id} - {""}
        if tag(cell).get("grade") and "points" not in tag(cell):
            raise GradingError(f"Cell {number} of {name} is a check and has no points in its nbgrader metadata.")


def checksum(cell: Cell) -> str:
    """The checksum that nbgrader computes of a cell, so that its tools accept our files."""
    meta = tag(cell)
    grade, solution = bool(meta.get("grade")), bool(meta.get("solution"))
    locked = (not solution) if grade else bool(meta.get("locked"))
    parts = [cell.source, cell.cell_type, str(grade), str(solution), str(locked), meta["grade_id"]]
    parts += [str(float(meta["points"]))] if grade else []
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def student_version(solution: Notebook) -> Notebook:
    """The notebook a learner starts with: solutions replaced by stubs, no outputs, check cells locked.

    Raises:
        GradingError: a solution region is not closed, or stands in a cell that is not marked as a solution.
    """
    notebook = copy.deepcopy(solution)
    for cell in notebook.cells:
        strip(cell)
        _lock(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)
    return notebook


def strip(cell: Cell) -> None:
    """Replace the solution in a cell by what a learner starts with."""
    stub = cell.metadata.pop("mqttkit", {}).get("stub")
    if tag(cell).get("solution"):
        cell.source = stub if stub is not None else without_solution(cell.source, cell.cell_type)
    elif BEGIN in cell.source:
        raise GradingError(f"A solution stands in a cell that is not marked as one:\n{cell.source[:200]}")
    for name in ("execution", "collapsed", "ExecuteTime"):
        cell.metadata.pop(name, None)


def without_solution(source: str, cell_type: str = "code") -> str:
    """`source` with every marked region replaced by a stub; a source without marks is replaced as a whole."""
    stub = STUB if cell_type == "code" else TEXT_STUB
    lines: list[str] = []
    inside = False
    for line in source.split("\n"):
        if BEGIN in line:
            if inside:
                raise GradingError(f"{BEGIN} stands inside a solution:\n{source[:200]}")
            inside = True
            lines += [line[: len(line) - len(line.lstrip())] + text for text in stub]
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise GradingError(f"{END} is missing:\n{source[:200]}")
    return "\n".join(lines) if BEGIN in source else "\n".join(stub)


def _lock(cell: Cell) -> None:
    meta = tag(cell)
    if not meta:
        return
    cell.metadata["deletable"] = False
    if meta.get("grade") or meta.get("locked"):
        cell.metadata["editable"] = False
    cell.metadata["nbgrader"] = {**meta, "cell_type": cell.cell_type, "checksum": checksum(cell)}


def text_of(notebook: Notebook) -> str:
    """The bytes of the file: the same for the same notebook on every machine."""
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def restore(submission: Notebook, master: Notebook) -> tuple[Notebook, list[str], list[str]]:
    """Put the master's check and read-only cells back into a submission, each where the student has it.

    Returns:
        The notebook to run; the grade_ids of edited cells; those of deleted cells.
    """
    notebook = copy.deepcopy(submission)
    originals = {tag(c)["grade_id"]: c for c in master.cells if tag(c)}
    fixed = {name for name, cell in originals.items() if is_check(cell) or tag(cell).get("locked")}
    found: dict[str, Cell] = {}
    for cell in notebook.cells:
        found.setdefault(_grade_id(cell), cell)
    edited = [name for name in fixed if name in found and found[name].source != originals[name].source]
    deleted = [name for name in originals if name not in found]
    for cell in notebook.cells:
        _unmark(cell)
    notebook.cells = _woven(notebook.cells, master, fixed)
    return notebook, sorted(edited), sorted(deleted)


def _unmark(cell: Cell) -> None:
    """Only the master's cells are checks, whatever a submission says about its own."""
    if tag(cell).get("grade"):
        cell.metadata["nbgrader"]["grade"] = False


def _woven(cells: list[Cell], master: Notebook, fixed: set[str]) -> list[Cell]:
    """The student's own cells in their order, with the master's cells among them."""
    due = _places(cells, master, fixed)
    woven = due.get(-1, [])
    for number, cell in enumerate(cells):
        if _grade_id(cell) not in fixed:
            woven.append(cell)
        woven += due.get(number, [])
    return woven + due.get(len(cells), [])


def _places(cells: list[Cell], master: Notebook, fixed: set[str]) -> dict[int, list[Cell]]:
    """Number of a student's cell -> the master's cells to put there; -1 is before all of them."""
    where: dict[str, list[int]] = {}
    for number, cell in enumerate(cells):
        where.setdefault(_grade_id(cell), []).append(number)
    answer = [-1]  # where the cells stand that the next check is about: an answer may be split or copied
    due: dict[int, list[Cell]] = {}
    for cell in master.cells:
        name = _grade_id(cell)
        if name in fixed:
            due.setdefault(_place(where.get(name, []), answer, len(cells)), []).append(copy.deepcopy(cell))
        elif name:
            answer = where.get(name, [])
    return due


def _place(own: list[int], answer: list[int], end: int) -> int:
    """Where a check is played: where the student has it, for what it showed there is what the mark has to be.

    Only when it was deleted, or stands above all of its answer, it goes behind the answer.
    """
    if own and (not answer or answer[0] < own[-1]):
        return own[-1]
    return answer[-1] if answer else end


def _grade_id(cell: Cell) -> str:
    return str(tag(cell).get("grade_id", ""))
