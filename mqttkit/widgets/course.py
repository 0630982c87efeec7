"""Progress: the lessons and exercises of the course, and how far this learner has come."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

import mqttkit
from mqttkit import progress
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
        tasks: what can be done in it: (kind, name), kind "answers" or "checks".
    """

    path: str
    title: str
    tasks: tuple[tuple[str, str], ...]

    def done(self) -> int:
        """How many of its tasks this learner has done: a question answered (a quiz: rightly), a check passed."""
        return sum(_is_done(kind, name) for kind, name in self.tasks)


def _is_done(kind: str, name: str) -> bool:
    known = progress.load("checks" if kind == "checks" else "answers", name)
    if known is None:
        return False
    return known.get("right") is True if kind in ("quiz", "checks") else bool(known.get("given"))


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
        return Step(name, path.stem, ())
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)$", text, re.MULTILINE)
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    questions = [("quiz" if kind == "Quiz" else "answers", task) for kind, task in _QUESTION.findall(code)]
    checks = [("checks", task) for task in _CHECK.findall(code)]
    return Step(name, heading[1].strip() if heading else path.stem, tuple(dict.fromkeys([*questions, *checks])))


def find_course() -> Path:
    """The folder that holds notebooks/: the working directory, one above it, else where the kit was installed from."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any((folder / "notebooks").glob("[0-9]*.ipynb")):
            return folder
    return Path(mqttkit.__file__).parents[1]


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
        self.folder = Path(folder) if folder is not None else find_course()
        super().__init__()
        self.course = read_course(self.folder)

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
    return {"path": step.path, "title": step.title, "tasks": len(step.tasks), "done": step.done()}
