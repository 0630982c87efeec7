"""End the processes that a finished test run left behind, and name them. Used by .ci/run.

    python tests/support/leftovers.py FOLDER

A process belongs to the run when its environment has FOLDER as the place for temporary files; a box of bubblewrap, which has no
environment, when its command line names something in FOLDER. Exit code 1 when there was one.
"""

from __future__ import annotations

import os
import sys

import psutil


def main(folder: str) -> int:
    """End what belongs to the run in `folder`; 1 when anything did."""
    others = (process for process in psutil.process_iter() if process.pid != os.getpid())
    found = [process for process in others if _belongs(process, folder)]
    _, alive = psutil.wait_procs(found, timeout=5)  # those that are just about to end do not count
    for process in alive:
        print(f"left running by a test: {process.pid} {' '.join(_command(process))}", file=sys.stderr)
        process.kill()
    psutil.wait_procs(alive, timeout=5)
    return 1 if alive else 0


def _belongs(process: psutil.Process, folder: str) -> bool:
    try:
        boxed = process.name() == "bwrap" and any(part.startswith(f"{folder}/") for part in process.cmdline())
        known = boxed or process.environ().get("TMPDIR", "").startswith(folder)
        return known and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False  # another user's, or gone


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ["(gone)"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
