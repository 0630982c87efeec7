"""Waiting that allows for a busy machine. Pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable

TURN = 0.02  # seconds
MOST = 10  # times `timeout`, in real seconds: then it is over in any case


def wait(done: Callable[[], object], pause: Callable[[float], object], timeout: float) -> float | None:
    """Wait until `done()`, in turns of `pause(TURN)`.

    A turn counts as `TURN` seconds at most. Where everybody is slow because the machine is busy, a turn takes longer than it
    counts, so `timeout` grows by itself, and the same answer gets the same mark. On an idle machine it is what it says.

    Returns:
        The seconds that counted, or None when `done()` was not true after `timeout` of them.
    """
    spent, end = 0.0, time.monotonic() + timeout * MOST
    while not done():
        if spent >= timeout or time.monotonic() > end:
            return None
        begun = time.monotonic()
        pause(TURN)
        spent += min(time.monotonic() - begun, TURN)
    return spent
