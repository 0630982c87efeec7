"""Settings for every test."""

from __future__ import annotations

import os

import pytest

# Kernels must be those of this environment, also where a user-wide Jupyter is installed.
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"


@pytest.fixture(autouse=True)
def own_broker(monkeypatch):
    """Tests do not go to a broker that the person at the keyboard has set for their lessons."""
    monkeypatch.delenv("MQTTKIT_BROKER", raising=False)
