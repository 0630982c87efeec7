"""A question that may take long, for those who cannot wait: what shows the answer goes on with the last one meanwhile."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds that an answer is waited for."""
SILENT = 1.5
"""Seconds without an answer after which whoever was asked is said to be silent."""


class Asker(Generic[T]):
    """Asks in a thread of its own, one question at a time; the thread ends with its answer.

    One thread serves all widgets of a notebook. A broker that stands still answers after many seconds or not at all, and
    only the widgets of that broker may show it.

    Args:
        question: what to ask; called in that thread.
        last: what counts as the answer until there is one.
        told: called when an answer comes that nobody has waited for.
        failed: called with the error where there is no answer; the last one goes on to count.
    """

    def __init__(
        self, question: Callable[[], T], last: T, told: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        self._question, self._last, self._told, self._failed = question, last, told, failed
        self._done = threading.Condition()
        self._wanted = self._got = 0  # numbers of questions
        self._since: float | None = None  # when the question was asked that is out now
        self._late = False

    @property
    def silent(self) -> bool:
        """Whether a question has been out for long."""
        since = self._since
        return since is not None and time.monotonic() - since > SILENT

    def latest(self, patience: float = PATIENCE) -> T:
        """The answer as of now, or the last one there was if it does not come within `patience` seconds."""
        with self._done:
            self._wanted += 1
            mine = self._wanted
            if self._since is None:
                self._since = time.monotonic()
                threading.Thread(target=self._ask, name="mqttkit-asker", daemon=True).start()
            if not self._late:  # who owes an answer already is not waited for again
                self._late = not self._done.wait_for(lambda: self._got >= mine, patience)
            return self._last

    def _ask(self) -> None:
        more = True
        while more:
            number = self._wanted
            try:
                self._last = self._question()
            except Exception as error:  # noqa: BLE001 - handed over to be shown
                self._failed(error)
            more = self._finish(number)

    def _finish(self, number: int) -> bool:
        """The question `number` is dealt with; True when there is a newer one."""
        with self._done:
            self._got = number
            more = self._wanted > number
            self._since = time.monotonic() if more else None
            late, self._late = self._late, False
            self._done.notify_all()
        if late:
            self._told()
        return more
