"""For schools that use nbgrader: its own pipeline, with our student versions and the wire grader's scores.

In nbgrader_config.py:

    from mqttkit.grading import nbgrader_hook
    nbgrader_hook.configure(get_config())
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, NbGraderPreprocessor

from mqttkit.errors import GradingError
from mqttkit.grading.feedback import Feedback
from mqttkit.grading.job import run_boxed
from mqttkit.grading.notebooks import is_check, question_of, strip
from mqttkit.grading.rubric import Result, load
from mqttkit.grading.sandbox import level

_HERE = "mqttkit.grading.nbgrader_hook."
_THEIRS = "nbgrader.preprocessors."
_TOTAL = 600.0  # seconds for one notebook


def configure(config: Any) -> None:
    """Put our two steps in place of nbgrader's ClearSolutions and Execute, for exercises of the kit and all others."""
    ours = {"ClearSolutions": _HERE + "StudentVersion", "Execute": _HERE + "WireExecute"}
    release = ("IncludeHeaderFooter", "LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata", "ComputeChecksums",
               "SaveCells", "ClearHiddenTests", "ClearMarkScheme", "ComputeChecksums", "CheckCellMetadata")  # fmt: skip
    grade = ("Execute", "LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata")
    config.GenerateAssignment.preprocessors = [ours.get(name, _THEIRS + name) for name in release]
    config.Autograde.autograde_preprocessors = [ours.get(name, _THEIRS + name) for name in grade]


class StudentVersion(NbGraderPreprocessor):
    """Replaces solutions by the text a learner starts with, which is more than a stub where a client is to be repaired."""

    def preprocess(self, notebook: Any, resources: Any) -> tuple[Any, Any]:
        """Strip every cell."""
        for cell in notebook.cells:
            strip(cell)
        return notebook, resources


class WireExecute(Execute):
    """Runs an exercise of the kit in its box, and gives each check cell the score of what passed on the wire.

    Other notebooks are run as nbgrader does.
    """

    def preprocess(self, notebook: Any, resources: Any, *args: Any, **options: Any) -> tuple[Any, Any]:
        """Run the notebook; only the outputs of check cells matter to nbgrader."""
        master = self._master(resources)
        name = _exercise_of(nbformat.read(master, as_version=4)) if master else None
        if name is None:
            _refuse_orphan(notebook, master)
            return super().preprocess(notebook, resources, *args, **options)
        assert master is not None
        exercise = load(name, master.parent)
        content = hashlib.sha256(nbformat.writes(notebook).encode()).hexdigest()
        seed = f"{name}:{resources['nbgrader']['student']}:{content}"
        session, outcome = run_boxed(
            notebook, exercise, seed, level("auto"), timeout=_seconds(self.timeout), total=_TOTAL
        )
        for cell in notebook.cells:
            if is_check(cell):
                name = question_of(cell)
                cell.outputs = _judged(session.results.get(name), outcome.unplayed.get(name, "not played"))
        return notebook, resources

    def _master(self, resources: Any) -> Path | None:
        """The instructor's own notebook. What it names is loaded and run here, so a submission is never asked for that."""
        course, known = self.parent.parent.coursedir, resources["nbgrader"]
        for step in (course.source_directory, course.release_directory):
            path = Path(course.format_path(step, ".", known["assignment"])) / f"{known['notebook']}.ipynb"
            if path.is_file():
                return path
        return None


def _exercise_of(notebook: Any) -> str | None:
    """The exercise of the kit that a notebook names, or None."""
    meta = notebook.metadata.get("mqttkit", {})
    return str(meta["exercise"]) if isinstance(meta, dict) and "exercise" in meta else None


def _refuse_orphan(notebook: Any, master: Path | None) -> None:
    """Nobody gets a 0 because the notebook that was released is gone."""
    if master is None and _exercise_of(notebook) is not None:
        raise GradingError("This exercise of mqttkit is in neither source/ nor release/. Put its notebook back there.")


def _seconds(timeout: int | None) -> float:
    """The limit of nbgrader for each cell; None, or less than 1, means that it has none: then only the whole notebook has one."""
    return float(timeout) if timeout is not None and timeout > 0 else _TOTAL


def _judged(result: Result | None, unplayed: str) -> list[Any]:
    """The outputs of one check cell. Raises GradingError where the grader itself failed: nobody gets a 0 for that."""
    if result is None:
        return _outputs(unplayed, 0.0)
    if result.state == "error":
        raise GradingError(f"{result.question.id}: {result.note}")
    return _outputs(str(Feedback(result.as_json())), result.score)


def _outputs(said: str, score: float) -> list[Any]:
    """What nbgrader reads as partial credit: a result that is a number. A 0 has to be an error, for it wants more than 0."""
    told = new_output("stream", name="stdout", text=said)
    if score == 0:
        return [told, new_output("error", ename="NoPoints", evalue="0 points", traceback=["0 points"])]
    return [told, new_output("execute_result", data={"text/plain": repr(float(score))}, execution_count=None)]
