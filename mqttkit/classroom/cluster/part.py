"""One program of a cluster: runs until it is ended, and what it said last is kept."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections import deque

from mqttkit._lifetime import Child
from mqttkit.errors import BrokerError

_LINES_KEPT = 20
_CHARACTERS_TOLD = 600


class Part:
    """A program that prints a line when it is ready.

    Args:
        command: program and arguments.
        env: its environment.
    """

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self._child = Child(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._until_ready: queue.Queue[str | None] | None = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self._until_ready,), daemon=True)
        self._reader.start()

    def _read(self, until_ready: queue.Queue[str | None]) -> None:
        """Read to the end, so that the program never blocks on a full pipe."""
        output = self._child.process.stdout
        assert output is not None
        with output:
            for line in output:
                self._said.append(line.strip())
                if self._until_ready is not None:
                    until_ready.put(line)
        until_ready.put(None)

    def line_with(self, sign: str, timeout: float) -> str:
        """The line of output that contains `sign`; BrokerError where none comes within `timeout` seconds."""
        lines, end = self._until_ready, time.monotonic() + timeout
        assert lines is not None
        while (line := _next(lines, end)) is not None:
            if sign in line:
                self._until_ready = None  # what follows is kept by `said` only
                return line
        raise BrokerError(f"A part of the cluster did not start: {self.said() or 'it said nothing'}")

    def said(self) -> str:
        """What it said last, in one line."""
        return " ".join(list(self._said))[-_CHARACTERS_TOLD:]

    def exit_code(self) -> int | None:
        """The exit code of a program that has ended, else None."""
        return self._child.process.poll()

    def end(self, *, at_once: bool = False) -> None:
        """End it, and its reader; `at_once` as a power cut would."""
        self._child.end(at_once=at_once)
        self._reader.join(1)


def _next(lines: queue.Queue[str | None], end: float) -> str | None:
    try:
        return lines.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        return None
