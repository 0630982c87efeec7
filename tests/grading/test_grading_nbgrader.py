"""The same files in nbgrader's own pipeline: generate_assignment, autograde, generate_feedback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from submissions_for_tests import NAMES, ROOT, solved, untouched, with_cells

from mqttkit.grading.notebooks import checksum, student_version, tag
from support import need

NAME = "6-broken-clients"
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "mqtt"
from mqttkit.grading import nbgrader_hook
nbgrader_hook.configure(c)
"""


def nbgrader(folder, *arguments):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it starts alembic by its name
    environment = {
        **os.environ,
        "PATH": path,
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.slow
def test_release_autograde_and_feedback(tmp_path):
    need("nbgrader")
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    source = tmp_path / "source" / NAME
    source.mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / f"{NAME}.ipynb", source)
    nbgrader(tmp_path, "generate_assignment", NAME)
    released = nbformat.read(tmp_path / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    assert [c.source for c in released.cells] == [c.source for c in untouched(NAME).cells]
    half = with_cells(solved(NAME), deaf="def start_deaf(broker): return 1", check_old="3.0")
    for student, notebook in (("right", solved(NAME)), ("nothing", released), ("half", half)):
        folder = tmp_path / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    nbgrader(tmp_path, "autograde", NAME)
    nbgrader(tmp_path, "generate_feedback", NAME)
    nbgrader(tmp_path, "export")
    scores = {row.split(",")[3]: row.split(",")[7] for row in (tmp_path / "grades.csv").read_text().splitlines()[1:]}
    assert scores == {"right": "18.0", "nothing": "0.0", "half": "15.0"}
    page = (tmp_path / "feedback" / "half" / NAME / f"{NAME}.html").read_text()
    assert "not yet" in page


@pytest.mark.parametrize("name", NAMES)
def test_checksums_are_those_of_nbgrader(name):
    need("nbgrader")
    from nbgrader.utils import compute_checksum

    notebook = student_version(solved(name))
    tagged = [cell for cell in notebook.cells if tag(cell)]
    assert tagged
    assert [checksum(cell) for cell in tagged] == [compute_checksum(cell) for cell in tagged]
    assert [cell.metadata.nbgrader.checksum for cell in tagged] == [compute_checksum(cell) for cell in tagged]


def test_without_the_hook_nobody_gets_points_for_nothing(monkeypatch):
    from mqttkit.errors import GradingError
    from mqttkit.grading import checks

    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(GradingError, match="INSTRUCTORS"):
        checks("1-topics")("name")
