"""One play of one question, from "has the learner begun?" to the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.grading import sentences
from mqttkit.grading.game import Game, StudentError
from mqttkit.grading.rubric import Result

if TYPE_CHECKING:
    from mqttkit.grading.game import Channel, Gate
    from mqttkit.grading.rubric import Question


def play(
    question: Question,
    channel: Channel,
    seed: str,
    gate: Gate | None = None,
    tape: list[dict[str, Any]] | None = None,
    *,
    url: str | None = None,
    show_given: bool = False,
) -> Result:
    """Play `question`; never raises.

    Args:
        question: what is asked.
        channel: the way to the student's kernel.
        seed: names the random numbers.
        gate: see `Game`.
        tape: the packets are appended to it.
        url: see `Game`.
        show_given: play also with a broken client that nobody has touched, for a learner who wants to see its illness.

    Returns:
        The verdicts; state "untouched" when the learner has not begun, "given" with `show_given` (no points in both), "error"
        when the grader itself failed.
    """
    game = Game(question, channel, seed, gate, url)
    result = Result(question, list(game.verdicts.values()))
    try:
        _play(game, result, show_given=show_given)
    except StudentError as error:
        game.settle(str(error))
    except Exception as error:  # noqa: BLE001 - a fault of the grader must be told, and must not look like a plain 0
        game.settle("not judged")
        result.state, result.note = "error", f"The grader itself failed: {type(error).__name__}: {error}"
    finally:
        game.close()
    if tape is not None:
        tape.extend(game.tape())
    return result


def _play(game: Game, result: Result, *, show_given: bool) -> None:
    begun = _begun(game)
    if begun == sentences.untouched() and game.question.given and show_given:
        result.state = "given"
    elif begun is not None:
        result.state, result.note = "untouched", begun
        game.settle(begun)
        return
    try:
        game.question.scenario(game)
        game.settle("not judged")
    except StudentError as error:
        game.settle(str(error))
    if result.state == "given" or result.score < game.question.points:
        result.note = game.diagnosis()


def _begun(game: Game) -> str | None:
    """None when the learner has begun, else the sentence that says what is missing."""
    states = game.facts({"op": "look", "names": list(game.question.uses)})
    states = {name: state if isinstance(state, dict) else {} for name, state in states.items()}
    words = {name: state.get("state") for name, state in states.items()}
    if all(word == "untouched" or _as_given(game.question, name, states[name]) for name, word in words.items()):
        return sentences.untouched()
    lacking = next((name for name, word in words.items() if word == "missing"), None)
    return sentences.missing(lacking) if lacking else None


def _as_given(question: Question, name: str, state: dict[str, Any]) -> bool:
    return name in question.given and state.get("fingerprint") == question.given[name]
