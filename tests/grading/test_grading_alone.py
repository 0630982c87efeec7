"""What a student started ends with the grader, even when that is killed, at whatever moment."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from submissions_for_tests import ROOT, wait_until

from mqttkit.grading import sandbox
from support import leftovers

BOXED = pytest.mark.skipif(not sandbox.bwrap_works(), reason="bubblewrap does not work here")
POSIX = pytest.mark.skipif(os.name != "posix", reason="a Unix process group")

GRADER = """
import sys, tempfile
from pathlib import Path
from mqttkit.grading import kernel, sandbox
from mqttkit.grading.rubric import load
tempfile.tempdir, level, early, cell = sys.argv[1:]
folder = Path(tempfile.mkdtemp())
box = sandbox.make(level, load("1-topics"), "seed", folder)
if early == "early":
    late = "import os, sys, time\\nwhile os.getppid() == int(sys.argv[1]): time.sleep(0.01)\\nos.execvp(sys.argv[2], sys.argv[2:])"
    box.spec.argv[:0] = [sys.executable, "-c", late, str(__import__("os").getpid())]
    launch = kernel.Kernel._launch
    kernel.Kernel._launch = lambda self, link: (launch(self, link), print(self._process.pid, flush=True))
running = kernel.Kernel(box)
assert running.run(cell, 20.0).end == "ok"
print(running._process.pid, flush=True)
sys.stdin.read()
"""


def killed(folder, level, early, cell="1"):
    """Start a grader with a kernel whose files are in `folder`, and kill it: the first process that it started.

    Args:
        level: of the box.
        early: "early": the kernel, or its box, begins only when the grader has gone; "late": the kernel has run `cell`.
    """
    command = [sys.executable, "-c", GRADER, str(folder), level, early, cell]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as grader:
        first = psutil.Process(int(grader.stdout.readline()))
        grader.kill()
    return first


def left(folder):
    """The processes that name `folder` in their command line or are called so."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process] if str(folder) in " ".join(process.cmdline()) else []
        except psutil.Error:
            continue  # it has just ended
    return found


@pytest.mark.parametrize(
    ("level", "early"),
    [
        pytest.param("bwrap", "early", marks=BOXED),
        pytest.param("bwrap", "late", marks=BOXED),
        pytest.param("none", "early", marks=POSIX),
        pytest.param("none", "late", marks=POSIX),
    ],
)
def test_nothing_outlives_a_grader_that_is_killed(level, early, short):
    """bubblewrap ends with its parent only when that dies after the box is set up, and ipykernel without what it started."""
    child = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {str(short)!r}])"
    try:
        killed(short, level, early, child).wait(20)
        wait_until(lambda: not left(short))
    finally:
        for process in left(short):
            process.kill()


@BOXED
def test_a_box_that_is_left_is_found_by_the_check_after_the_tests(short):
    """Its environment is empty: its command line tells to which run it belongs."""
    (short / "run").mkdir()
    command = [*sandbox._bwrap_command(short / "run", {}), sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}) as box:
        assert box.stdout.readline() == "up\n"
        process = psutil.Process(box.pid)
        assert leftovers._belongs(process, str(short))
        assert not leftovers._belongs(process, f"{short}-another-run")
        box.communicate("\n", timeout=10)
