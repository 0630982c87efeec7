"""A missing part skips on a laptop and fails in CI."""

from __future__ import annotations

import os

import pytest

from mqttkit.doctor.parts import PARTS, Part, find_program
from support import need


@pytest.mark.parametrize("name", ["mosquitto", "no_such_package"])
def test_missing_skips_with_the_reason_and_fails_in_ci(name, monkeypatch):
    monkeypatch.setattr(Part, "find", lambda _: None)
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match=f"{name} is not installed.*Get it"):
        need(name)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"CI must have every part.*{name}"):
        need(name)


def test_present_gives_the_program_or_the_name():
    assert need("pytest") == "pytest"
    python = find_program("python3") or find_program("python")
    assert python is None or os.access(python, os.X_OK)


def test_every_part_says_what_for_and_how_to_get_it():
    for part in PARTS:
        assert part.purpose
        assert part.how_to_get()
