"""What a learner has reached in the exercises so far, over all notebooks. Kept on their own disk by `mqttkit.progress`."""

from __future__ import annotations

import contextlib
from html import escape

from mqttkit import progress as store
from mqttkit._course import find_course
from mqttkit.grading.rubric import BUILT_IN, Exercise, load


def best(exercise: str) -> dict[str, float]:
    """Best score so far of each question of `exercise`."""
    known = store.load("exercises", exercise) or {}
    return {q: float(points) for q, points in known.items() if isinstance(points, (int, float))}


def note(exercise: str, question: str, score: float) -> None:
    """Remember `score` when it is the best so far."""
    known = best(exercise)
    known[question] = max(score, known.get(question, 0.0))
    store.record("exercises", exercise, known)


def own() -> list[Exercise]:
    """Exercises of one's own: those in exercises/ whose NAME.py lies beside the notebook and can be run."""
    course = find_course("solutions", "exercises")
    found = []
    for file in sorted((course / "exercises").glob("*.py")) if course else []:
        if file.stem not in BUILT_IN and file.with_suffix(".ipynb").is_file():
            with contextlib.suppress(Exception):  # one that does not run says why when it is checked
                found.append(load(file.stem, file.parent))
    return found


class Progress:
    """All exercises with what is reached; displays as a table with bars.

    Attributes:
        rows: (exercise, points reached, points possible).
    """

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, float]] = []
        for exercise in [*map(load, BUILT_IN), *own()]:
            name, known = exercise.name, best(exercise.name)
            reached = sum(min(known.get(q, 0.0), question.points) for q, question in exercise.questions.items())
            self.rows.append((name, reached, exercise.points))

    def __str__(self) -> str:
        return "\n".join(f"{name:<24} {_bar(got, of)} {got:g}/{of:g}" for name, got, of in self.rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left">{escape(name)}</td><td><progress max="{of:g}" value="{got:g}">'
            f"{_bar(got, of)}</progress></td><td>{got:g} of {of:g}</td></tr>"
            for name, got, of in self.rows
        )
        return f"<table><tr><th>exercise</th><th>progress</th><th>points</th></tr>{rows}</table>"


def _bar(got: float, of: float, width: int = 12) -> str:
    full = int(width * got / of) if of else 0
    return "[" + "#" * full + "-" * (width - full) + "]"


def progress() -> Progress:
    """Your progress over all exercises."""
    return Progress()
