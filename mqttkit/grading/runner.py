"""Runs one submitted notebook: its cells in order, each check cell opened for its own question, lost kernels replaced."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from mqttkit.grading.kernel import Kernel, Run
from mqttkit.grading.notebooks import Cell, Notebook, is_check, question_of
from mqttkit.grading.sandbox import Box

RESTARTS = 4
_CHECK = "from mqttkit.grading import checks as _checks\ncheck = _checks({exercise!r})\n"


@dataclass
class Outcome:
    """What happened while a notebook ran.

    Attributes:
        status: "graded", "timeout" or "kernel_died".
        note: the sentence about a status that is not "graded".
        cells: what each cell that raised or was stopped did: {"cell": number, "question": ..., "what": ...}.
        unplayed: question -> why its check cell did not reach the grader.
    """

    status: str = "graded"
    note: str = ""
    cells: list[dict[str, Any]] = field(default_factory=list)
    unplayed: dict[str, str] = field(default_factory=dict)


class Runner:
    """Runs `notebook` in `box`.

    Args:
        timeout: seconds for each cell.
        total: seconds for everything.
    """

    def __init__(self, notebook: Notebook, box: Box, *, timeout: float, total: float) -> None:
        self._cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        self._box = box
        self._timeout = timeout
        self._end = time.monotonic() + total
        self._total = total
        self._done: list[Cell] = []  # student's cells that worked: run again in a new kernel
        self._restarts = 0
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Run everything there is time for."""
        self._kernel = Kernel(self._box)
        try:
            for number, cell in enumerate(self._cells, 1):
                self._run_cell(number, cell)
        finally:
            self._kernel.close()
        return self.outcome

    def _run_cell(self, number: int, cell: Cell) -> None:
        left = self._end - time.monotonic()
        if not self._ready():
            if is_check(cell):
                self.outcome.unplayed[question_of(cell)] = self.outcome.note
            return
        run = self._execute(cell, min(left, self._timeout))
        if run.end in ("ok", "error") and not is_check(cell):
            self._done.append(cell)
        self._record(number, cell, run)

    def _execute(self, cell: Cell, timeout: float) -> Run:
        if not is_check(cell):
            return self._kernel.run(cell.source, timeout)
        question = question_of(cell)
        self._box.session.open(question)
        try:
            return self._kernel.run(_CHECK.format(exercise=self._box.session.exercise.name) + cell.source, timeout)
        finally:
            self._box.session.open(None)

    def _record(self, number: int, cell: Cell, run: Run) -> None:
        what = _WHAT[run.end].format(seconds=self._timeout, error=run.error, why=f" ({run.why})" if run.why else "")
        if run.end != "ok":
            self.outcome.cells.append(
                {"cell": number, "id": cell.metadata.get("nbgrader", {}).get("grade_id", ""), "what": what}
            )
        if run.end in ("interrupted", "stuck"):
            self._worse("timeout", f"Cell {number} {what}.")
        if run.end == "died":
            self._worse("kernel_died", f"Cell {number} {what}.")
        if run.end in ("stuck", "died"):
            self._restart()
        if is_check(cell) and question_of(cell) not in self._box.session.results:
            self.outcome.unplayed[question_of(cell)] = (
                f"The check did not reach the grader: the cell {what or 'did not call it'}."
            )

    def _worse(self, status: str, note: str) -> None:
        if self.outcome.status == "graded":
            self.outcome.status, self.outcome.note = status, note

    def _ready(self) -> bool:
        if self._end - time.monotonic() <= 0:
            self._worse("timeout", f"The whole notebook took longer than {self._total:g} s.")
        return self._restarts <= RESTARTS and self._kernel.alive()

    def _restart(self) -> None:
        """A new kernel in the state the lost one had: the student's cells that worked, without the one that was lost."""
        self._restarts += 1
        if self._restarts > RESTARTS:
            self.outcome.note += " It was lost too often, so the rest was not run."
            return
        self._kernel.close()
        self._box.empty()
        self._kernel = Kernel(self._box)
        for cell in self._done:
            left = min(self._timeout, self._end - time.monotonic())
            if left <= 0 or self._kernel.run(cell.source, left).end in ("stuck", "died"):
                return


_WHAT = {
    "ok": "",
    "error": "raised {error}",
    "interrupted": "was stopped after {seconds:g} s",
    "stuck": "was stopped after {seconds:g} s, and its kernel with it, for it did not react",
    "died": "ended its kernel{why}",
}
