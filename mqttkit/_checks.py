"""Checks that every part of the kit needs."""

from __future__ import annotations

import threading
from typing import Any

from mqttkit.errors import InvalidArgument


def check_timeout(timeout: Any) -> float:
    """`timeout` in seconds: nothing in this kit waits for ever."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < float("inf"):
        raise InvalidArgument(
            f"timeout is a number of seconds, 0 or more, not {timeout!r}. Nothing here waits without an end: try timeout=5."
        )
    return min(float(timeout), threading.TIMEOUT_MAX / 2)  # the clock, too, must have room for it
