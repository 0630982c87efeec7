"""A kernel ends with all that its student started, and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from submissions_for_tests import solved, untouched, wait_until

from mqttkit.errors import GradingError
from mqttkit.grading import runner, sandbox
from mqttkit.grading.kernel import Kernel
from mqttkit.grading.messages import Messages, Run
from mqttkit.grading.rubric import load
from mqttkit.grading.runner import Runner
from mqttkit.grading.usage import Caps


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


@pytest.fixture
def boxed(short):
    """A box without walls."""
    box = sandbox.make("none", load("1-topics"), "seed", short)
    yield box
    box.close()


def peak():
    """The most memory that this process has had since the last `forget_peak`, in bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def forget_peak():
    """From now on the peak is counted anew."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in /proc")
def test_what_a_cell_prints_or_shows_costs_the_grader_nothing(boxed):
    kernel = Kernel(boxed)
    try:
        forget_peak()
        before = peak()
        assert kernel.run("for _ in range(25): print('x' * 3_000_000, flush=True)", 20.0) == Run()
        assert kernel.run("'x' * 60_000_000", 20.0) == Run()
        assert peak() - before < 30 << 20
    finally:
        kernel.close()


def test_a_kernel_whose_answer_is_too_large_is_given_up_at_once(boxed):
    kernel = Kernel(boxed)
    try:
        begun = time.monotonic()
        ended = kernel.run("raise ValueError('x' * 6_000_000)", 60.0)
        assert (ended.end, "larger than 4 MB" in ended.why) == ("died", True)
        assert kernel.run("1", 60.0).end == "died", "nothing waits for a connection that has ended"
        assert time.monotonic() - begun < 50
    finally:
        kernel.close()


@pytest.mark.parametrize("lives", [20, 100_000])
def test_a_kernel_that_takes_a_moment_to_end_has_not_only_fallen_silent(lives):
    """Its sockets are gone first, and on a busy machine long before."""
    looks = iter([True] * lives + [False])
    messages = SimpleNamespace(_monitor=SimpleNamespace(poll=lambda milliseconds: 1), _alive=lambda: next(looks))
    assert Messages._cut_off(messages) == (lives > 20)


def test_a_kernel_that_swells_the_grader_is_ended(boxed):
    """Whatever way there is to send: the grader looks at its own memory, too."""
    kernel = Kernel(boxed, Caps(grader=20 << 20))
    swollen = b"x" * (60 << 20)
    try:
        ended = kernel.run("import time\ntime.sleep(30)", 30.0)
        assert (ended.end, ended.why) == ("died", "what it sent took the grader more than 20 MB of memory")
    finally:
        kernel.close()
    del swollen


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


def test_nothing_is_run_when_the_time_for_the_whole_notebook_is_over(tmp_path, monkeypatch):
    """Each cell takes 4 s here: the third is stopped after 1 s, and with it the time for everything is over."""
    limits, now = [], [0.0]

    class Slow:
        def __init__(self, _box):
            pass

        def alive(self):
            return True

        def run(self, _source, timeout):
            limits.append(timeout)
            now[0] += min(timeout, 4.0)
            return Run("ok" if timeout >= 4.0 else "interrupted")

        def close(self):
            pass

    monkeypatch.setattr(runner, "Kernel", Slow)
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: now[0]))
    box = sandbox.make("none", load("1-topics"), "seed", tmp_path)
    try:
        outcome = Runner(solved("1-topics"), box, timeout=5.0, total=9.0).run()
    finally:
        box.close()
    assert limits == [5.0, 5.0, 1.0]
    assert outcome.status == "timeout"
    assert outcome.note.endswith("was stopped when the whole notebook had taken 9 s.")
    assert list(outcome.unplayed) == list(load("1-topics").questions)
    assert {*list(outcome.unplayed.values())[1:]} == {"The whole notebook took longer than 9 s."}


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
