"""What a learner has reached so far: kept in one small file of theirs, never sent anywhere."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from typing import Any

from mqttkit.grading.rubric import BUILT_IN, load


def path() -> Path:
    """The file: `MQTTKIT_PROGRESS` in the environment, or progress.json in Jupyter's data folder."""
    named = os.environ.get("MQTTKIT_PROGRESS")
    if named:
        return Path(named)
    from jupyter_core.paths import jupyter_data_dir  # noqa: PLC0415 - only where progress is kept

    return Path(jupyter_data_dir()) / "mqttkit" / "progress.json"


def read() -> dict[str, dict[str, float]]:
    """Best score of each question: {exercise: {question: points}}. Empty when the file is missing or unreadable."""
    try:
        data = json.loads(path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def note(exercise: str, question: str, score: float) -> None:
    """Remember `score` when it is the best so far. A folder that cannot be written loses it silently: nothing depends on it."""
    data = read()
    best = data.setdefault(exercise, {})
    best[question] = max(score, best.get(question, 0.0))
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        path().write_text(json.dumps(data, indent=1), "utf-8")
    except OSError:
        return


class Progress:
    """All exercises with what is reached; displays as a table with bars."""

    def __init__(self, names: tuple[str, ...] = tuple(BUILT_IN)) -> None:
        best = read()
        self.rows: list[tuple[str, float, float]] = []
        for name in names:
            exercise = load(name)
            reached = sum(min(best.get(name, {}).get(q, 0.0), question.points) for q, question in exercise.questions.items())
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


def as_json() -> dict[str, Any]:
    """Reached and possible points of each exercise, for a page that shows them."""
    return {name: {"score": got, "max_score": of} for name, got, of in Progress().rows}
