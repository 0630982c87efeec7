"""A kernel ends with all that its student started, and with nothing else."""

from __future__ import annotations

import subprocess
import sys

from mqttkit.grading import sandbox
from mqttkit.grading.kernel import Kernel
from mqttkit.grading.rubric import load


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
