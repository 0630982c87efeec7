"""`check("alarm")` in a notebook: asks the grader process when there is one, else plays the scenario on the spot."""

from __future__ import annotations

import inspect
import json
import os
import socket
from pathlib import Path
from typing import Any

from mqttkit.errors import GradingError, MqttKitError
from mqttkit.grading import sentences, stacks
from mqttkit.grading.feedback import Feedback
from mqttkit.grading.rubric import Question, load, without_play
from mqttkit.grading.student import Student

GRADER = "MQTTKIT_GRADER"  # host:port of the grader's check socket
SECRET = "MQTTKIT_GRADER_SECRET"  # noqa: S105 - the name of the variable; its value is new with each run
LINE = 4 << 20  # longest line on the check socket, bytes


class Checks:
    """The checks of one exercise. Call it with the name of a question.

    Args:
        exercise: name of the exercise, such as "4-temperature-monitor".
    """

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise
        self._tries: dict[str, int] = {}

    def __call__(self, question: str) -> Feedback:
        """Play the scenario of `question` against what this notebook defines.

        Raises:
            GradingError: there is no such question.
        """
        frame = inspect.currentframe()
        namespace = frame.f_back.f_globals if frame and frame.f_back else {}
        student = Student(namespace)
        try:
            if os.environ.get(GRADER):
                return Feedback(_ask_grader(self.exercise, question, student))
            return self._play_here(question, student)
        except KeyboardInterrupt:
            return Feedback(without_play(question, "stopped", sentences.stopped()))
        finally:
            student.finish()

    def _play_here(self, question: str, student: Student) -> Feedback:
        if os.environ.get("NBGRADER_EXECUTION") == "autograde":
            raise GradingError(
                "nbgrader alone cannot grade this exercise: it would trust the notebook's own kernel. "
                "Put mqttkit's hook into nbgrader_config.py; INSTRUCTORS.md shows the lines."
            )
        from mqttkit.grading import reached

        asked = load(self.exercise)[question]
        try:
            result = _practise(asked, student, f"{self.exercise}:practice")
        except MqttKitError as error:  # the broker that the learner has named
            return Feedback(without_play(question, "stopped", sentences.no_broker(str(error))))
        if result["state"] == "untouched" and (failed := stacks.failed_before(asked.uses)):
            result["note"] = sentences.failed(*failed)
        if result["state"] == "played":
            self._tries[question] = self._tries.get(question, 0) + 1
            reached.note(self.exercise, question, result["score"])
        return Feedback(result, self._tries.get(question, 1), self._solution())

    def _solution(self) -> str:
        there = Path("../solutions") / f"{self.exercise}.ipynb"
        return there.stem if there.is_file() else ""

    def __repr__(self) -> str:
        return f"checks of {self.exercise}"


def _practise(question: Question, student: Student, seed: str) -> dict[str, Any]:
    """Play here: on the broker in MQTTKIT_BROKER, else on one of the game's own. Raises MqttKitError when that one does not answer."""
    from mqttkit.grading.corner import corner_of_the_named_broker
    from mqttkit.grading.play import play

    with corner_of_the_named_broker() as corner:
        url = corner.url if corner else None
        return play(question, Direct(student), seed, url=url, show_given=True).as_json()


def checks(exercise: str) -> Checks:
    """Everything that can be checked in one exercise.

    After `check = checks("1-topics")` a cell says `check("matches")`.
    """
    return Checks(exercise)


class Direct:
    """The channel of a practice check: scenario and student share one process, their values still cross as JSON."""

    def __init__(self, student: Student) -> None:
        self._student = student

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ARG002 - calls have their own limit
        """The student's answer, as it would arrive over the check socket."""
        answer: dict[str, Any] = json.loads(json.dumps(self._student.answer(json.loads(json.dumps(request)))))
        return answer


def _ask_grader(exercise: str, question: str, student: Student) -> dict[str, Any]:
    """Ask the grader process to play, and answer what it asks until it sends the result."""
    host, _, port = os.environ[GRADER].rpartition(":")
    opening = {"op": "check", "exercise": exercise, "question": question, "secret": os.environ.get(SECRET, "")}
    try:
        with socket.create_connection((host, int(port)), timeout=120) as link, link.makefile("rwb") as file:
            _send(file, opening)
            while True:
                request = _receive(file)
                if request["op"] == "result":
                    result: dict[str, Any] = request["result"]
                    return result
                _send(file, student.answer(request))
    except (OSError, ValueError) as error:
        raise GradingError(sentences.gone(f"the grader did not answer: {error}")) from None


def _send(file: Any, message: dict[str, Any]) -> None:
    file.write(json.dumps(message).encode() + b"\n")
    file.flush()


def _receive(file: Any) -> dict[str, Any]:
    line = file.readline(LINE)
    if not line.endswith(b"\n"):
        raise ValueError("the connection ended")
    message: dict[str, Any] = json.loads(line)
    return message
