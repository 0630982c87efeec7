"""Waiting for what another thread does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def until(done: Callable[[], Any], timeout: float = 5) -> None:
    """Wait until `done()` is true; a test that waits longer than `timeout` seconds has failed."""
    end = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < end, "waited for in vain"
        threading.Event().wait(0.005)
