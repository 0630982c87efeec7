"""The course as students get it: a zip file without solutions, in which `mqttkit exercises reset` works all the same."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mqttkit.errors import GradingError
from mqttkit.grading.build import FRESH, course_folder, student_text

# Only these: beside them may lie submissions, marks, or whatever else is the instructor's own.
_FILES = ("README.md", "LICENSE", "pyproject.toml", "environment.yml")
_FOLDERS = ("mqttkit", "notebooks", "binder")
_TOP = "mqttkit-course"


def pack(target: Path) -> int:
    """Write the course to `target`; returns the number of files in it.

    Raises:
        GradingError: there is something at `target` already, it is no zip file, or here are no solutions to make exercises from.
    """
    course = course_folder()
    solutions = sorted((course / "solutions").glob("*.ipynb"))
    if not solutions:
        raise GradingError(f"{course} has no solutions/, from which the students' exercises are made.")
    if target.suffix != ".zip" or target.exists():
        raise GradingError(f"{target} is there already, or is not called something.zip. Name a new zip file.")
    texts = dict(_exercises(solutions))
    files = [path for part in _FOLDERS for path in _below(course / part)]
    files += [course / name for name in _FILES if (course / name).is_file()]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, f"{_TOP}/{path.relative_to(course).as_posix()}")
        for name, text in texts.items():
            archive.writestr(f"{_TOP}/exercises/{name}", text)
    return len(files) + len(texts)


def _exercises(solutions: list[Path]) -> Iterator[tuple[str, str]]:
    """Each student version twice, to work on and to begin anew from, and the scenarios of one's own."""
    for path in solutions:
        text = student_text(path)
        yield path.name, text
        yield f"{FRESH}/{path.name}", text
        if (scenarios := path.with_suffix(".py")).is_file():
            yield scenarios.name, scenarios.read_text("utf-8")


def _below(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__", "node_modules")))
        yield from (
            Path(here) / name for name in sorted(names) if not name.startswith(".") and not name.endswith(".old.ipynb")
        )
