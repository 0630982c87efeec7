"""Which of a student's notebooks is graded: the newest that belongs to the exercise, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from mqttkit.grading.unpack import LARGEST, File

TICK = 2.0  # seconds: archives keep time no finer


def choose(files: list[File], exercise: str, questions: Collection[str]) -> tuple[File, list[str]]:
    """The notebook to grade, and a sentence about it where there are several."""
    ordered = sorted(files, key=lambda file: (belongs(file.path, exercise, questions), _time(file), file.name))
    return ordered[-1], [_told(ordered)] if len(ordered) > 1 else []


def belongs(path: Path, exercise: str, questions: Collection[str]) -> bool:
    """True when a notebook says that it is of `exercise`: in its metadata, its `checks(…)` line, or by its check cells."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return False
    named = re.findall(r'"exercise":\s*"([\w-]+)"', text) or re.findall(r"""\bchecks\(\s*\\?["']([\w-]+)""", text)
    if named:
        return exercise in named
    return any(f'"check-{question}"' in text for question in questions)


def _time(file: File) -> float:
    return file.path.stat().st_mtime


def _told(ordered: list[File]) -> str:
    chosen, others = ordered[-1], ordered[:-1]
    what = f"{len(ordered)} notebooks were handed in: {chosen.name} is graded, not {_list(others)}."
    if any(abs(_time(chosen) - _time(other)) < TICK for other in others):
        return f"{what} Their files have the same time, so it is not known which is the last one."
    if all(_time(chosen) >= _time(other) for other in others):
        return f"{what} It is the newest."
    return f"{what} It is the newest that belongs to this exercise."


def _list(files: list[File]) -> str:
    return ", ".join(str(file.name) for file in files)
