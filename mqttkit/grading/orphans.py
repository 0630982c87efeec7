"""How a grader process stands to the processes of its students: it adopts their orphans, and cannot be looked into.

An orphan is a process whose parent has ended, so that nothing leads to it any more.

A grader process on Linux adopts them: they become children of its own, and end with the kernel. Only such a process may
end all its children, for it has none but the student's; any other program that runs a kernel (nbgrader, a test, a
notebook) has children of its own, and keeps them.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

import psutil

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_SET_DUMPABLE = 4
_ROUNDS = 5  # of looking for processes that are left
_adopts = False


def adopt_orphans() -> None:
    """From now on this process is a grader: all its children are a student's. On Linux it becomes the parent of orphans."""
    global _adopts  # noqa: PLW0603 - a property of the process, as the setting of the kernel is
    if sys.platform == "linux":
        _adopts = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def keep_to_itself() -> None:
    """Linux: other processes of the same user, such as a student's, cannot look into this one by way of /proc; root can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def adopts_orphans() -> bool:
    """True in a grader process that adopts orphans."""
    return _adopts


def end_orphans(kernel: int) -> None:
    """End all children of this process but the one with the id `kernel`, whose owner waits for it; only where they are adopted."""
    for _ in range(_ROUNDS if _adopts else 0):  # what was just being forked is there in the next round
        found = [child for child in psutil.Process().children(recursive=True) if child.pid != kernel]
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=1)
