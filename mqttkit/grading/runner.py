"""Runs one submitted notebook: its cells in order, each check cell opened for its own question, lost kernels replaced."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mqttkit.grading.kernel import Kernel
from mqttkit.grading.messages import Run
from mqttkit.grading.notebooks import Cell, Notebook, is_check, question_of, tag
from mqttkit.grading.sandbox import Box
from mqttkit.grading.sentences import ended, missing, not_made
from mqttkit.grading.stacks import makes

RESTARTS = 4
_CHECK = "from mqttkit.grading import checks as _checks\ncheck = _checks({exercise!r})\n"


@dataclass
class Outcome:
    """What happened while a notebook ran.

    Attributes:
        status: "graded", "timeout" or "kernel_died".
        note: the sentence about a status that is not "graded".
        cells: what each cell that raised or was stopped did: {"cell": number, "name": ..., "id": ..., "what": ...}.
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
        self._cells = _to_run(notebook)
        self._box = box
        self._timeout = timeout
        self._end = time.monotonic() + total
        self._total = total
        self._done: list[Cell] = []  # student's cells that worked: run again in a new kernel
        self._failed: list[tuple[str, str]] = []  # source and end of each cell that did not finish
        self._restarts = 0
        self._kernel: Kernel | None = None
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Run everything there is time for."""
        self._kernel = Kernel(self._box)
        try:
            for number, (cell, task) in enumerate(self._cells, 1):
                self._run_cell(number, cell, task)
        finally:
            self._end_kernel()
        return self.outcome

    def _end_kernel(self) -> None:
        """End the kernel, once: its number may soon be that of somebody else's process."""
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.close()

    def _run(self, source: str, timeout: float) -> Run:
        return self._kernel.run(source, timeout) if self._kernel is not None else Run("died")

    def _run_cell(self, number: int, cell: Cell, task: str) -> None:
        limit = self._limit()
        if reason := self._obstacle(limit):
            if is_check(cell):
                self.outcome.unplayed[question_of(cell)] = reason
            return
        run = self._execute(cell, limit)
        if run.end in ("ok", "error") and not is_check(cell):
            self._done.append(cell)
        self._record(number, cell, run, task, limit)

    def _limit(self) -> float:
        """Seconds for the next cell; 0 or less when the time for everything is over."""
        return min(self._timeout, self._end - time.monotonic())

    def _execute(self, cell: Cell, timeout: float) -> Run:
        if not is_check(cell):
            return self._run(cell.source, timeout)
        question = question_of(cell)
        self._box.session.open(question)
        try:
            return self._run(_CHECK.format(exercise=self._box.session.exercise.name) + cell.source, timeout)
        finally:
            self._box.session.open(None)

    def _record(self, number: int, cell: Cell, run: Run, task: str, limit: float) -> None:
        name = _name(cell, task)
        form = _ENDED if run.end == "died" and run.why else _WHAT[run.end]
        mine = limit == self._timeout
        when = f"after {limit:g} s" if mine else f"when the whole notebook had taken {self._total:g} s"
        what = form.format(when=when, error=run.error, why=run.why)
        if run.end != "ok":
            self.outcome.cells.append(
                {"cell": number, "name": name, "id": str(tag(cell).get("grade_id", "")), "what": what}
            )
            self._failed.append((cell.source, what))
        if run.end in ("interrupted", "stuck"):
            self._worse("timeout", ended(f"{name} {what}"))
        if run.end == "died":
            self._worse("kernel_died", ended(f"{name} {what}"))
        if run.end in ("stuck", "died"):
            self._restart()
        if is_check(cell) and question_of(cell) not in self._box.session.results:
            self.outcome.unplayed[question_of(cell)] = ended(
                f"The check did not reach the grader: the cell {what or 'did not call it'}"
            )
        if is_check(cell):
            self._explain_missing(question_of(cell))

    def _explain_missing(self, question: str) -> None:
        """Nobody can run a cell of a notebook that was handed in: say why a name is missing instead."""
        result = self._box.session.results.get(question)
        if result is None:
            return
        for name in result.question.uses:
            told = missing(name)
            reason = next((what for source, what in reversed(self._failed) if makes(source, name)), "")
            result.note = result.note.replace(told, not_made(name, reason))
            for verdict in result.verdicts:
                verdict.saw = verdict.saw.replace(told, not_made(name, reason))

    def _worse(self, status: str, note: str) -> None:
        if self.outcome.status == "graded":
            self.outcome.status, self.outcome.note = status, note

    def _obstacle(self, limit: float) -> str:
        """Why no further cell can be run, "" when one can."""
        if limit <= 0:
            over = f"The whole notebook took longer than {self._total:g} s."
            self._worse("timeout", over)
            return over
        ready = self._restarts <= RESTARTS and self._kernel is not None and self._kernel.alive()
        return "" if ready else self.outcome.note

    def _restart(self) -> None:
        """A new kernel in the state the lost one had: the student's cells that worked, without the one that was lost."""
        if self._limit() <= 0:
            return  # there is no time for what a new kernel would run
        self._restarts += 1
        if self._restarts > RESTARTS:
            self.outcome.note += " It was lost too often, so the rest was not run."
            return
        self._end_kernel()
        self._box.empty()
        self._kernel = Kernel(self._box)
        for cell in self._done:
            left = self._limit()
            if left <= 0 or self._run(cell.source, left).end in ("stuck", "died"):
                return


def _to_run(notebook: Notebook) -> list[tuple[Cell, str]]:
    """The code cells up to the last check, each with the heading above it: what comes after it earns nothing."""
    cells = [(cell, task) for cell, task in _headed(notebook) if cell.cell_type == "code" and cell.source.strip()]
    last = max((number for number, (cell, _) in enumerate(cells) if is_check(cell)), default=len(cells))
    return cells[: last + 1]


def _headed(notebook: Notebook) -> Iterator[tuple[Cell, str]]:
    """Each cell with the last heading above it."""
    task = ""
    for cell in notebook.cells:
        headings = re.findall(r"^#+ +(\S.*)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        task = headings[-1].strip() if headings else task
        yield cell, task


def tasks(master: Notebook) -> dict[str, str]:
    """The heading above the check cell of each question."""
    return {question_of(cell): task for cell, task in _headed(master) if is_check(cell)}


def _name(cell: Cell, task: str) -> str:
    """A cell as a student finds it again: by the heading above it, and its first line."""
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
    below = f" below “{task}”" if task else ""
    return f"The cell{below} that begins with `{first[:60].replace('`', chr(39))}`"


_WHAT = {
    "ok": "",
    "error": "raised {error}",
    "interrupted": "was stopped {when}",
    "stuck": "was stopped {when}, and its kernel with it, for it did not react",
    "died": "ended its kernel",
}
_ENDED = "was ended with its kernel, for {why}"
