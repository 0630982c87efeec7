"""Predictions, quizzes, grids: remembered, compared with what was measured, kind to those who did not answer."""

import json
import stat
import sys

import pytest

from mqttkit import InvalidArgument, Quiz, match_grid, predict, progress, reveal
from mqttkit.widgets.answers import same


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path))
    return tmp_path


def click(widget, action, **values):
    widget._received(widget, {"type": "do", "action": action, "values": values}, [])


@pytest.mark.parametrize(
    ("given", "right"),
    [("22", 22.0), ("22,5", 22.5), (" Drop  it ", "drop it"), ("yes", True), ("“21.5”", b"21.5"), ("a, b", {"b", "a"})],
)
def test_answers_that_say_the_same(given, right):
    assert same(given, right)


@pytest.mark.parametrize(("given", "right"), [("22", 23), ("no", True), ("", "x"), ("2", "QoS 2")])
def test_answers_that_differ(given, right):
    assert not same(given, right)


def test_a_right_prediction_is_compared_with_what_was_measured():
    asked = predict("copies", "How many copies?", [0, 1, 2])
    click(asked, "answer", given="2")
    shown = reveal("copies", 2)
    assert shown.state().content["right"] is True
    assert "that is what happened" in shown.state().content["verdict"]


def test_a_wrong_prediction_gets_the_explanation_of_that_answer():
    asked = predict("copies", "How many?", {"0": "It was kept.", "1": "QoS 2 needs the session.", "2": "?"})
    click(asked, "answer", given="1")
    shown = reveal("copies", 2)
    assert shown.state().content["right"] is False
    assert shown.state().content["verdict"] == "You predicted “1”. It was “2”. QoS 2 needs the session."


def test_a_notebook_run_straight_through_goes_on():
    predict("copies", "How many?", ["1", "2"])
    shown = reveal("copies", "2")
    assert "no prediction" in shown.state().content["verdict"]
    assert shown.text() == "Measured: 2"
    assert progress.load("answers", "copies") is None


def test_an_answer_after_the_reveal_is_compared_too():
    asked = predict("copies", "How many?", ["1", "2"])
    shown = reveal("copies", "2")
    click(asked, "answer", given="1")
    assert shown.state().content["right"] is False


def test_a_prediction_is_remembered_by_the_next_kernel():
    click(predict("copies", "How many?", ["1", "2"]), "answer", given="1")
    assert predict("copies", "How many?", ["1", "2"]).given == "1"


def test_a_remembered_answer_that_is_no_option_any_more_is_forgotten():
    progress.record("answers", "copies", {"given": "seven"})
    assert predict("copies", "How many?", ["1", "2"]).given is None


def test_the_still_twin_holds_nobodys_answer():
    empty = predict("copies", "How many?", ["1", "2"]).text(), reveal("copies", "2").text()
    click(predict("copies", "How many?", ["1", "2"]), "answer", given="2")
    assert (predict("copies", "How many?", ["1", "2"]).text(), reveal("copies", "2").text()) == empty


def test_an_option_that_is_none_is_refused_in_the_widget():
    asked = predict("copies", "How many?", ["1", "2"])
    click(asked, "answer", given="<img>")
    assert asked.given is None
    assert "not one of the options" in asked.error


def test_reveal_without_a_question_names_those_that_were_asked():
    predict("copies", "How many?")
    with pytest.raises(InvalidArgument, match="copies"):
        reveal("copys", 2)


def test_a_quiz_explains_each_wrong_answer():
    quiz = Quiz("meter", "Which QoS?", {"0": "A whole day is missing.", "1": True, "2": "You pay for nothing."})
    click(quiz, "answer", given="0")
    assert (quiz.right, quiz.verdict()) == (False, "Not quite. A whole day is missing.")
    click(quiz, "answer", given="1")
    assert (quiz.right, quiz.verdict()) == (True, "Right.")
    assert "✓" not in quiz.text()


def test_a_short_answer_may_have_several_right_forms():
    quiz = Quiz("port", "Which port is MQTT over TLS?", answer=["8883", "port 8883"], hint="One of 1883 and 8883.")
    click(quiz, "answer", given=" Port  8883 ")
    assert quiz.right
    click(quiz, "answer", given="1883")
    assert quiz.verdict() == "One of 1883 and 8883."


def test_a_quiz_without_a_right_answer_is_a_mistake_of_its_author():
    with pytest.raises(InvalidArgument, match="right option"):
        Quiz("q", "Why?", {"a": "no"})
    with pytest.raises(InvalidArgument, match="answer="):
        Quiz("q", "Why?")


def test_a_grid_is_compared_pair_by_pair_and_explained():
    grid = match_grid("wild", ["home/+", "home/#"], ["home", "home/kitchen"])
    click(grid, "answer", pairs=[["home/+", "home/kitchen"], ["home/#", "home/kitchen"], ["evil", "x"]])
    shown = grid.reveal({"home/+": {"home/kitchen"}, "home/#": {"home", "home/kitchen"}})
    assert grid.wrong() == [("home/#", "home")]
    assert shown.verdict() == "3 of your 4 answers are right."
    assert len(shown.reasons()) == 1
    assert shown.text().splitlines() == ["filter  home  home/kitchen", "home/+  no    yes", "home/#  yes   yes"]


def test_a_grid_run_straight_through_shows_what_was_measured():
    grid = match_grid("wild", ["#"], ["a"])
    assert "no prediction" in grid.reveal({"#": ["a"]}).verdict()
    with pytest.raises(InvalidArgument, match="#"):
        grid.reveal({})


def test_records_are_for_the_learner_only_and_survive_a_broken_file(home):
    progress.record("answers", "first", {"given": "ä"})
    path = home / "answers" / "first.json"
    assert json.loads(path.read_text(encoding="utf-8")) == {"given": "ä"}
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("{", encoding="utf-8")
    assert progress.load("answers", "first") is None
    assert [p.name for p in path.parent.iterdir()] == ["first.json"]


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 81])
def test_a_name_cannot_leave_the_folder(name):
    with pytest.raises(InvalidArgument):
        progress.record("answers", name, {})
