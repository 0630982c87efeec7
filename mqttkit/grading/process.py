"""One grader process, as seen from the process that started it: its pipes, its key, its folder, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys

import psutil

from mqttkit.grading.job import Job, Report
from mqttkit.grading.temporary import LEVELS, Folder

# Not -m: that looks for modules in the current folder first, and there may lie what students handed in.
_WORKER = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; from mqttkit.grading.worker import main; sys.exit(main())"
)


class GraderProcess:
    """A grader process with a folder of its own for everything that its students write; see worker.py for the lines it reads.

    Its end is the end of all that it started, and of the folder. When it loses its parent, it ends by itself, at once, with all
    that it started; the folder is left then, for whoever takes the time to remove it may meanwhile write half a report. The next
    run removes it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_hex(16)
        self._folder = Folder(LEVELS)
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-c", _WORKER, str(self._folder.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8", start_new_session=sys.platform != "win32",
        )  # fmt: skip
        self.pid = self._process.pid
        self._say(self._key)

    def alive(self) -> bool:
        """True while it runs."""
        return self._process.poll() is None

    def send(self, job: Job) -> None:
        """Give it a job. Where it has gone, `report` says so."""
        self._say(self._key + job.as_json())

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def report(self) -> Report | None:
        """Wait for the next report; None when the process has gone. What stands in the pipe without the key is not the grader's."""
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # a line was cut off, or the pipe is closed
            for line in self._process.stdout:
                said = line.partition(self._key)[2]
                if said:
                    report: Report = json.loads(said)
                    return report
        return None

    def end(self) -> None:
        """End it with its group and all its descendants (some may be gone already); remove its folder."""
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.pid).children(recursive=True)
        if sys.platform != "win32" and self.alive():
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        for child in family:
            with contextlib.suppress(psutil.Error):
                child.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was still to be written to a dead process
                pipe.close()  # type: ignore[union-attr]  # both are there
        self._folder.remove()
