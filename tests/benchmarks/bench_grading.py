"""Grading 30 submissions with `mqttkit grade --jobs 2` against `nbgrader autograde`, on notebooks of the same length.

    python tests/benchmarks/bench_grading.py [--submissions 30] [--rounds 1]

The runs take turns; read the ratio. nbgrader runs a twin of the exercise: the same number of cells and lines, each check cell
with asserts in place of a scenario, so that it does less per cell than the wire grader.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
NAME = "1-topics"


def main() -> int:
    """Print seconds and ratio of each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    ratios = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="bench-grading-") as folder:
            both = [(wire, "wire"), (nbgrader, "nbgrader")]
            order = both if number % 2 == 0 else both[::-1]  # neither always meets the machine as the other left it
            seconds = {name: run(Path(folder) / name, options.submissions) for run, name in order}
        ours, theirs = seconds["wire"], seconds["nbgrader"]
        ratios.append(ours / theirs)
        print(f"round {number + 1}: mqttkit {ours:.1f} s, nbgrader {theirs:.1f} s, ratio {ratios[-1]:.2f}")
    print(f"{options.submissions} submissions: ratio {statistics.median(ratios):.2f} (bar: at most 0.60)")
    return 0


def wire(folder: Path, count: int) -> float:
    """Seconds of `mqttkit grade` on `count` solved notebooks."""
    for number in range(count):
        place = folder / "in" / f"student{number:02d}"
        place.mkdir(parents=True)
        shutil.copy(ROOT / "solutions" / f"{NAME}.ipynb", place)
    command = ["-m", "mqttkit", "grade", NAME, str(folder / "in"), "--out", str(folder / "out"), "--jobs", "2"]
    return timed(command, ROOT)


def nbgrader(folder: Path, count: int) -> float:
    """Seconds of `nbgrader autograde` on `count` twins."""
    source = folder / "source" / NAME
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "mqtt"\n')
    twin = nbformat.read(ROOT / "solutions" / f"{NAME}.ipynb", as_version=4)
    for cell in twin.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source = "assert topic_of('a', 1, 'b', 'c') == 'museum/a/1/b/c'"
    nbformat.write(twin, source / f"{NAME}.ipynb")
    timed(["-m", "nbgrader", "generate_assignment", NAME], folder)
    for number in range(count):
        place = folder / "submitted" / f"student{number:02d}" / NAME
        place.mkdir(parents=True)
        shutil.copy(source / f"{NAME}.ipynb", place)
    return timed(["-m", "nbgrader", "autograde", NAME], folder)


def timed(arguments: list[str], folder: Path) -> float:
    """Seconds that a command of this Python takes."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
