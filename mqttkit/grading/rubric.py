"""What an exercise asks: questions, the items of their rubric, and the verdicts on them; and where they are loaded from."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit.errors import GradingError
from mqttkit.grading import sentences
from mqttkit.grading.picture import ladder

if TYPE_CHECKING:
    from mqttkit.grading.game import Game
    from mqttkit.trace import Captured

    Scenario = Callable[["Game"], None]


@dataclass(frozen=True)
class Item:
    """One line of a rubric.

    Attributes:
        id: short name, unique in its question; a column of the reports.
        points: what it is worth.
        expected: what a right answer does, as a sentence without a value that a student could copy.
        hint: takes the place of the question's first hint, when this is the first item that is not earned.
    """

    id: str
    points: float
    expected: str
    hint: str = ""


@dataclass
class Verdict:
    """What a scenario found out about one item.

    Attributes:
        item: the item of the rubric.
        ok: True when it is earned.
        saw: what happened instead, or what proved it, as a sentence.
        packets: the packets behind it, in the order in which they were sent.
    """

    item: Item
    ok: bool = False
    saw: str = ""
    packets: list[Captured] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the report and for the notebook; what is right needs no evidence."""
        return {
            "id": self.item.id,
            "points": self.item.points,
            "ok": self.ok,
            "expected": self.item.expected,
            "saw": sentences.short(self.saw),
            **ladder([] if self.ok else self.packets),
        }


@dataclass
class Result:
    """The verdicts on one question.

    Attributes:
        question: its name.
        state: "played", "untouched" (still the text the learner started with), "given" (the same, and played all the same) or
            "error" (the grader itself failed).
        note: a sentence about the whole question, such as "not started yet".
    """

    question: Question
    verdicts: list[Verdict]
    state: str = "played"
    note: str = ""

    @property
    def score(self) -> float:
        """Points earned: none with what was given."""
        return 0.0 if self.state == "given" else sum(v.item.points for v in self.verdicts if v.ok)

    def as_json(self) -> dict[str, Any]:
        """For the report and for the notebook."""
        return {
            "id": self.question.id,
            "state": self.state,
            "note": sentences.short(self.note),
            "score": self.score,
            "max_score": self.question.points,
            "lesson": self.question.lesson,
            "hints": self._hints(),
            "items": [v.as_json() | self._help(v) for v in self.verdicts],
        }

    def _hints(self) -> list[str]:
        """The ladder of hints; its first rung is about the first item that is not earned."""
        failed = next((v for v in self.verdicts if not v.ok), None)
        if failed is None or not self.question.hints:
            return list(self.question.hints)
        return [self._first_hint(failed), *self.question.hints[1:]]

    def _first_hint(self, verdict: Verdict) -> str:
        if sentences.is_error(verdict.saw):
            return "The error is the first thing to mend: the sentence above names the line. Then check again."
        return verdict.item.hint or self.question.hints[0]

    def _help(self, verdict: Verdict) -> dict[str, str]:
        """What leads on from one item: the first hint, and the lesson."""
        hint = "" if verdict.ok or not self.question.hints else self._first_hint(verdict)
        return {"hint": hint, "lesson": self.question.lesson}


def without_play(name: str, state: str, note: str) -> dict[str, Any]:
    """The result of a question that was not played, as JSON: `note` says why."""
    empty: list[Any] = []
    head = {"id": name, "state": state, "note": note}
    return head | {"score": 0, "max_score": 1, "lesson": "", "hints": empty, "items": empty}


@dataclass(frozen=True)
class Question:
    """One graded task: a scenario that plays the other side, and the rubric it judges by.

    Attributes:
        id: its name, as in `check("alarm")`.
        scenario: plays once against the student's code and judges items.
        rubric: the items, in the order of the feedback.
        uses: names the student defines; one that is missing or untouched means "not started yet".
        hints: shown one by one with each further try.
        lesson: file name of the lesson that explains it, without .ipynb.
        given: for repair tasks, name -> fingerprint of the broken code the learner starts with.
        seconds: the longest the scenario may take.
    """

    id: str
    scenario: Scenario
    rubric: tuple[Item, ...]
    uses: tuple[str, ...]
    hints: tuple[str, ...]
    lesson: str
    given: dict[str, str] = field(default_factory=dict)
    seconds: float = 20.0

    @property
    def points(self) -> float:
        """What the whole question is worth."""
        return sum(item.points for item in self.rubric)


@dataclass
class Exercise:
    """All questions of one exercise, in the order in which the notebook asks them."""

    name: str
    title: str = ""
    questions: dict[str, Question] = field(default_factory=dict)

    def question(
        self,
        id: str,  # noqa: A002 - the word the reports use
        *,
        rubric: Sequence[Item],
        uses: Sequence[str],
        hints: Sequence[str],
        lesson: str,
        given: dict[str, str] | None = None,
        seconds: float = 20.0,
    ) -> Callable[[Scenario], Scenario]:
        """Decorate a scenario: a function that takes a `Game` and judges every item of `rubric`."""

        def register(scenario: Scenario) -> Scenario:
            self.questions[id] = Question(
                id, scenario, tuple(rubric), tuple(uses), tuple(hints), lesson, given or {}, seconds
            )
            return scenario

        return register

    def __getitem__(self, question: str) -> Question:
        if question not in self.questions:
            known = ", ".join(self.questions)
            raise GradingError(f"{self.name} has no question {question!r}. It has: {known}.")
        return self.questions[question]

    @property
    def points(self) -> float:
        """What the whole exercise is worth."""
        return sum(q.points for q in self.questions.values())


BUILT_IN = {
    "1-topics": "topics",
    "2-qos": "qos",
    "3-retain-and-will": "retain_and_will",
    "4-temperature-monitor": "temperature_monitor",
    "5-chat-room": "chat_room",
    "6-broken-clients": "broken_clients",
}


def load(name: str, folder: Path | str = ".") -> Exercise:
    """The exercise called `name`: one of the kit's own, or `name`.py in `folder` (which defines `exercise`).

    Raises:
        GradingError: there is no such exercise, or its file defines none.
    """
    if not re.fullmatch(r"[\w-]+", name):  # a path would lead to a file elsewhere, whose code would be run
        raise GradingError(f"{name[:60]!r} is no name of an exercise: use letters, digits, - and _ only.")
    own = Path(folder) / f"{name}.py"
    if name in BUILT_IN:
        module = importlib.import_module(f"mqttkit.grading.exercises.{BUILT_IN[name]}")
    elif own.is_file():
        module = _load_file(own)
    else:
        raise GradingError(
            f"No exercise is called {name!r}. There are {', '.join(BUILT_IN)}; or put {own.name} beside the notebook."
        )
    exercise = getattr(module, "exercise", None)
    if not isinstance(exercise, Exercise):
        raise GradingError(f"{module.__file__} defines no `exercise = Exercise(...)`.")
    return exercise


def _load_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"mqttkit_exercise_{path.stem.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seeded(*parts: str) -> random.Random:
    """A generator that gives the same numbers on every machine for the same exercise, question and student."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - readings of a sensor, not a secret


def fingerprint(source: str) -> str:
    """Names a piece of code whatever its comments and white space: to see that a repair task is still as it was given."""
    code = "\n".join(line.split("#", 1)[0] for line in source.splitlines())
    return hashlib.sha256("".join(code.split()).encode()).hexdigest()[:16]
