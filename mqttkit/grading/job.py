"""Grades one submission: reads it, restores its check cells, runs it in a box, and writes its three files."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.reader import NotJSONError

from mqttkit import __version__
from mqttkit.grading import page, sandbox
from mqttkit.grading.build import read_master, write
from mqttkit.grading.notebooks import Notebook, is_check, question_of, restore, student_version, tag
from mqttkit.grading.rubric import Exercise, Question, Result, Verdict, load
from mqttkit.grading.runner import Outcome, Runner, tasks
from mqttkit.grading.session import Session
from mqttkit.grading.temporary import Folder
from mqttkit.grading.unpack import LARGEST

SCHEMA = 1
NO_MARK = ("missing", "unreadable", "grader_error", "not_graded")  # statuses of what was not judged
Report = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One submission to grade. Plain values only, so that it can go to another process or machine.

    Attributes:
        exercise: name of the exercise.
        master: its solved notebook, or its student version.
        student: who handed it in.
        path: the notebook; "" when there is none.
        out: folder of this submission's report.
        sandbox: "bwrap" or "none".
        timeout: seconds for each cell.
        total: seconds for everything.
        notes: sentences for the report.
    """

    exercise: str
    master: str
    student: str
    path: str
    out: str
    sandbox: str = "none"
    timeout: float = 30.0
    total: float = 300.0
    notes: list[str] = field(default_factory=list)

    @property
    def seed(self) -> str:
        """Names the random numbers of this submission's games.

        They are the same in each regrade, and different for each student. The hash of the file is part of it, so nobody can
        work them out beforehand and write them into the notebook, nor use what the feedback on an earlier one showed.
        """
        return f"{self.exercise}:{self.student}:{sha256(self.path)}"

    def as_json(self) -> str:
        """One line for a worker process."""
        return json.dumps(asdict(self))


class Unreadable(Exception):
    """A submission that cannot be run; the message is the sentence for the report."""


def digest(job: Job) -> str:
    """Names everything a mark depends on: the submission, the master, the rubric and this version of the kit."""
    exercise = load(job.exercise, Path(job.master).parent)
    rubric = sorted({question.scenario.__code__.co_filename for question in exercise.questions.values()})
    parts = [*map(sha256, (job.path, job.master, *rubric)), job.student, __version__]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def sha256(path: str) -> str:
    """Hash of a file, however big; "" where there is none that can be read."""
    found = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while part := file.read(1 << 20):
                found.update(part)
    except OSError:
        return ""
    return found.hexdigest()


def grade_one(job: Job) -> Report:
    """Grade one submission and write its report.json, feedback.html and packets.jsonl.

    Never raises for what a submission does: its status says what went wrong.
    """
    begun = time.monotonic()
    exercise = load(job.exercise, Path(job.master).parent)
    report = _blank(job, exercise)
    packets: list[str] = []
    try:
        _grade(job, exercise, report, packets)
    except Unreadable as error:
        report |= unmarked("unreadable", str(error))
    except Exception as error:  # noqa: BLE001 - one submission must not end the others; its status says so
        report |= unmarked("grader_error", f"The grader itself failed: {type(error).__name__}: {error}")
    report["seconds"] = round(time.monotonic() - begun, 2)
    save(report, Path(job.out), packets)
    return report


def without_notebook(job: Job, handed: list[str]) -> Report:
    """The report on a student who handed in nothing, or something else: `handed` names it."""
    status, note = ("unreadable", _other(handed)) if handed else ("missing", "No notebook was handed in.")
    report = _blank(job, load(job.exercise, Path(job.master).parent)) | unmarked(status, note)
    save(report, Path(job.out), [])
    return report


def _other(handed: list[str]) -> str:
    names = ", ".join(handed[:5]) + (", …" if len(handed) > 5 else "")  # noqa: PLR2004 - enough to know what it is
    if any(name.lower().endswith(".ipynb") for name in handed):
        return f"{names}: that is no file that can be read, but a link, or damaged in its archive."
    return f"{names} was handed in, and no notebook."


def lost(job: Job, reason: str) -> Report:
    """The report on a submission whose grader process was lost."""
    report = _blank(job, load(job.exercise, Path(job.master).parent))
    report |= unmarked("grader_error", reason)
    save(report, Path(job.out), [])
    return report


def pending(job: Job) -> Report:
    """What to say, and to write nowhere but in the list, of a submission that has not been graded yet."""
    note = "Not graded yet: call the same again to go on."
    return _blank(job, load(job.exercise, Path(job.master).parent)) | unmarked("not_graded", note)


def unmarked(status: str, note: str) -> Report:
    """What a report says without a mark: null, which nobody takes for a 0."""
    return {"status": status, "note": note, "raw_score": None, "late_penalty": None, "score": None}


def save(report: Report, out: Path, packets: list[str]) -> None:
    """Write the files of one submission, report.json last: it says that the others are complete."""
    out.mkdir(parents=True, exist_ok=True)
    write(out / "packets.jsonl", "".join(line + "\n" for line in packets))
    write(out / "feedback.html", page.render(report))
    write(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _blank(job: Job, exercise: Exercise) -> Report:
    return {
        "schema": SCHEMA,
        "exercise": job.exercise,
        "title": exercise.title,
        "student": job.student,
        "file": Path(job.path).name,
        "sha256": sha256(job.path),
        "digest": digest(job),
        "seed": job.seed,
        "sandbox": job.sandbox,
        "status": "graded",
        "note": "",
        "notes": list(job.notes),
        "raw_score": 0.0,
        "late_penalty": 0.0,
        "score": 0.0,
        "max_score": exercise.points,
        "questions": [],
        "cells": [],
        "tampered": [],
        "missing": [],
        "seconds": 0.0,
    }


def _grade(job: Job, exercise: Exercise, report: Report, packets: list[str]) -> None:
    master = student_version(read_master(Path(job.master)))
    notebook, report["tampered"], report["missing"] = _read(Path(job.path), exercise, master)
    session, outcome = run_boxed(notebook, exercise, job.seed, job.sandbox, timeout=job.timeout, total=job.total)
    _fill(report, exercise, session.results, outcome)
    headings = tasks(master)
    for question in report["questions"]:
        question["task"] = headings.get(question["id"], "")
    tapes = session.packets.items()
    packets += [json.dumps({"question": name} | p, ensure_ascii=False) for name, tape in tapes for p in tape]


def run_boxed(
    notebook: Notebook, exercise: Exercise, seed: str, level: str, *, timeout: float, total: float
) -> tuple[Session, Outcome]:
    """Run a notebook whose check cells are in order; its results, and what happened on the way."""
    with Folder() as folder:
        box = sandbox.make(level, exercise, seed, folder.path)
        try:
            outcome = Runner(notebook, box, timeout=timeout, total=total).run()
        finally:
            box.close()
        return box.session, outcome


def _fill(report: Report, exercise: Exercise, results: dict[str, Result], outcome: Outcome) -> None:
    for name, question in exercise.questions.items():
        result = results.get(name) or _unplayed(
            question, outcome.unplayed.get(name, "The notebook has no check cell for it.")
        )
        report["questions"].append(result.as_json())
    report["raw_score"] = report["score"] = sum(q["score"] for q in report["questions"])
    report["cells"] = outcome.cells
    report["status"], report["note"] = outcome.status, outcome.note
    failed = next((q for q in report["questions"] if q["state"] == "error"), None)
    if failed is not None:
        report |= unmarked("grader_error", f"{failed['id']}: {failed['note']}")


def _unplayed(question: Question, reason: str) -> Result:
    return Result(question, [Verdict(item, saw=reason) for item in question.rubric], "unplayed", reason)


def _read(path: Path, exercise: Exercise, master: Notebook) -> tuple[Notebook, list[str], list[str]]:
    """See `restore`. Raises Unreadable with a sentence where the submission cannot be run as this exercise."""
    try:
        _check_size(path)
        submission = nbformat.reads(path.read_text("utf-8"), as_version=4)
        _check_exercise(submission, exercise)
        return restore(submission, master)
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(f"The file cannot be read: {error.strerror or error}.") from None
    except NotJSONError:
        raise Unreadable(
            "The file is not a notebook: it is not JSON. Was it cut off, or is it another kind of file?"
        ) from None
    except UnicodeDecodeError:
        raise Unreadable("The file is not a notebook: it is not text. Is it another kind of file?") from None
    except Exception as error:  # noqa: BLE001 - whatever may stand in a notebook that somebody else wrote
        raise Unreadable(f"The file is not a notebook that can be read: {_short(error)}.") from None


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:120]


def _check_size(path: Path) -> None:
    if path.stat().st_size > LARGEST:
        raise Unreadable(
            f"The file has {path.stat().st_size >> 20} MB; a notebook without its outputs has some kilobytes."
        )
    if path.stat().st_size == 0:
        raise Unreadable("The file is empty.")


def _check_exercise(notebook: Notebook, exercise: Exercise) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and isinstance(cell.source, str)]
    language = str(notebook.metadata.get("kernelspec", {}).get("language", "python"))
    if language != "python":
        raise Unreadable(f"The notebook is written for {language!r}, not for Python.")
    if not code:
        raise Unreadable("The notebook has no code cell.")
    claimed = notebook.metadata.get("mqttkit", {}).get("exercise", exercise.name)
    if claimed != exercise.name:
        raise Unreadable(f"This is the exercise {str(claimed)[:60]!r}, not {exercise.name!r}.")
    asked = {question_of(cell) for cell in notebook.cells if is_check(cell)}
    if not asked & set(exercise.questions) and not any(tag(cell) for cell in notebook.cells):
        raise Unreadable(f"The notebook has none of the cells of {exercise.name!r}: was another file handed in?")
