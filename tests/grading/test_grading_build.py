"""Student versions: up to date, complete, resettable; and an exercise of an instructor's own, as INSTRUCTORS.md shows it."""

from __future__ import annotations

import json
import re
import shutil

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
    assert commands.exercises("build", check=True) == 1
    said = capsys.readouterr().out
    assert "2-qos.ipynb" in said
    assert "7-orphan.ipynb" in said
    assert "1-topics.ipynb" not in said


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


LAMP = """
def start_lamp(broker):
    ### BEGIN SOLUTION
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="lamp")
    client.on_connect = lambda client, *rest: client.subscribe("lamp/set", qos=1)
    client.on_message = lambda client, userdata, message: client.publish("lamp/state", message.payload, retain=True)
    client.connect(broker.host, broker.port)
    client.loop_start()
    return client
    ### END SOLUTION
"""


def test_the_worked_example_of_the_instructors_page(tmp_path, monkeypatch):
    """The scenario is read from INSTRUCTORS.md, the notebook written as it says, built and graded."""
    page = (ROOT / "INSTRUCTORS.md").read_text("utf-8")
    scenario = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "5-my-lamp" in block)
    folder = tmp_path / "solutions"
    folder.mkdir()
    (folder / "5-my-lamp.py").write_text(scenario)
    meta = {"schema_version": 3, "task": False}
    cell = nbformat.v4.new_code_cell
    task = {**meta, "grade": False, "solution": True, "locked": False, "grade_id": "lamp"}
    check = {**meta, "grade": True, "solution": False, "locked": True, "grade_id": "check-lamp", "points": 3}
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell("import paho.mqtt.client as mqtt\nfrom mqttkit.grading import checks\ncheck = checks('5-my-lamp')"),
            cell(LAMP, metadata={"nbgrader": task}),
            cell('check("lamp")', metadata={"nbgrader": check}),
        ]
    )
    nbformat.write(notebook, folder / "5-my-lamp.ipynb")
    monkeypatch.chdir(tmp_path)
    assert commands.exercises("build") == 0
    assert (tmp_path / "exercises" / "5-my-lamp.py").read_text() == scenario
    for student, version in (("ada", notebook), ("bob", student_version(notebook))):
        (tmp_path / "in" / student).mkdir(parents=True)
        nbformat.write(version, tmp_path / "in" / student / "5-my-lamp.ipynb")
    assert commands.grade(str(folder / "5-my-lamp.ipynb"), tmp_path / "in", out=tmp_path / "out", jobs=1) == 0
    scores = {s: json.loads((tmp_path / "out" / s / "report.json").read_text())["score"] for s in ("ada", "bob")}
    assert scores == {"ada": 3, "bob": 0}


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
