"""What people hand in by mistake or on purpose: links, odd metadata, packed folders, rosters from spreadsheets, late work."""

from __future__ import annotations

import csv
import json
import os
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path, PureWindowsPath

import nbformat
import pytest
from submissions_for_tests import ROOT, solved, untouched

from mqttkit.grading import runner, sites, stacks, submissions, unpack
from mqttkit.grading.commands import check, grade
from mqttkit.grading.gate import UnixGate
from mqttkit.grading.gradebook import GradeBook, Plan
from mqttkit.grading.job import Job, grade_one, lost
from mqttkit.grading.late import Late
from mqttkit.grading.submissions import collect, read_roster

NAME = "1-topics"


def put(path, notebook, *, moment=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), "utf-8")
    if moment is not None:
        os.utime(path, (moment, moment))


def quick():
    """A notebook of the exercise that is graded in no time: one cell, one point."""
    notebook = untouched(NAME)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "name":
            cell.source = "def topic_of(*a): return 'museum/' + '/'.join(map(str, a))"
    return notebook


def rows_of(out):
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


# --- rosters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_roster_as_spreadsheets_write_it(sign, encoding, tmp_path):
    lines = [
        ["Student ID", "First name", "Surname", "Email address"],
        ["4711", "Jürgen", "Größe, jun.", "j@example.org"],
    ]
    text = "\r\n".join(sign.join(f'"{word}"' if sign in word else word for word in line) for line in lines)
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    person = submissions.Person("4711", "Jürgen", "Größe, jun.", "j@example.org")
    assert read_roster(tmp_path / "r.csv") == {"4711": person}


@pytest.mark.parametrize(
    "text",
    [
        'Student,ID,SIS User ID,Section,1-topics\n    Points Possible,,,,25\n"Lovelace, Ada",4711,L7,A,\n',
        "Student,ID,Section\n\n  Points Possible,Points Possible,\nAda Lovelace,4711,\n",
        "student\n\nPoints Possible\n4711\n \n",
    ],
    ids=["of its gradebook", "of our marks", "names only"],
)
def test_a_roster_from_canvas(text, tmp_path):
    """Its column Student has names, its first line has no person, and a blank line is none either."""
    (tmp_path / "r.csv").write_text(text)
    assert [*read_roster(tmp_path / "r.csv")] == ["4711"]


def test_who_is_not_on_the_roster_is_told(tmp_path):
    put(tmp_path / "in" / "eve" / f"{NAME}.ipynb", untouched(NAME))
    (tmp_path / "r.csv").write_text("student_id\nada\n")
    ada, eve = collect(tmp_path / "in", NAME, tmp_path / "work", roster=tmp_path / "r.csv")
    assert (ada.path, ada.notes) == (None, [])
    assert eve.notes == ["This student is not on the roster."]


# --- folders and archives


@pytest.mark.parametrize("top", ["", "class/", "everybody/"])
def test_an_archive_may_hold_one_folder_with_everything(top, tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for student in ("ada", "bob"):
            archive.writestr(f"{top}{student}/{NAME}.ipynb", nbformat.writes(untouched(NAME)))
            archive.writestr(f"{top}{student}/picture.png", b"x" * 1000)
    found = collect(tmp_path / "class.zip", NAME, tmp_path / "work")
    assert [s.person.student for s in found] == ["ada", "bob"]
    assert not list((tmp_path / "work").rglob("*.png")), "only notebooks are unpacked"


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
def test_only_real_files_are_read(tmp_path):
    """A link to somebody else's work, to nowhere, a folder called like a notebook, a pipe that nobody fills."""
    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", untouched(NAME))
    for student in ("thief", "lost", "folder", "pipe"):
        (tmp_path / "in" / student).mkdir()
    (tmp_path / "in" / "thief" / f"{NAME}.ipynb").symlink_to(tmp_path / "in" / "ada" / f"{NAME}.ipynb")
    (tmp_path / "in" / "lost" / f"{NAME}.ipynb").symlink_to("nowhere")
    (tmp_path / "in" / "folder" / f"{NAME}.ipynb").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe" / f"{NAME}.ipynb")
    found = collect(tmp_path / "in", NAME, tmp_path / "work")
    assert [s.person.student for s in found if s.path] == ["ada"]
    assert {s.person.student: s.handed for s in found if not s.path} == {
        "folder": [f"{NAME}.ipynb/(an empty folder)"],
        "lost": [f"{NAME}.ipynb"],
        "pipe": [f"{NAME}.ipynb"],
        "thief": [f"{NAME}.ipynb"],
    }


def test_a_link_in_an_archive_leads_nowhere(tmp_path):
    link = zipfile.ZipInfo(f"eve/{NAME}.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(f"ada/{NAME}.ipynb", nbformat.writes(untouched(NAME)))
        archive.writestr(link, f"../ada/{NAME}.ipynb")
    eve = collect(tmp_path / "all.zip", NAME, tmp_path / "work")[1]
    assert eve.path.read_text() == f"../ada/{NAME}.ipynb"


def test_ada_is_not_given_the_work_of_another_ada(tmp_path):
    """On Windows and macOS the two names are one: each file is unpacked to a place that differs in more than capitals."""
    for name in ("Ada", "ada"):
        inner = BytesIO()
        with zipfile.ZipFile(inner, "w") as work:
            work.writestr(f"{NAME}.ipynb", name)
        with zipfile.ZipFile(tmp_path / "all.zip", "a") as archive:
            archive.writestr(f"folder {name}/{NAME}.ipynb", name)
            archive.writestr(f"archive {name}/work.zip", inner.getvalue())
    found = [file for file in unpack.files(tmp_path / "all.zip", tmp_path / "work") if file.is_notebook]
    assert len({str(file.path).lower() for file in found}) == 4
    assert {str(file.name).split("/")[0].split(" ")[1]: file.path.read_text() for file in found} == {
        "Ada": "Ada",
        "ada": "ada",
    }


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "TOTAL", 30 << 20)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for student in ("a", "b", "c"):
            archive.writestr(f"{student}/{NAME}.ipynb", b"0" * (19 << 20))
        archive.writestr(f"d/{NAME}.ipynb", b"0" * (21 << 20))
    found = collect(tmp_path / "all.zip", NAME, tmp_path / "work")
    blocks = {s.person.student: s.path.stat().st_size for s in found}
    assert len(blocks) == 4
    on_disk = sum(getattr(s.path.stat(), "st_blocks", 0) * 512 for s in found)
    assert on_disk < 25 << 20
    report = grade_one(job_for(found[3].path, tmp_path))
    assert (report["status"], report["note"][:17]) == ("unreadable", "The file has 21 M")


@pytest.mark.parametrize(
    "name",
    ["C:/Users/x/thesis.ipynb", "C:\\x.ipynb", "../../x.ipynb", "a/../../x.ipynb", "..\\..\\x.ipynb", "/etc/x.ipynb",
     "//host/share/x.ipynb", "\\\\?\\C:\\x.ipynb", "NUL.ipynb", "a/com1.txt/x.ipynb", "x.ipynb:stream.ipynb", "... /x.ipynb"],
)  # fmt: skip
@pytest.mark.parametrize("size", [10, unpack.LARGEST + 1])
def test_no_name_in_an_archive_leads_out_of_its_folder(name, size, tmp_path):
    """Neither here nor on Windows: drives, shares, devices and streams included; too large files leave a mark inside, too."""
    parts = unpack.safe_parts(name)
    there = PureWindowsPath("D:\\work").joinpath(*parts)
    assert there.parts[:2] == ("D:\\", "work")
    assert not {"..", ".", "NUL.ipynb", "com1.txt"} & {*there.parts}
    assert not any(":" in part for part in there.parts[1:])
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"0" * size)
    before = {*tmp_path.rglob("*")}
    (file,) = unpack.files(tmp_path / "all.zip", tmp_path / "deep" / "er" / "work")
    assert file.path.stat().st_size == size
    assert {p for p in tmp_path.rglob("*") if p.is_file()} - before == {file.path}
    assert file.path.is_relative_to(tmp_path / "deep" / "er" / "work" / "outer")


PILE = {
    "Ada Lovelace_4711_assignsubmission_file_/1-topics.ipynb": "notebook",
    "Paul Pdf_4718_assignsubmission_file_/loesung.pdf": "%PDF",
    "Olga Online_4719_assignsubmission_onlinetext_/onlinetext.html": "<p>done</p>",
    "Zoë Zip_4720_assignsubmission_file/work.zip": "zip",
    "Emil Empty_4721_assignsubmission_file_/": "",
}


@pytest.mark.parametrize("zipped", [False, True])
def test_nobody_who_handed_in_something_vanishes(zipped, tmp_path, capsys):
    """A PDF, an online text, an archive without a notebook, an empty folder: a line with a status and a sentence each."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, content in PILE.items():
            inner = BytesIO()
            with zipfile.ZipFile(inner, "w") as work:
                work.writestr("answer.docx", "x")
            kinds = {"notebook": nbformat.writes(quick()), "zip": inner.getvalue()}
            archive.writestr(name, kinds.get(content, content))
    source = tmp_path / "all.zip"
    if not zipped:
        source = tmp_path / "in"
        zipfile.ZipFile(tmp_path / "all.zip").extractall(source)
    out = tmp_path / "out"
    assert grade(NAME, source, out=out, names="moodle", jobs=1, sandbox="none") == 1
    said, rows = capsys.readouterr().out, rows_of(out)
    assert [row["status"] for row in rows.values()] == ["graded", *["unreadable"] * 4]
    for student, what in (
        ("4718", "loesung.pdf was handed in, and no notebook."),
        ("4719", "onlinetext.html was"),
        ("4720", "work.zip, work/answer.docx was"),
        ("4721", "(an empty folder) was"),
    ):
        assert what in rows[student]["notes"]
        assert rows[student]["score"] == ""
        assert f"{student}: unreadable. {what}" in said
        assert what in json.loads((out / student / "report.json").read_text("utf-8"))["note"]
        assert what in (out / student / "feedback.html").read_text("utf-8")
    worksheet = "Identifier,Full name,Grade,Last modified (grade)\nParticipant 4711,Ada Lovelace,1,\n"
    assert (out / "moodle.csv").read_text("utf-8-sig") == worksheet, "who has no mark is left out"
    with zipfile.ZipFile(out / "feedback.zip") as feedback:
        assert sorted(feedback.namelist()) == sorted(f"{name.split('/')[0]}/feedback.html" for name in PILE)
        page = "Ada Lovelace_4711_assignsubmission_file_/feedback.html"
        assert feedback.read(page) == (out / "4711" / "feedback.html").read_bytes()


@pytest.mark.parametrize(
    ("handed_in", "folder"),
    [
        ("Ada L_4711_assignsubmission_file_", "Ada L_4711_assignsubmission_file_"),
        ("Ada L_4711_assignsubmission_file", "Ada L_4711_assignsubmission_file"),
        ("Ada L_4711_assignsubmission_file_my_work.ipynb", "Ada L_4711_assignsubmission_file_"),
    ],
)
def test_feedback_goes_back_under_the_name_that_moodle_gave(handed_in, folder, tmp_path):
    """Moodle's importer splits a part of the path at "_" into five: name, number, plug-in twice, and the rest."""
    (tmp_path / "feedback.html").write_text("x")
    sites.feedback_zip(tmp_path / "f.zip", {handed_in: tmp_path / "feedback.html", "ada": tmp_path / "feedback.html"})
    assert zipfile.ZipFile(tmp_path / "f.zip").namelist() == [f"{folder}/feedback.html"]


def test_marks_for_canvas():
    reports = [
        {"student": s, "exercise": NAME, "score": score} for s, score in (("12", 3.5), ("11", None), ("13", 0.0))
    ]
    people = {"12": submissions.Person("12", "Zoë", "=Müller")}
    assert sites.canvas(reports, people) == f"\ufeffStudent,ID,Section,{NAME}\nZoë =Müller,12,,3.5\n,13,,0\n"


def test_a_notebook_after_a_pdf_is_graded(tmp_path):
    put(tmp_path / "in" / "bob" / f"{NAME}.ipynb", quick())
    (tmp_path / "in" / "ada").mkdir()
    (tmp_path / "in" / "ada" / "x.pdf").write_text("%PDF")
    options = {"out": tmp_path / "out", "jobs": 1, "sandbox": "none"}
    assert grade(NAME, tmp_path / "in", **options) == 1
    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", quick())
    assert grade(NAME, tmp_path / "in", **options) == 0
    assert rows_of(tmp_path / "out")["ada"]["score"] == "1"


OLD, NEW = 1_700_000_000, 1_700_009_000


def without_metadata(notebook):
    notebook.metadata.pop("mqttkit")
    return notebook


@pytest.mark.parametrize(
    ("files", "taken", "says"),
    [
        ({f"{NAME}.ipynb": (untouched, NAME, OLD), "fertig.ipynb": (untouched, NAME, NEW)}, "fertig.ipynb", "It is the newest."),
        ({"mine.ipynb": (untouched, NAME, OLD), f"{NAME}.ipynb": (untouched, "2-qos", NEW)}, "mine.ipynb", "belongs"),
        ({"a.ipynb": (untouched, NAME, OLD), "b.ipynb": (untouched, NAME, OLD)}, "b.ipynb", "the same time"),
        ({"mine.ipynb": (lambda n: without_metadata(untouched(n)), NAME, OLD), "z.ipynb": (nbformat.v4.new_notebook, None, NEW)},
         "mine.ipynb", "belongs"),
    ],
)  # fmt: skip
def test_which_of_several_notebooks_is_graded(files, taken, says, tmp_path):
    """The newest that belongs to the exercise, by what stands in it and not by its name; and it is told."""
    for name, (make, of, moment) in files.items():
        put(tmp_path / "ada" / name, make(of) if of else make(), moment=moment)
    (one,) = collect(tmp_path, NAME, tmp_path / "work", questions=("name", "filters"))
    assert one.path.name == taken
    assert f"ada/{taken} is graded" in one.notes[0]
    assert says in one.notes[0]
    assert ("newest" in one.notes[0]) == (says != "the same time")


@pytest.mark.parametrize("damage", ["inside", "cut off"])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_no_end(packing, damage, tmp_path):
    """A hole in one file leaves the others; without the list at its end an archive is something else; the next student is graded."""
    packed = tmp_path / "in" / "ada" / "w.zip"
    packed.parent.mkdir(parents=True)
    with zipfile.ZipFile(packed, "w", packing) as archive:
        for name in ("first try", "second try"):
            archive.writestr(f"{name}.ipynb", nbformat.writes(untouched(NAME)))
    data = packed.read_bytes()
    packed.write_bytes(data[:60] + bytes(340) + data[400:] if damage == "inside" else data[:-60])
    put(tmp_path / "in" / "bob" / f"{NAME}.ipynb", untouched(NAME))
    ada, bob = collect(tmp_path / "in", NAME, tmp_path / "work")
    taken = ("second try.ipynb", []) if damage == "inside" else ("", ["w.zip"])
    assert (ada.path.name if ada.path else "", ada.handed) == taken
    assert bob.path is not None


@pytest.mark.parametrize("out", [".", "..", "in/reports"])
def test_reports_may_lie_beside_submissions_or_around_them(out, tmp_path, monkeypatch):
    """Reports in a folder of their own are left out; where everything is in one folder, everybody is found."""
    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", untouched(NAME))
    put(tmp_path / "in" / "reports" / "bob" / f"{NAME}.ipynb", untouched(NAME))
    monkeypatch.chdir(tmp_path / ("" if out == "in/reports" else "in"))
    source = Path("in" if out == "in/reports" else ".")
    found = collect(source, NAME, tmp_path / "work", out=Path(out))
    assert [s.person.student for s in found] == ["ada", "reports"][: 1 if out == "in/reports" else 2]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_and_notes_that_are_no_utf_8_are_written(tmp_path):
    """Such names stand in folders from archives of older systems; a student's program may say half a character."""
    put(tmp_path / "in" / os.fsdecode(b"J\xfcrgen") / f"{NAME}.ipynb", quick())
    put(tmp_path / "in" / "ada" / os.fsdecode(b"L\xf6sung.ipynb"), quick())
    book = GradeBook(Plan(ROOT / "solutions" / f"{NAME}.ipynb", tmp_path / "in", tmp_path / "out"))
    for job in book.prepare(tmp_path / "work"):
        assert Path(json.loads(job.as_json())["path"]).is_file()
        book.add(lost(job, 'raised ValueError("\ud800")'))
    book.finish(Late(), "")
    rows = rows_of(tmp_path / "out")
    assert {*rows} == {"J\\udcfcrgen", "ada"}
    assert rows["ada"]["notes"] == 'raised ValueError("\\ud800")'


# --- what stands in the file


def job_for(path, tmp_path, student="ada"):
    return Job(NAME, str(ROOT / "solutions" / f"{NAME}.ipynb"), student, str(path), str(tmp_path / "report"))


def with_metadata(**changes):
    notebook = json.loads(nbformat.writes(untouched(NAME)))
    notebook["metadata"] |= changes
    return notebook


ODD = {
    "kernelspec_is_a_list": with_metadata(kernelspec=["python"]),
    "kernelspec_is_text": with_metadata(kernelspec="python"),
    "exercise_is_a_number": with_metadata(mqttkit=7),
    "exercise_is_html": with_metadata(mqttkit={"exercise": "<script>alert(1)</script>"}),
    "cells_are_a_word": {"cells": "x", "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "a_cell_is_a_number": {"cells": [7], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "metadata_is_a_list": {"cells": [{"cell_type": "code", "metadata": [], "source": "1"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "from_the_future": {"cells": [], "metadata": {}, "nbformat": 9, "nbformat_minor": 0},
    "a_list": [],
    "a_number": 7,
    "nothing": None,
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_notebooks_are_unreadable_and_say_why(odd, tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(json.dumps(ODD[odd]))
    report = grade_one(job_for(path, tmp_path))
    assert report["status"] == "unreadable", report["note"]
    assert len(report["note"]) < 220
    page = (tmp_path / "report" / "feedback.html").read_text("utf-8")
    assert "<script" not in page
    assert "Not graded: unreadable." in page


def test_a_deep_notebook_is_unreadable(tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text("[" * 100_000)
    assert grade_one(job_for(path, tmp_path))["status"] == "unreadable"


def test_blanks_without_end_cost_no_time(tmp_path):
    """A heading and a faulty cell on which a careless pattern goes to and fro, before any time limit."""
    notebook = quick()
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# a" + " " * 50_000 + "b"))
    notebook.cells.insert(1, nbformat.v4.new_code_cell("\n" * 50_000 + "1 / 0"))
    begun = time.process_time()
    assert next(task for _, task in runner._headed(notebook)).endswith(" b")
    assert not stacks.makes(notebook.cells[1].source, "topic_of")
    assert time.process_time() - begun < 3


def test_an_old_notebook_is_graded(tmp_path):
    """nbformat 3, as editors of 2014 wrote it."""
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(nbformat.writes(quick(), version=3))
    report = grade_one(job_for(path, tmp_path))
    assert (report["status"], report["score"]) == ("graded", 1.0)


def test_a_cell_of_ones_own_is_no_check(tmp_path):
    """Cells that a submission calls checks stay what they are: code of a student."""
    notebook = quick()
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata["nbgrader"] |= {"grade": True, "points": 99}
    extra = nbformat.v4.new_code_cell(
        "99.0", metadata={"nbgrader": {"grade": True, "grade_id": "check-x", "points": 99}}
    )
    notebook.cells.append(extra)
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(nbformat.writes(notebook))
    report = grade_one(job_for(path, tmp_path, "<img src=x>"))
    assert (report["score"], report["max_score"], len(report["questions"])) == (1.0, 25, 6)
    assert "<img" not in (tmp_path / "report" / "feedback.html").read_text("utf-8")


def test_check_of_something_else_is_not_a_plain_zero(tmp_path, capsys):
    (tmp_path / "essay.ipynb").write_text("root:x:0:0")
    assert check(NAME, tmp_path / "essay.ipynb") == 2
    told = capsys.readouterr()
    assert "it is not JSON" in told.err
    assert "root:x" not in told.err
    assert "points" not in told.out


# --- end to end


def test_twice_handed_in_late_and_with_names_of_all_kinds(tmp_path, capsys):
    """Two notebooks of one student, work that is late, names with blanks, umlauts and formulas; the reports lie among them."""
    folder, due = tmp_path / "in", 1_700_000_000
    put(folder / "Ada Größe" / f"{NAME}.ipynb", untouched(NAME), moment=due - 7200)
    put(folder / "Ada Größe" / "second try" / f"{NAME}.ipynb", quick(), moment=due + 3600)
    put(folder / "=cmd" / f"{NAME}.ipynb", quick(), moment=due - 1)
    options = {
        "out": folder / "grades",
        "jobs": 2,
        "sandbox": "none",
        "due": "2023-11-14T22:13:20+00:00",
        "late": "10%/day",
    }
    assert grade(NAME, folder, **options) == 0
    said = capsys.readouterr()
    told = "2 notebooks were handed in: Ada Größe/second try/1-topics.ipynb is graded, not Ada Größe/1-topics.ipynb."
    assert told in said.out
    assert "1 of 2 is late, by the times of their files:\n  Ada Größe: 1 h 0 min" in said.out
    assert told in rows_of(folder / "grades")["Ada Größe"]["notes"]
    rows = rows_of(folder / "grades")
    late = rows["Ada Größe"]
    assert (late["raw_score"], late["late_submission_penalty"], late["score"]) == ("1", "0.1", "0.9")
    assert (rows["'=cmd"]["late_submission_penalty"], rows["'=cmd"]["score"]) == ("0", "1")
    (page,) = folder.glob("grades/Ada*/feedback.html")
    assert "0.9 of 25 points" in page.read_text("utf-8")
    assert grade(NAME, folder, **options | {"late": "50%/week"}) == 0
    assert "2 unchanged" in capsys.readouterr().err
    assert rows_of(folder / "grades")["Ada Größe"]["score"] == "0.5"


def test_where_nothing_can_be_written_is_told(tmp_path, capsys):
    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", untouched(NAME))
    (tmp_path / "file").write_text("")
    assert grade(NAME, tmp_path / "in", out=tmp_path / "file" / "grades", jobs=1, sandbox="none") == 2
    assert "may you write there" in capsys.readouterr().err
    assert grade(NAME, tmp_path / "in", out=tmp_path / "out", jobs=0) == 2
    assert "--jobs" in capsys.readouterr().err


def test_modules_in_the_current_folder_are_not_the_graders(tmp_path, monkeypatch):
    """An instructor may stand in a folder with files of students: none of them is imported."""
    for name in ("mqttkit", "nbformat", "psutil", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('imported.txt', 'w').write(__name__)\n")
    put(tmp_path / "ada" / f"{NAME}.ipynb", quick())
    monkeypatch.chdir(tmp_path)
    assert grade(NAME, tmp_path, out=tmp_path / "out", jobs=1, sandbox="none") == 0
    assert rows_of(tmp_path / "out")["ada"]["score"] == "1"
    assert not (tmp_path / "imported.txt").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_the_gate_leads_nowhere_when_its_question_is_over(tmp_path):
    """The port of a broker that has ended may soon be somebody else's."""
    import socket

    gate = UnixGate(tmp_path / "gate")
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        somebody.settimeout(0.3)
        gate.open(*somebody.getsockname())
        with socket.socket(socket.AF_UNIX) as inside:
            inside.connect(str(tmp_path / "gate"))
            somebody.accept()[0].close()
        gate.shut()
        with socket.socket(socket.AF_UNIX) as inside:
            inside.settimeout(2)
            inside.connect(str(tmp_path / "gate"))
            assert inside.recv(1) == b""
            with pytest.raises(TimeoutError):
                somebody.accept()
    gate.close()


def test_the_solved_notebook_is_not_needed_to_be_named(tmp_path):
    """`mqttkit grade` takes the name, the file, or the student version."""
    for given in (NAME, str(ROOT / "solutions" / f"{NAME}.ipynb"), str(ROOT / "exercises" / f"{NAME}.ipynb")):
        put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", quick())
        assert grade(given, tmp_path / "in", out=tmp_path / "out", jobs=1, sandbox="none") == 0
    assert solved(NAME).cells


def test_of_the_folders_in_an_archive_only_empty_ones_are_listed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("d/", "a/", "a/b/", "a-b/", "a/b/c.ipynb", "e/f/g.txt", "e/"):
            archive.writestr(name, "")
    listed = unpack.Room().unpack(tmp_path / "a.zip", tmp_path / "out")
    empty = [str(file.name.parent) for file in listed if "empty" in file.name.name]
    assert sorted(empty) == ["a-b", "d"]
