"""A kernel ends with all that its student started, and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from submissions_for_tests import untouched, wait_until

from mqttkit.errors import GradingError
from mqttkit.grading import runner, sandbox
from mqttkit.grading.kernel import Kernel, Run
from mqttkit.grading.rubric import load
from mqttkit.grading.runner import Runner


def test_the_end_of_a_kernel_is_not_the_end_of_its_neighbours(tmp_path):
    """A program that is no grader process may run several kernels, and have children of its own."""
    exercise = load("1-topics")
    boxes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        boxes.append(sandbox.make("none", exercise, name, tmp_path / name))
    one = Kernel(boxes[0])
    two = Kernel(boxes[1])
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        one.close()
        assert not one.alive()
        assert two.run("1 + 1", 10.0).end == "ok"
        assert child.poll() is None
    finally:
        two.close()
        child.communicate()
        for box in boxes:
            box.close()


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets")
@pytest.mark.parametrize(("name", "transport"), [("x", "ipc"), ("x" * 90, "tcp")])
def test_a_kernel_needs_no_port_where_its_sockets_have_a_short_path(name, transport, short):
    """A port that is picked may be somebody else's before the kernel has it."""
    (short / name).mkdir()
    box = sandbox.make("none", load("1-topics"), "seed", short / name)
    kernel = Kernel(box)
    try:
        assert kernel._manager.transport == transport
        assert kernel.run("1 + 1", 10.0).end == "ok"
    finally:
        kernel.close()
        box.close()
    assert not [*box.run.glob("zmq*")]


def test_a_kernel_that_is_lost_and_cannot_be_replaced_is_closed_once(tmp_path, monkeypatch):
    closed = []

    class Lost:
        def __init__(self, _box):
            if closed:
                raise GradingError("The student's kernel did not start: no room")

        def alive(self):
            return True

        def run(self, _source, _timeout):
            return Run("died")

        def close(self):
            closed.append(self)

    monkeypatch.setattr(runner, "Kernel", Lost)
    box = sandbox.make("none", load("1-topics"), "seed", tmp_path)
    try:
        with pytest.raises(GradingError, match="no room"):
            Runner(untouched("1-topics"), box, timeout=1, total=9).run()
    finally:
        box.close()
    assert len(closed) == 1


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets")
def test_a_box_that_cannot_be_made_leaves_no_gate(short):
    (short / "run").mkdir()
    (short / "run" / "check").touch()  # there is no room for the check socket
    before = {*threading.enumerate()}
    with pytest.raises(OSError, match="in use"):
        sandbox._bwrap(load("1-topics"), "seed", short)
    wait_until(lambda: not {t for t in threading.enumerate() if t.name == "mqttkit-gate"} - before)


@pytest.mark.skipif(sys.platform != "linux", reason="boxes are for Linux")
def test_a_folder_for_temporary_files_that_is_too_deep_is_told_before_grading(monkeypatch):
    monkeypatch.setattr(sandbox, "bwrap_works", lambda: True)
    monkeypatch.setattr(sandbox, "place", lambda levels: "/scratch/" + "x" * 90)
    with pytest.raises(GradingError, match="Set TMPDIR to a shorter one"):
        sandbox.level("auto")
    assert sandbox.level("none") == "none"
