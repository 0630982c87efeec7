"""What several tests of grading need."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def short():
    """A folder for temporary files whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="mk-") as folder:
        yield Path(folder)
