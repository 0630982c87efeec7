"""Optional parts: without one a learner's test run skips with the reason, and CI fails."""

from __future__ import annotations

import importlib.util
import os

import pytest

from mqttkit.doctor.parts import PARTS, part


def need(name: str) -> str:
    """Path of the optional program `name` ("mosquitto", "chromium", "node" ... as in mqttkit.doctor.parts).

    For an importable module (`need("nbgrader")`) its name. Where it is missing the test is skipped with the reason;
    with CI=true it fails, so that a test cannot go silent there.
    """
    if any(known.name == name for known in PARTS):
        wanted = part(name)
        found = wanted.find()
        if found:
            return str(found)
        _missing(f"{name} is not installed; it is used to {wanted.purpose}. Get it: {wanted.how_to_get()}")
    if importlib.util.find_spec(name) is None:
        _missing(f"the Python package {name} is not installed. Get it: python -m pip install {name}")
    return name


def _missing(reason: str) -> None:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have every part: {reason}", pytrace=False)
    pytest.skip(reason)
