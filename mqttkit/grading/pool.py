"""Several grader processes on this machine. One that is lost is replaced, and its submission tried once more."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from types import TracebackType

from typing_extensions import Self

from mqttkit.grading.job import Job, Report, lost, pending
from mqttkit.grading.process import GraderProcess

TURN = 0.2  # seconds
MARGIN = 60.0  # seconds that a grader process may take beyond the time of its submission


class Worker:
    """A place for one grader process."""

    def __init__(self) -> None:
        self._process: GraderProcess | None = None
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
        process.send(job)
        timer = threading.Timer(job.total + MARGIN, self.close)
        timer.start()
        try:
            return process.report()
        finally:
            timer.cancel()

    def _started(self) -> GraderProcess | None:
        with self._start:
            if self._process is not None and not self._process.alive():
                self._process.end()
                self._process = None
            if not self._stopped and self._process is None:
                self._process = GraderProcess()
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
        if process is not None:
            process.end()


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
