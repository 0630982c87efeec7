"""`mqttkit grade` on folders and archives: who is found, what is reported, what happens on a second run."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from dataclasses import replace
from datetime import datetime, timezone

import nbformat
import pytest
from submissions_for_tests import ROOT, solved, untouched, with_cells, with_first_cell

from mqttkit.errors import GradingError
from mqttkit.grading import commands, late, submissions, table
from mqttkit.grading.commands import grade
from mqttkit.grading.filenames import folder_names
from mqttkit.grading.gradebook import GradeBook, Plan
from mqttkit.grading.job import pending
from mqttkit.grading.submissions import collect

NAME = "1-topics"


def put(path, notebook):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), "utf-8")


def rows_of(out):
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One run over a class of every kind; (submissions, out, exit code)."""
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    put(folder / "right" / f"{NAME}.ipynb", solved(NAME))
    put(folder / "untouched" / f"{NAME}.ipynb", untouched(NAME))
    tampered = with_cells(
        untouched(NAME), name="def topic_of(*a): return 'museum/' + '/'.join(map(str, a))", check_name="print('2 of 2')"
    )
    tampered.cells = [c for c in tampered.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "check-guard"]
    put(folder / "tampered" / f"{NAME}.ipynb", tampered)
    put(folder / "syntax" / f"{NAME}.ipynb", with_cells(solved(NAME), name="def topic_of(:"))
    put(folder / "otherkernel" / f"{NAME}.ipynb", other_kernel())
    put(folder / "wrongexercise" / "2-qos.ipynb", untouched("2-qos"))
    put(folder / "foreign" / "essay.ipynb", nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    put(folder / "noncode" / "x.ipynb", nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Hello")]))
    for name, content in (("empty", b""), ("broken", b'{"cells": ['), ("binary", bytes(range(256)))):
        (folder / name).mkdir()
        (folder / name / "x.ipynb").write_bytes(content)
    roster = folder / "roster.csv"
    roster.write_text(
        "student_id,first_name,last_name,email\nright,Ada,=HYPERLINK(),ada@example.org\nabsent,Nobody,Here,\n"
    )
    code = grade(NAME, folder, out=out, jobs=2, roster=roster, sandbox="none")
    return folder, out, code


def other_kernel():
    notebook = untouched(NAME)
    notebook.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    return notebook


@pytest.mark.parametrize(
    ("student", "status", "says"),
    [
        ("right", "graded", ""),
        ("untouched", "graded", ""),
        ("tampered", "graded", ""),
        ("syntax", "graded", ""),
        ("otherkernel", "unreadable", "written for 'R'"),
        ("wrongexercise", "unreadable", "'2-qos', not '1-topics'"),
        ("foreign", "unreadable", "another file"),
        ("noncode", "unreadable", "no code cell"),
        ("empty", "unreadable", "empty"),
        ("broken", "unreadable", "not a notebook"),
        ("binary", "unreadable", "not a notebook"),
        ("absent", "missing", "No notebook"),
    ],
)
def test_every_submission_has_a_status_and_a_sentence(graded, student, status, says):
    _, out, code = graded
    assert code == 1, "some were not graded"
    report = json.loads((out / student / "report.json").read_text())
    assert report["status"] == status
    assert says in report["note"]
    page = (out / student / "feedback.html").read_text("utf-8")
    assert "<html" in page
    assert "roster" not in page + (out / student / "results.json").read_text("utf-8"), "that is for the instructor"


def test_the_mark_list(graded):
    _, out, _ = graded
    rows = rows_of(out)
    assert list(next(iter(rows.values())))[:11] == list(table.NBGRADER)
    assert rows["right"]["score"] == rows["right"]["max_score"] == "25"
    assert rows["right"]["last_name"] == "'=HYPERLINK()", "no formula for a spreadsheet"
    assert (rows["untouched"]["score"], rows["absent"]["score"], rows["empty"]["score"]) == ("0", "", "")
    for student in ("absent", "empty", "broken", "wrongexercise"):
        report, results = (json.loads((out / student / f"{n}.json").read_text("utf-8")) for n in ("report", "results"))
        assert {report["score"], report["raw_score"], report["late_penalty"], results["score"]} == {None}
    assert (out / "grades.csv").read_bytes().startswith(b"assignment,"), (
        "a mark before it would be part of the first name"
    )
    assert rows["syntax"]["q:name"] == "0"
    assert rows["syntax"]["q:matches"] == "6", "an error in one cell costs only its own question"


def test_the_list_at_the_end_goes_by_student_and_a_dead_kernel_keeps_its_marks(capsys, tmp_path):
    died = {
        "student": "b",
        "status": "kernel_died",
        "note": "It ended.",
        "notes": ["Twice."],
        "score": 3.0,
        "max_score": 24,
    }
    gone = {"student": "a", "status": "missing", "note": "Nothing.", "notes": [], "score": None, "max_score": 24}
    book = GradeBook(Plan(tmp_path, tmp_path, tmp_path), {"b": died, "a": gone})
    assert commands._conclude(book) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("1 kernel died, 1 missing. Marks: ")
    assert rest == ["  a: missing. Nothing.", "  b: kernel died. It ended.", "  b: Twice."]
    bar = commands._Bar(2, 0)
    for report in (died, gone):
        bar.step(report)
    assert [line.partition("/2  ")[2] for line in capsys.readouterr().err.splitlines()] == [
        "b: 3/24, kernel died",
        "a: missing",
    ]


def test_check_cells_are_restored(graded):
    report = json.loads((graded[1] / "tampered" / "report.json").read_text())
    assert report["tampered"] == ["check-name"]
    assert report["missing"] == ["check-guard"]
    scores = {q["id"]: q["score"] for q in report["questions"]}
    assert scores["name"] == 1, "the restored check was played, not the printed text"
    assert "check-name" in (graded[1] / "tampered" / "feedback.html").read_text()


def test_a_second_run_grades_only_what_changed(graded, capsys, tmp_path):
    folder, out, _ = graded
    put(folder / "untouched" / f"{NAME}.ipynb", with_cells(untouched(NAME), repair="REPAIRED = {}"))
    before = (out / "right" / "report.json").stat().st_mtime_ns
    assert grade(NAME, folder, out=out, jobs=1, sandbox="none") == 1
    said = capsys.readouterr().err
    assert "1/1" in said
    assert "untouched" in said
    assert grade(NAME, folder, out=out, jobs=1, sandbox="none", student="right", regrade=True) == 1
    assert "right: 25/25" in capsys.readouterr().err
    assert (out / "right" / "report.json").stat().st_mtime_ns != before


def test_feedback_leaks_neither_solution_nor_seed(graded):
    text = (graded[1] / "untouched" / "feedback.html").read_text()
    assert "museum/+/+/+/temperature" not in text
    assert "1-topics:untouched" not in text
    page = (graded[1] / "right" / "feedback.html").read_text()
    assert "25 of 25 points" in page


def test_gradescope(graded):
    results = json.loads((graded[1] / "right" / "results.json").read_text())
    assert results["score"] == 25
    assert sum(test["max_score"] for test in results["tests"]) == 25
    assert {test["status"] for test in results["tests"]} == {"passed"}


@pytest.mark.parametrize(
    ("names", "files", "students"),
    [
        ("plain", ["ada/1-topics.ipynb", "bob/deep/er/1-topics.ipynb", "eve.ipynb"], ["ada", "bob", "eve"]),
        (
            "moodle",
            ["Ada Lovelace_4711_assignsubmission_file_/1-topics.ipynb", "Bob_12_assignsubmission_file_x.ipynb"],
            ["12", "4711"],
        ),
        ("canvas", ["lovelaceada_LATE_4711_88_1-topics-1.ipynb", "bob_12_90_1-topics.ipynb"], ["12", "4711"]),
        (r"(?P<student>[a-z]+\d+)-.*\.ipynb", ["ab12-x.ipynb", "cd34-y.ipynb"], ["ab12", "cd34"]),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_names_of_course_sites(names, files, students, zipped, tmp_path):
    folder = tmp_path / "in"
    for file in files:
        put(folder / file, untouched(NAME))
    source = folder
    if zipped:
        source = tmp_path / "all.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in files:
                archive.write(folder / file, file)
    found = collect(source, NAME, tmp_path / "work", names=names)
    assert [s.person.student for s in found] == students
    assert all(s.path.is_file() for s in found)


def test_one_archive_for_each_student(tmp_path):
    for student in ("ada", "bob"):
        (tmp_path / "in" / student).mkdir(parents=True)
        with zipfile.ZipFile(tmp_path / "in" / student / "work.zip", "w") as archive:
            archive.writestr("1-topics.ipynb", nbformat.writes(untouched(NAME)))
    assert [s.person.student for s in collect(tmp_path / "in", NAME, tmp_path / "work")] == ["ada", "bob"]


def test_the_newest_of_two_is_taken_and_told(tmp_path):
    for number, name in enumerate(("1-topics.ipynb", "1-topics-1.ipynb")):
        put(tmp_path / "ada" / name, untouched(NAME))
        os.utime(tmp_path / "ada" / name, (1000 + number, 1000 + number))
    (one,) = collect(tmp_path, NAME, tmp_path / "work")
    assert one.path.name == "1-topics-1.ipynb"
    assert "2 notebooks" in one.notes[0]


def test_an_archive_cannot_write_outside(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil.ipynb", "{}")
        archive.writestr("ok/1-topics.ipynb", nbformat.writes(untouched(NAME)))
    collect(tmp_path / "evil.zip", NAME, tmp_path / "a" / "b" / "work")
    assert not (tmp_path / "evil.ipynb").exists()
    assert not (tmp_path / "a" / "evil.ipynb").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"names": "("}, "not a regular expression"),
        ({"names": "x"}, "(?P<student>"),
        ({"late": "10%/day"}, "--due"),
        ({"due": "tomorrow"}, "2026-03-01T23:59"),
        ({"due": "2026-03-01", "late": "lots"}, "10%/day"),
        ({"due": "2026-03-01", "late": "200%/day"}, "more than 100%"),
        ({"scheduler": "foo"}, "tcp://host:8786"),
        ({"timeout": -1.0}, "above 0"),
        ({"student": "nobody"}, "no submission of 'nobody'"),
    ],
)
def test_a_call_that_makes_no_sense_is_explained(arguments, says, tmp_path, capsys):
    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", untouched(NAME))
    assert grade(NAME, tmp_path / "in", out=tmp_path / "out", sandbox="none", **arguments) == 2
    assert says in capsys.readouterr().err


def test_an_unknown_exercise_is_explained(tmp_path, capsys):
    assert grade("9-nothing", tmp_path, out=tmp_path / "out") == 2
    assert "1-topics" in capsys.readouterr().err


@pytest.mark.parametrize(("hours", "lost"), [(-1, 0.0), (0, 0.0), (0.1, 2.0), (24, 2.0), (25, 4.0), (24 * 30, 20.0)])
def test_late_work(hours, lost):
    rule = late.read("2026-03-01T12:00+00:00", "10%/day")
    moment = datetime.fromtimestamp(rule.due.timestamp() + hours * 3600, timezone.utc)
    assert rule.penalty(20.0, moment) == lost


def test_who_is_late_is_told():
    rule = late.read("2026-03-01T12:00+00:00", None)
    moments = {"on time": 0, "a": 200 / 60, "b": 24.0 * 2 + 1, "c": 0.001}
    late_ones = {
        s: rule.by(datetime.fromtimestamp(rule.due.timestamp() + h * 3600, timezone.utc)) for s, h in moments.items()
    }
    found = [(student, by) for student, by in late_ones.items() if by]
    head = "3 of 4 are late, by the times of their files:"
    assert late.told(found, 4) == [head, "  a: 3 h 20 min", "  b: 2 d 1 h", "  c: 1 min"]
    assert "lost when they were unpacked" in late.told(found, 3)[-1]
    assert late.told([], 4) == []


def test_what_canvas_marks_late_is_told(tmp_path):
    for name in ("lovelaceada_LATE_4711_88_1-topics-1.ipynb", "bob_12_90_1-topics.ipynb"):
        put(tmp_path / name, untouched(NAME))
    notes = {s.person.student: s.notes for s in collect(tmp_path, NAME, tmp_path / "work", names="canvas")}
    assert notes == {"4711": ["Canvas marks it as late."], "12": []}


def test_names_never_share_a_folder():
    names = ["a/b", "a_b", "../x", "", ".", "..", "con", "nul.txt", "ä" * 200, "ä" * 201]
    names += ["Ada", "ada", "ADA", "com2", "LPT9.x", "jose\u0301", "jos\u00e9", "grades.csv", "Feedback.zip"]
    folders = folder_names(names).values()
    assert len({unicodedata.normalize("NFC", folder).lower() for folder in folders}) == len(names)
    assert not {"com2", "LPT9.x", "grades.csv", "Feedback.zip"} & {*folders}
    assert all(re.fullmatch(r"[\w.-]+", folder) and folder.strip(".") for folder in folders)


def test_an_ordinary_name_is_the_name_of_its_folder():
    """In every run, so that it goes on where it stopped; and the first of several keeps it, whoever joins them."""
    assert folder_names(["ada", "4711", "Müller.a-b_c"]) == {n: n for n in ("ada", "4711", "Müller.a-b_c")}
    assert folder_names(["Ada", "ada"]) == {"Ada": "Ada", "ada": "ada-4d86c38a"}
    assert folder_names(["a b"]) == {"a b": "a_b-c8687a08"}


def test_a_name_that_is_made_to_collide_does_not():
    marked = folder_names(["Ada", "ada"])["ada"]
    assert len({*folder_names(["Ada", "ada", marked.upper(), marked]).values()}) == 4


def test_the_report_of_somebody_else_is_not_ones_own(tmp_path):
    """Where "Ada" and "ada" are one folder, and they were handed in one after the other; also while only Bob is graded."""
    for student in ("ada", "bob"):
        put(tmp_path / "in" / student / f"{NAME}.ipynb", untouched(NAME))
    (tmp_path / "out" / "ada").mkdir(parents=True)
    (tmp_path / "out" / "ada" / "report.json").write_text('{"student": "Ada", "score": 25, "status": "graded"}')
    book = GradeBook(Plan(ROOT / "solutions" / f"{NAME}.ipynb", tmp_path / "in", tmp_path / "out", student="bob"))
    assert [job.student for job in book.prepare(tmp_path / "work")] == ["bob"]
    assert book.reports == {}


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("regrade", [True, False])
def test_while_one_is_graded_the_others_keep_only_what_still_holds(regrade, holds, tmp_path):
    """An old report may be about another exercise, or about a file that has been handed in again since."""
    for student in ("ada", "bob"):
        put(tmp_path / "in" / student / f"{NAME}.ipynb", untouched(NAME))
    plan = Plan(ROOT / "solutions" / f"{NAME}.ipynb", tmp_path / "in", tmp_path / "out", regrade=regrade)
    ada = GradeBook(plan).prepare(tmp_path / "work")[0]
    old = pending(ada) | {"status": "graded", "score": 3.0} | ({} if holds else {"digest": "of another file"})
    (tmp_path / "out" / "ada").mkdir()
    (tmp_path / "out" / "ada" / "report.json").write_text(json.dumps(old))
    book = GradeBook(replace(plan, student="bob"))
    assert [job.student for job in book.prepare(tmp_path / "work")] == ["bob"]
    assert [*book.reports] == (["ada"] if holds else [])


def test_a_roster_needs_a_student_column(tmp_path):
    (tmp_path / "r.csv").write_text("name\nada\n")
    with pytest.raises(GradingError, match="student_id"):
        submissions.read_roster(tmp_path / "r.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, short, monkeypatch):
    """Killed in the middle; the second run keeps what was done, and removes what the first could not."""
    for student in ("a", "b"):
        notebook = untouched(NAME) if student == "a" else with_first_cell(NAME, "while True: pass")
        put(tmp_path / "in" / student / f"{NAME}.ipynb", notebook)
    command = [
        sys.executable,
        "-m",
        "mqttkit",
        "grade",
        NAME,
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "out"),
        "--jobs",
        "1",
        "--timeout",
        "60",
    ]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(short)},
    ) as process:
        assert "1/2" in process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    assert [*short.iterdir()]
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    done = json.loads((tmp_path / "out" / "a" / "report.json").read_text())
    put(tmp_path / "in" / "b" / f"{NAME}.ipynb", untouched(NAME))
    assert grade(NAME, tmp_path / "in", out=tmp_path / "out", jobs=2, sandbox="none") == 0
    again = json.loads((tmp_path / "out" / "a" / "report.json").read_text())
    assert {key: again[key] for key in done} == done
    assert len(rows_of(tmp_path / "out")) == 2
    assert not [*short.iterdir()]
