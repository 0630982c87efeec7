"""Questions: a quiz whose answer is known, and a prediction that is compared with what was measured.

    predict("lost-puback", "The PUBACK gets lost. What does Bob do?", ["sends again", "nothing until he reconnects"])
    ...                                          # the cells that do it and measure it
    reveal("lost-puback", measured)

An answer is remembered on the learner's disk (`mqttkit.progress`). A notebook that is run straight through, without answering,
goes on: `reveal` then only says what was measured. The still twins never hold a learner's answer, so that a saved notebook
shows no one's and is the same at each run.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from mqttkit import progress
from mqttkit.errors import InvalidArgument
from mqttkit.widgets.answers import same, words
from mqttkit.widgets.arguments import check_list, check_mapping, check_text
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News

if TYPE_CHECKING:
    from collections.abc import Sequence

_asked: dict[str, Prediction] = {}  # the predictions of this kernel, by name


class Question(KitWidget):
    """A question with its answer: chosen from `options`, or typed where there are none."""

    _esm = module("question.js")
    _css = style("question.css")
    title = "Question"
    actions = ("answer",)
    label: ClassVar[str] = "Check yourself"

    def __init__(
        self,
        name: str,
        question: str,
        options: Mapping[str, Any] | Sequence[Any] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        self.name = progress.check_name(name)
        self.question = check_text("The question", question)
        self.options = [words(option) for option in check_list("options", options or ())]
        self.why = dict(options) if isinstance(options, Mapping) else dict(wrong or {})
        self.given: str | None = None
        earlier = progress.load("answers", name) or {}
        if isinstance(earlier.get("given"), str) and (not self.options or earlier["given"] in self.options):
            self.given = earlier["given"]
        super().__init__()

    def answer(self, given: str) -> None:
        """Give an answer, as a click does, and remember it."""
        if self.options and given not in self.options:
            raise InvalidArgument(f"{given[:80]!r} is not one of the options.")
        with self.lock:
            self.given = given.strip()[:200]
        progress.record("answers", self.name, {"given": self.given, "right": self.right})
        self.touch()

    @property
    def right(self) -> bool | None:
        """Whether the answer is right; None while there is none, or while nothing was measured."""
        return None

    def verdict(self) -> str:
        """What to say to the answer; "" while there is nothing to say."""
        return ""

    def state(self) -> News:
        right = self.right
        return News(
            {
                "label": self.label,
                "question": self.question,
                "options": self.options,
                "given": self.given,
                "right": right,
                "verdict": self.verdict(),
                "measured": self.outcome(),
            }
        )

    def outcome(self) -> str | None:
        """The option that came out of the run; None before it, and of a quiz, where one may try again."""
        return None

    def text(self) -> str:
        choices = [f"  ( ) {option}" for option in self.options] or ["  ____"]
        return "\n".join([f"{self.label}: {self.question}", *choices])


class Quiz(Question):
    """A question whose right answer is known.

    Args:
        name: under which the answer is remembered; letters, digits and `-`.
        question: one or two sentences.
        options: each possible answer with True (it is right) or the sentence that explains why it is wrong.
        answer: where there are no options: what has to be typed, one text or several that are right.
        wrong: where there are no options: wrong answers that are to be expected, with the sentence that explains each.
        hint: where there are no options: said to any other wrong answer.
        because: said to the right answer.
    """

    title = "Quiz"

    def __init__(
        self,
        name: str,
        question: str,
        options: Mapping[str, str | bool] | None = None,
        *,
        answer: Any = None,
        wrong: Mapping[str, str] | None = None,
        hint: str = "Not yet. Look at the packets above once more.",
        because: str = "",
    ) -> None:
        self._right = _right_answers(options, answer)
        self._hint = hint
        self._because = because
        super().__init__(name, question, options, wrong)

    @property
    def right(self) -> bool | None:
        return None if self.given is None else any(same(self.given, answer) for answer in self._right)

    def verdict(self) -> str:
        if self.right is None:
            return ""
        if self.right:
            return f"Right. {self._because}".strip()
        reason = reason_for(self.given or "", self.why)
        return f"Not quite. {reason}" if reason else self._hint


def _right_answers(options: Mapping[str, str | bool] | None, answer: Any) -> list[Any]:
    if options is not None:
        check_mapping("options", options, '{"8883": True, "1883": "why it is wrong"}')
        if answer is not None:
            raise InvalidArgument("A quiz has options, of which one is True, or an answer to be typed; not both.")
        right = [option for option, why in options.items() if why is True]
        if not right:
            raise InvalidArgument('A quiz needs a right option: {"an option": True, "another": "why it is wrong"}.')
        return right
    if answer is None:
        raise InvalidArgument("A quiz needs options={...} or answer=...")
    return list(answer) if isinstance(answer, (list, tuple, set, frozenset)) else [answer]


class Prediction(Question):
    """A question asked before a cell runs; `reveal` compares the answer with what the cell measured."""

    title = "Prediction"
    label = "Before you run it"

    def __init__(
        self,
        name: str,
        question: str,
        options: Mapping[str, str] | Sequence[Any] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> None:
        self.measured: Any = None
        self.known = False
        self.followers: weakref.WeakSet[Reveal] = weakref.WeakSet()
        super().__init__(name, question, options, wrong)

    @property
    def right(self) -> bool | None:
        return same(self.given, self.measured) if self.known and self.given is not None else None

    def verdict(self) -> str:
        if self.known:
            return compare(self.given, self.measured, self.why)
        return "" if self.given is None else "Noted. Go on to the next cell with Shift + Enter, and see."

    def outcome(self) -> str | None:
        if not self.known:
            return None
        return next((option for option in self.options if same(option, self.measured)), None)

    def answer(self, given: str) -> None:
        super().answer(given)
        for shown in list(self.followers):
            shown.touch()

    def compare_with(self, measured: Any) -> None:
        """Say what was measured."""
        with self.lock:
            self.measured, self.known = measured, True
        if self.given is not None:
            progress.record("answers", self.name, {"given": self.given, "right": self.right})
        self.touch()


class Reveal(KitWidget):
    """What was measured, beside what was predicted."""

    _esm = module("reveal.js")
    _css = style("question.css")
    title = "Measured"

    def __init__(self, prediction: Prediction, because: str = "") -> None:
        self.prediction = prediction
        self.because = because
        super().__init__()

    def state(self) -> News:
        prediction = self.prediction
        return News(
            {
                "measured": words(prediction.measured),
                "given": prediction.given,
                "right": prediction.right,
                "verdict": prediction.verdict(),
                "because": self.because,
            }
        )

    def text(self) -> str:
        return "\n".join(filter(None, [f"Measured: {words(self.prediction.measured)}", self.because]))


def compare(given: str | None, measured: Any, why: Mapping[str, str]) -> str:
    """One or two sentences that set a prediction beside what was measured."""
    if given is None:
        return "You made no prediction this time. Next time, decide first: it is how the surprise gets in."
    if same(given, measured):
        return f"You predicted “{given}”, and that is what happened."
    return f"You predicted “{given}”. It was “{words(measured)}”. {reason_for(given, why)}".strip()


def reason_for(given: str, why: Mapping[str, Any]) -> str:
    """The sentence that explains why `given` is wrong; "" where there is none."""
    return next((text for answer, text in why.items() if isinstance(text, str) and same(given, answer)), "")


def predict(
    name: str,
    question: str,
    options: Mapping[str, str] | Sequence[Any] | None = None,
    *,
    wrong: Mapping[str, str] | None = None,
) -> Prediction:
    """Ask a question before the next cell runs.

    Args:
        name: under which the answer is remembered and later revealed.
        question: one or two sentences.
        options: the possible answers; with a mapping, each has the explanation that is shown where it turns out wrong.
            Without options the answer is typed.
        wrong: where it is typed: answers that are to be expected, with the explanation shown where one turns out wrong.
    """
    prediction = Prediction(name, question, options, wrong)
    _asked[name] = prediction
    return prediction


def reveal(name: str, measured: Any, *, because: str = "") -> Reveal:
    """Compare the prediction `name` with what was `measured`.

    Args:
        name: the name given to `predict`.
        measured: the answer as it came out of the run, such as one of the options, a number, True (for "yes") or a text.
        because: a sentence that explains it, whatever was predicted.

    Raises:
        InvalidArgument: no such question was asked; the message names those that were.
    """
    prediction = _asked.get(name)
    if prediction is None:
        asked = ", ".join(sorted(_asked)) or "none yet"
        raise InvalidArgument(
            f"No prediction is called {name!r} (there are: {asked}). Run the cell that asks it first."
        )
    prediction.compare_with(measured)
    shown = Reveal(prediction, because)
    prediction.followers.add(shown)
    return shown
