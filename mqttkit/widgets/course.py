"""Progress: the lessons and exercises of the course, and how far this learner has come."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from mqttkit import progress
from mqttkit._course import find_course
from mqttkit.errors import InvalidArgument
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News

_QUESTION = re.compile(r"""\b(predict|Quiz|match_grid)\(\s*["']([\w.-]+)["']""")
_CHECK = re.compile(r"""\bcheck\(\s*["']([\w.-]+)["']""")


@dataclass(frozen=True)
class Step:
    """One notebook of the course.

    Attributes:
        path: relative to the folder of the course, with `/`.
        title: its first heading.
        questions: names of its predictions and quizzes, and whether the answer has to be right (a quiz).
        checks: names of the checks of an exercise, with their points.
    """

    path: str
    title: str
    questions: tuple[tuple[str, bool], ...] = ()
    checks: tuple[tuple[str, float], ...] = ()

    @property
    def tasks(self) -> int:
        """How many things there are to do."""
        return len(self.questions) + len(self.checks)

    def done(self) -> int:
        """How many of them this learner has done: a question answered (a quiz: rightly), a check passed with all points."""
        reached = progress.load("exercises", PurePosixPath(self.path).stem) or {}
        passed = sum(float(reached.get(name, -1)) >= points for name, points in self.checks)
        return passed + sum(_is_answered(name, rightly=rightly) for name, rightly in self.questions)


def _is_answered(name: str, *, rightly: bool) -> bool:
    known = progress.load("answers", name) or {}
    return known.get("right") is True if rightly else bool(known.get("given"))


def read_course(folder: Path) -> dict[str, list[Step]]:
    """The lessons and exercises below `folder`, in order of their names."""
    return {
        part: [read_step(path, folder) for path in sorted((folder / part).glob("[0-9]*.ipynb"), key=_by_number)]
        for part in ("notebooks", "exercises")
    }


def _by_number(path: Path) -> tuple[int, str]:
    number = re.match(r"\d+", path.name)
    return (int(number[0]) if number else 0, path.name)


def read_step(path: Path, folder: Path) -> Step:
    """What one notebook is about; of one that cannot be read, its name is all that is known."""
    name = path.relative_to(folder).as_posix()
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, nbformat.reader.NotJSONError, AttributeError):
        return Step(name, path.stem)
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)$", text, re.MULTILINE)
    code = [cell for cell in cells if cell.cell_type == "code"]
    asked = [(task, kind == "Quiz") for cell in code for kind, task in _QUESTION.findall(cell.source)]
    checks = [(task, _points(cell)) for cell in code for task in _CHECK.findall(cell.source)]
    return Step(
        name, heading[1].strip() if heading else path.stem, tuple(dict.fromkeys(asked)), tuple(dict.fromkeys(checks))
    )


def _points(cell: Any) -> float:
    """What the check in `cell` gives; where that is not said, any point at all counts as passed."""
    return float(cell.metadata.get("nbgrader", {}).get("points") or 0.01)


class Progress(KitWidget):
    """The map of the course, with what is done. The still twin is only the map: it holds nobody's progress.

    Args:
        folder: holds notebooks/ and exercises/; found by itself where that is left out.
    """

    _esm = module("progress.js")
    _css = style("progress.css")
    title = "Your progress"
    actions = ("refresh",)

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is not None and not (isinstance(folder, (str, Path)) and Path(folder).is_dir()):
            raise InvalidArgument(
                f"There is no folder {str(folder)!r}. Leave it out, and the course is found by itself."
            )
        self.folder = Path(folder) if folder is not None else find_course("notebooks/[0-9]*.ipynb") or Path.cwd()
        self.course = read_course(self.folder)
        super().__init__()

    def refresh(self) -> None:
        """Look again at what is done."""
        with self.lock:
            self.course = read_course(self.folder)

    def state(self) -> News:
        parts = [
            {"name": _NAMES[part], "steps": [_shown(step) for step in steps]} for part, steps in self.course.items()
        ]
        return News({"parts": parts})

    def text(self) -> str:
        parts = [
            [_NAMES[part], *(f"  {step.title}  ({step.path})" for step in steps)]
            for part, steps in self.course.items()
            if steps
        ]
        return "\n".join(line for part in parts for line in part) or "(no lessons found)"

    def html(self) -> str:
        parts = [
            f"<p>{_NAMES[part]}</p><ul>{''.join(f'<li>{html.escape(step.title)}</li>' for step in steps)}</ul>"
            for part, steps in self.course.items()
            if steps
        ]
        return "".join(parts)


_NAMES = {"notebooks": "Lessons", "exercises": "Exercises"}


def _shown(step: Step) -> dict[str, Any]:
    return {"path": step.path, "title": step.title, "tasks": step.tasks, "done": step.done()}
