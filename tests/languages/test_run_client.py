"""`run_client` of lesson 10: what it says where something is missing or goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqttkit import InvalidArgument, Lab
from mqttkit.doctor import parts
from mqttkit.languages import LANGUAGES, run_client

CLIENTS = Path(__file__).parents[2] / "notebooks" / "clients"


def greet(lab):
    python = lab.client("python")

    @python.on("hello/+")
    def answer(message):
        if message.topic != "hello/python":
            python.publish("hello/python", "Hi", qos=1)

    python.subscribe("hello/+", qos=1)


def test_the_microcontroller_runs_everywhere():
    with Lab() as lab:
        greet(lab)
        ran = run_client("microcontroller", lab, CLIENTS)
    assert (ran.ok, str(ran)) == (True, "microcontroller received hello/python Hi")


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "microcontroller"])
def test_a_missing_program_is_named_with_the_way_to_get_it(language, monkeypatch):
    monkeypatch.setattr(parts, "find_program", lambda command: None)
    with Lab() as lab:
        ran = run_client(language, lab, CLIENTS)
    assert not ran.ok
    assert "is not installed here. To get it: " in ran.text


def test_a_broker_that_is_gone_is_an_answer_not_a_traceback():
    with Lab() as lab:
        pass
    ran = run_client("microcontroller", lab, CLIENTS)
    assert not ran.ok
    assert ran.text.startswith("failed: ConnectionRefusedError")


def test_nobody_answers_ends_in_time(monkeypatch):
    monkeypatch.setattr("mqttkit.languages._SECONDS", 1.5)
    with Lab() as lab:
        ran = run_client("microcontroller", lab, CLIENTS)
    assert (ran.ok, ran.text.split(".")[0]) == (False, "did not end within 2 s")


@pytest.mark.parametrize(
    ("language", "folder", "word"), [("cobol", CLIENTS, "There are: javascript"), ("php", "nowhere", "folder")]
)
def test_wrong_arguments_are_refused_with_a_sentence(language, folder, word):
    with Lab() as lab, pytest.raises(InvalidArgument, match=word):
        run_client(language, lab, folder)
