"""How the thread of a class tells whoever started it that it runs, or why it does not."""

from __future__ import annotations

import logging
import threading

from mqttkit.errors import BrokerError

_START_SECONDS = 20.0

log = logging.getLogger("mqttkit.classroom")


class Ready:
    """Hands the outcome of the start from the thread to whoever waits for it."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.error: Exception | None = None

    def ok(self) -> None:
        """It started."""
        self._done.set()

    def fail(self, error: Exception) -> None:
        """It did not start, or broke later."""
        if self._done.is_set():
            log.error("the class has ended by itself: %s", error)
            log.debug("where it ended", exc_info=error)
        self.error = error
        self._done.set()

    def wait(self) -> None:
        """Raises what the thread raised."""
        if not self._done.wait(_START_SECONDS):
            raise BrokerError(f"The classroom did not start within {_START_SECONDS:.0f} s.")
        if self.error is not None:
            raise self.error
