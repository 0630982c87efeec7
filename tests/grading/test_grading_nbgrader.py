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

from mqttkit.errors import GradingError
from mqttkit.grading.notebooks import checksum, student_version, tag
from mqttkit.grading.rubric import Result, load
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


EVIL = """
from pathlib import Path
from mqttkit.grading.rubric import Exercise
Path(r"{}").write_text("code of a student ran in the instructor's process")
exercise = Exercise("mine")
"""


@pytest.mark.slow
def test_a_submission_names_and_brings_no_exercise(tmp_path):
    """The metadata of one submission names a file of its own, of another a path, and one has lost its metadata."""
    need("nbgrader")
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    source = tmp_path / "source" / "lamp"
    source.mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / "1-topics.ipynb", source)
    nbgrader(tmp_path, "generate_assignment", "lamp")
    for student, claimed in (("mine", "mine"), ("path", "../lamp/mine"), ("none", None)):
        folder = tmp_path / "submitted" / student / "lamp"
        folder.mkdir(parents=True)
        notebook = solved("1-topics")
        notebook.metadata["mqttkit"] = {"exercise": claimed} if claimed else {}
        nbformat.write(notebook, folder / "1-topics.ipynb")
        (folder / "mine.py").write_text(EVIL.format(tmp_path / "ran"))
    nbgrader(tmp_path, "autograde", "lamp")
    nbgrader(tmp_path, "export")
    assert not (tmp_path / "ran").exists()
    scores = {row.split(",")[3]: row.split(",")[7] for row in (tmp_path / "grades.csv").read_text().splitlines()[1:]}
    assert scores == {"mine": "25.0", "path": "25.0", "none": "25.0"}


@pytest.mark.filterwarnings("ignore:User-placed attribute")  # nbgrader 0.9.5, the last on Python 3.10, and SQLAlchemy
@pytest.mark.parametrize(("theirs", "seconds"), [(30, 30.0), (1, 1.0), (-1, 600.0), (0, 600.0), (None, 600.0)])
def test_the_limit_of_nbgrader_is_kept_and_none_is_no_limit(theirs, seconds):
    need("nbgrader")
    from mqttkit.grading.nbgrader_hook import _seconds

    assert _seconds(theirs) == seconds


@pytest.mark.filterwarnings("ignore:User-placed attribute")
def test_a_fault_of_the_grader_is_no_0():
    need("nbgrader")
    from mqttkit.grading.nbgrader_hook import _judged

    result = Result(load("1-topics")["name"], [], "error", "The grader itself failed: KeyError: 3")
    with pytest.raises(GradingError, match="name: The grader itself failed: KeyError: 3"):
        _judged(result, "")
    assert _judged(None, "not run")[0]["text"] == "not run"


@pytest.mark.parametrize("name", ["../x", "a/b", "C:x", "", "x\n", "."])
def test_only_a_name_is_a_name(name, tmp_path):
    (tmp_path / "x.py").write_text(EVIL.format(tmp_path / "ran"))
    with pytest.raises(GradingError, match="no name of an exercise"):
        load(name, tmp_path / "in")
    assert not (tmp_path / "ran").exists()


@pytest.mark.filterwarnings("ignore:User-placed attribute")  # nbgrader 0.9.5, the last on Python 3.10, and SQLAlchemy
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
    from mqttkit.grading import checks

    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(GradingError, match="INSTRUCTORS"):
        checks("1-topics")("name")
