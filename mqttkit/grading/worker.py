"""A grader process: one job a line on its input, one report a line on its output. It ends when its input ends."""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading

import psutil

from mqttkit.grading.job import Job, grade_one
from mqttkit.grading.orphans import adopt_orphans


def main() -> int:
    """Grade until there is no more."""
    logging.disable(logging.CRITICAL)
    adopt_orphans()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # whatever a library prints must not look like a report
    jobs: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    while (line := jobs.get()) is not None:
        report = grade_one(Job(**json.loads(line)))
        output.write(json.dumps(report) + "\n")
        output.flush()
    return 0


def _read(jobs: queue.Queue[str | None]) -> None:
    """Take jobs. When the input ends while one is at work, its parent has gone: end at once, with all that was started."""
    for line in sys.stdin:
        jobs.put(line)
    if threading.main_thread().is_alive():
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
