"""A grader process: one job a line on its input, one report a line on its output. It ends when its input ends.

Its argument is a folder of its own. The first line is a key, and stands before every job and every report: without a box, a
student's process could find these pipes in /proc and write into them.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import queue
import sys
import tempfile
import threading

import psutil

from mqttkit.grading.job import Job, grade_one
from mqttkit.grading.orphans import adopt_orphans, keep_to_itself


def main() -> int:
    """Grade until there is no more."""
    logging.disable(logging.CRITICAL)
    adopt_orphans()
    keep_to_itself()
    tempfile.tempdir = sys.argv[1]
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # whatever a library prints must not look like a report
    if not (key := sys.stdin.readline().strip()):
        return 0  # its parent has gone before it began
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(jobs, key), daemon=True).start()
    while True:
        report = grade_one(Job(**json.loads(jobs.get())))
        output.write(key + json.dumps(report) + "\n")
        output.flush()
        gc.collect()  # what a flood left in the grader hangs in rings of references: gigabytes, and few objects


def _read(jobs: queue.Queue[str], key: str) -> None:
    """Take jobs. When the input ends, the parent has gone, or needs no more: end at once, with all that was started."""
    for line in sys.stdin:
        if job := line.partition(key)[2]:
            jobs.put(job)
    if threading.main_thread().is_alive():
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
