"""Several grader processes on this machine. One that is lost is replaced, and its submission tried once more."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from types import TracebackType
from typing import IO

import psutil
from typing_extensions import Self

from mqttkit.grading.job import Job, Report, lost, pending

# Not -m: that looks for modules in the current folder first, and there may lie what students handed in.
_WORKER = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; from mqttkit.grading.worker import main; sys.exit(main())"
)
TURN = 0.2  # seconds
MARGIN = 60.0  # seconds that a grader process may take beyond the time of its submission


class Worker:
    """One grader process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._key = ""  # of the process, see worker.py
        self._start = threading.Lock()
        self._stopped = False

    def grade(self, job: Job) -> Report:
        """Grade `job`; a lost process is tried once more, then the report says so."""
        for _ in range(2):
            report = self._ask(job)
            if report is not None:
                return report
            self.close()
            if self._stopped:
                return pending(job)
        return lost(job, "The grader process was lost twice on this submission. It is worth a look by hand.")

    def _ask(self, job: Job) -> Report | None:
        process = self._started()
        if process is None:
            return None
        if not _say(process.stdin, self._key + job.as_json()):
            return None
        timer = threading.Timer(job.total + MARGIN, self.close)
        timer.start()
        try:
            return _report(process.stdout, self._key)
        finally:
            timer.cancel()

    def _started(self) -> subprocess.Popen[str] | None:
        with self._start:
            if self._stopped:
                return None
            if self._process is None or self._process.poll() is not None:
                command = [sys.executable, "-c", _WORKER]
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    text=True, encoding="utf-8", start_new_session=sys.platform != "win32",
                )  # fmt: skip
                self._key = secrets.token_hex(16)
                _say(self._process.stdin, self._key)
            return self._process

    def stop(self) -> None:
        """End the process for good: a `grade` that waits for it returns, and no other process is started."""
        with self._start:
            self._stopped = True
        self.close()

    def close(self) -> None:
        """End the process and everything it started."""
        with self._start:
            process, self._process = self._process, None
        if process is None:
            return
        _end_family(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)


def _say(pipe: IO[str] | None, line: str) -> bool:
    """Write one line to a process; False when it has gone."""
    assert pipe is not None
    try:
        pipe.write(line + "\n")
        pipe.flush()
    except OSError:
        return False
    return True


def _report(pipe: IO[str] | None, key: str) -> Report | None:
    """The next report with the right key; None when the process has gone. What else stands in the pipe is not the grader's."""
    assert pipe is not None
    for line in pipe:
        said = line.partition(key)[2]
        if said.endswith("\n"):
            report: Report = json.loads(said)
            return report
    return None


def _end_family(process: subprocess.Popen[str]) -> None:
    """End a process with its group and all its descendants; some of them may be gone already."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    if sys.platform != "win32" and process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()
    process.wait()


def _close(pipe: object) -> None:
    try:
        pipe.close()  # type: ignore[attr-defined]  # a pipe of Popen
    except OSError:
        return  # what was still to be written to a dead process


class Pool:
    """`jobs` grader processes; use it as a context manager."""

    def __init__(self, jobs: int) -> None:
        self._workers = [Worker() for _ in range(max(1, jobs))]
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)

    def grade(self, jobs: Iterable[Job]) -> Iterator[Report]:
        """The reports, each as soon as it is there."""
        with ThreadPoolExecutor(len(self._workers)) as threads:
            waiting = {threads.submit(self._one, job) for job in jobs}
            try:
                while waiting:  # in short turns: on Windows, Ctrl-C is not heard during one
                    done, waiting = wait(waiting, timeout=TURN, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            finally:
                for future in waiting:
                    future.cancel()
                self.stop()

    def _one(self, job: Job) -> Report:
        worker = self._free.get()
        try:
            return worker.grade(job)
        finally:
            self._free.put(worker)

    def stop(self) -> None:
        """End all processes, at once, and start no others."""
        for worker in self._workers:
            worker.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def local(jobs: list[Job], count: int) -> Generator[Report, None, None]:
    """Grade on this machine, `count` submissions at a time."""
    if len(jobs) == 0:
        return
    with Pool(min(count, len(jobs))) as pool:
        yield from pool.grade(jobs)


Engine = Callable[[list[Job], int], Generator[Report, None, None]]
