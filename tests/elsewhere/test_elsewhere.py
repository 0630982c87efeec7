"""Scenes on brokers that are not everywhere: live and recorded show the same."""

from __future__ import annotations

import pytest

from mqttkit import InvalidArgument
from mqttkit.doctor import parts
from mqttkit.elsewhere import on_cluster, on_mosquitto, what_is_here
from support import need


def scene(lab):
    ada = lab.client("ada", protocol=5)
    with lab.record() as story:
        ada.subscribe("a/#", qos=1)
        ada.publish("a/b", "x", qos=1)
        ada.wait_for(1)
    return story


def test_the_recording_of_a_scene_shows_what_the_scene_showed(tmp_path, monkeypatch):
    need("mosquitto")
    file = tmp_path / "scene.jsonl"
    live = on_mosquitto(scene, file)
    assert "SUBACK" in live.text()
    before = file.read_bytes()
    assert on_mosquitto(scene, file).text() == live.text()
    assert file.read_bytes() == before  # a recording is made once
    monkeypatch.setattr(parts, "find_program", lambda command: None)
    assert on_mosquitto(scene, file).text() == live.text()


def test_without_broker_and_recording_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "find_program", lambda command: None)
    for play in (on_mosquitto, on_cluster):
        with pytest.raises(InvalidArgument, match=r"recording 'gone\.jsonl' is not in its folder"):
            play(scene, tmp_path / "gone.jsonl")


def test_what_is_missing_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(parts, "find_program", lambda command: None)
    assert what_is_here().count("from a recording. To get it: ") == 2
