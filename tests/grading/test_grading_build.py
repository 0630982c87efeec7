"""Student versions: up to date, complete, resettable; and an exercise of an instructor's own, as INSTRUCTORS.md shows it."""

from __future__ import annotations

import json
import re
import shutil
import zipfile

import nbformat
import pytest
from submissions_for_tests import NAMES, ROOT, grade, solved, untouched

from mqttkit.errors import GradingError
from mqttkit.grading import build, commands
from mqttkit.grading.notebooks import is_check, question_of, student_version, tag, without_solution
from mqttkit.grading.rubric import fingerprint, load


def test_exercises_are_up_to_date():
    """Fails when a solution changed and `mqttkit exercises build` was not run."""
    assert build.build(ROOT / "solutions", ROOT / "exercises", check=True) == []


def test_check_tells_what_is_stale(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    (tmp_path / "exercises" / "2-qos.ipynb").write_text("{}")
    (tmp_path / "exercises" / "7-orphan.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert commands.exercises("reset", "1-topics") == 0
    assert "1-topics.1.old.ipynb" in capsys.readouterr().out, "kept, and no reason to complain"
    assert commands.exercises("build", check=True) == 1
    said = capsys.readouterr().out
    assert "2-qos.ipynb" in said
    assert "7-orphan.ipynb" in said
    assert "1-topics" not in said


@pytest.mark.parametrize("name", NAMES)
def test_notebook_and_rubric_agree(name):
    exercise = load(name)
    cells = solved(name).cells
    checks = {question_of(cell): tag(cell)["points"] for cell in cells if is_check(cell)}
    assert checks == {q.id: q.points for q in exercise.questions.values()}
    assert f"{exercise.points:g} points" in cells[0].source
    assert exercise.title in cells[0].source
    assert all(cell.source == f'check("{question_of(cell)}")' for cell in cells if is_check(cell))
    assert all(len(q.hints) == 3 for q in exercise.questions.values())
    assert len({tag(cell)["grade_id"] for cell in cells if tag(cell)}) == len([c for c in cells if tag(c)])


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_is_left_in_the_student_version(name):
    text = json.dumps(untouched(name))
    assert "SOLUTION" not in text
    assert '"outputs": [{' not in text
    answers = re.findall(
        r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", "\n".join(c.source for c in solved(name).cells), re.DOTALL
    )
    lines = {line.strip() for answer in answers for line in answer.splitlines() if len(line.strip()) > 25}
    given = "\n".join(str(cell.source) for cell in untouched(name).cells if cell.cell_type == "code")
    assert name == "6-broken-clients" or not [line for line in lines if line in given]


def test_lessons_exist_or_are_planned():
    known = {f"{number:02d}" for number in range(13)}
    assert all(q.lesson[:2] in known for name in NAMES for q in load(name).questions.values())


def test_fingerprints_are_those_of_the_broken_clients():
    given = {k: v for q in load("6-broken-clients").questions.values() for k, v in q.given.items()}
    found = {}
    for cell in untouched("6-broken-clients").cells:
        if tag(cell).get("solution"):
            found[re.search(r"def (start_\w+)", cell.source)[1]] = fingerprint(cell.source)
    assert found == given


def test_an_unclosed_solution_is_refused():
    with pytest.raises(GradingError, match="END SOLUTION is missing"):
        without_solution("### BEGIN SOLUTION\nx = 1")


def test_reset_keeps_the_old_one(tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    mine = tmp_path / "exercises" / "2-qos.ipynb"
    mine.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    for work in ("first", "second"):
        mine.write_text(work)
        assert commands.exercises("reset", "2-qos") == 0
    assert mine.read_bytes() == (ROOT / "exercises" / "2-qos.ipynb").read_bytes()
    assert [(mine.parent / f"2-qos.{n}.old.ipynb").read_text() for n in (1, 2)] == ["first", "second"]
    assert "2-qos.2.old.ipynb" in capsys.readouterr().out


def test_reset_without_solutions_says_what_to_do(tmp_path, monkeypatch, capsys):
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path)
    assert commands.exercises("reset", "2-qos") == 2
    assert "--from" in capsys.readouterr().err


@pytest.fixture
def lamp(tmp_path, monkeypatch):
    """A course folder with the worked example of INSTRUCTORS.md: its scenario, and the notebook of its cells."""
    page = (ROOT / "INSTRUCTORS.md").read_text("utf-8")
    part = page[page.index("## Writing an exercise") :]
    scenario, cells = (re.search(rf"```{kind}\n(.*?)```", part, re.DOTALL)[1] for kind in ("python", "json"))
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "5-my-lamp.py").write_text(scenario)
    notebook = nbformat.v4.new_notebook()
    for cell in json.loads(cells):
        notebook.cells.append(nbformat.v4.new_code_cell("\n".join(cell["source"]), metadata=cell["metadata"]))
    nbformat.write(notebook, tmp_path / "solutions" / "5-my-lamp.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_worked_example_of_the_instructors_page(lamp):
    """Followed to the letter: built and graded."""
    assert commands.exercises("build") == 0
    solved_lamp = nbformat.read(lamp / "solutions" / "5-my-lamp.ipynb", as_version=4)
    assert (lamp / "exercises" / "5-my-lamp.py").read_text() == (lamp / "solutions" / "5-my-lamp.py").read_text()
    for student, version in (("ada", solved_lamp), ("bob", student_version(solved_lamp))):
        (lamp / "in" / student).mkdir(parents=True)
        nbformat.write(version, lamp / "in" / student / "5-my-lamp.ipynb")
    given = str(lamp / "solutions" / "5-my-lamp.ipynb")
    assert commands.grade(given, lamp / "in", out=lamp / "out", jobs=1) == 0
    scores = {s: json.loads((lamp / "out" / s / "report.json").read_text())["score"] for s in ("ada", "bob")}
    assert scores == {"ada": 3, "bob": 0}


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (2, {"grade_id": None}, "Cell 2 of 5-my-lamp.ipynb has no grade_id"),
        (3, {"grade_id": "lamp"}, "Cell 3 of 5-my-lamp.ipynb has the grade_id 'lamp', as a cell before"),
        (3, {"points": None}, "Cell 3 of 5-my-lamp.ipynb is a check and has no points"),
    ],
)
def test_what_lacks_in_the_metadata_is_said(number, change, says, lamp, capsys):
    path = lamp / "solutions" / "5-my-lamp.ipynb"
    notebook = nbformat.read(path, as_version=4)
    meta = {**notebook.cells[number - 1].metadata["nbgrader"], **change}
    notebook.cells[number - 1].metadata["nbgrader"] = {key: value for key, value in meta.items() if value is not None}
    nbformat.write(notebook, path)
    assert commands.exercises("build") == 2
    assert says in capsys.readouterr().err
    (lamp / "in" / "ada").mkdir(parents=True)
    nbformat.write(notebook, lamp / "in" / "ada" / "5-my-lamp.ipynb")
    assert commands.grade(str(path), lamp / "in", out=lamp / "out", jobs=1) == 2
    assert says in capsys.readouterr().err


def test_an_exercise_of_ones_own_is_listed_and_reset(lamp, capsys):
    assert commands.exercises("build") == 0
    assert commands.exercises("list") == 0
    assert "5-my-lamp" in capsys.readouterr().out
    mine = lamp / "exercises" / "5-my-lamp.ipynb"
    fresh = mine.read_text()
    mine.write_text("{}")
    assert commands.exercises("reset", "5-my-lamp") == 0
    assert mine.read_text() == fresh
    assert commands.exercises("reset", "../solutions/5-my-lamp") == 2


def test_the_copy_for_students_has_no_solution_and_can_be_reset(lamp, monkeypatch, capsys):
    (lamp / "exercises").mkdir()
    (lamp / "exercises" / "grades.txt").write_text("private")
    for name in ("x.ipynb", ".ipynb_checkpoints/x.ipynb", "__pycache__/x.pyc", "x.1.old.ipynb"):
        (lamp / "notebooks" / name).parent.mkdir(parents=True, exist_ok=True)
        (lamp / "notebooks" / name).write_text("{}")
    assert commands.exercises("pack", target=lamp / "students.zip") == 0
    assert commands.exercises("pack", target=lamp / "students.zip") == 2, "nothing is written over"
    with zipfile.ZipFile(lamp / "students.zip") as archive:
        archive.extractall(lamp / "copy")
    course = lamp / "copy" / "mqttkit-course"
    files = {path.relative_to(course).as_posix(): path.read_text() for path in course.rglob("*") if path.is_file()}
    assert {*files} == {
        "exercises/5-my-lamp.ipynb",
        "exercises/5-my-lamp.py",
        "exercises/.fresh/5-my-lamp.ipynb",
        "notebooks/x.ipynb",
    }
    assert not any("SOLUTION" in text or "subscribe" in text for text in files.values())
    monkeypatch.chdir(course / "exercises")
    (course / "exercises" / "5-my-lamp.ipynb").write_text("mine")
    assert commands.exercises("reset", "5-my-lamp") == 0
    assert (course / "exercises" / "5-my-lamp.ipynb").read_text() == files["exercises/5-my-lamp.ipynb"]
    assert (course / "exercises" / "5-my-lamp.1.old.ipynb").read_text() == "mine"


def test_the_whole_course_is_packed_without_solutions(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert commands.exercises("pack", target=tmp_path / "students.zip") == 0
    with zipfile.ZipFile(tmp_path / "students.zip") as archive:
        names = {name.removeprefix("mqttkit-course/") for name in archive.namelist()}
        notebooks = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".ipynb")]
    assert {
        "pyproject.toml",
        "mqttkit/__init__.py",
        "notebooks/00-start-here.ipynb",
        "exercises/.fresh/2-qos.ipynb",
    } <= names
    assert not [
        name
        for name in names
        if name.startswith(("solutions", "tests", ".git", "INSTRUCTORS")) or "__pycache__" in name
    ]
    assert not any("BEGIN SOLUTION" in text for text in notebooks)


def test_check_on_the_command_line(tmp_path, capsys):
    nbformat.write(solved("1-topics"), tmp_path / "mine.ipynb")
    assert commands.check("1-topics", tmp_path / "mine.ipynb") == 0
    assert "1-topics: 25 of 25 points" in capsys.readouterr().out
    assert commands.check("1-topics", tmp_path / "nothing.ipynb") == 2


def test_a_report_has_what_the_format_promises(tmp_path):
    report = grade(untouched("1-topics"), tmp_path, name="1-topics")
    promised = {
        "schema", "exercise", "student", "sha256", "seed", "sandbox", "status", "raw_score", "late_penalty", "score",
        "max_score", "questions", "tampered", "missing", "seconds",
    }  # fmt: skip
    assert promised <= set(report)
    items = report["questions"][0]["items"]
    assert {"id", "points", "ok", "expected", "saw", "packets"} <= set(items[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_without_the_kit_shows_what_to_do(name):
    """A traceback shows two lines around the import that fails: the advice has to be among them, for paho and for the kit."""
    cell = next(cell for cell in untouched(name).cells if cell.cell_type == "code")
    lines = cell.source.splitlines()
    advice = next(number for number, line in enumerate(lines) if line.startswith("# ModuleNotFoundError?"))
    imports = [number for number, line in enumerate(lines) if line.startswith(("import paho", "from mqttkit"))]
    assert [abs(number - advice) <= 2 for number in imports] == [True, True]
