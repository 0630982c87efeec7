"""Grades one submission: reads it, restores its check cells, runs it in a box, and writes its three files."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from mqttkit import __version__
from mqttkit.grading import page, sandbox
from mqttkit.grading.build import write
from mqttkit.grading.notebooks import Notebook, is_check, question_of, restore, student_version, tag
from mqttkit.grading.rubric import Exercise, Question, Result, Verdict, load
from mqttkit.grading.runner import Outcome, Runner
from mqttkit.grading.session import Session
from mqttkit.grading.unpack import LARGEST

SCHEMA = 1
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
        """Names the random numbers of this student's games: the same in each regrade, different for each student."""
        return f"{self.exercise}:{self.student}"

    def as_json(self) -> str:
        """One line for a worker process."""
        return json.dumps(asdict(self))


class Unreadable(Exception):
    """A submission that cannot be run; the message is the sentence for the report."""


def digest(job: Job) -> str:
    """Names everything a mark depends on: the submission, the master, the rubric and this version of the kit."""
    exercise = load(job.exercise, Path(job.master).parent)
    rubric = Path(exercise.questions[next(iter(exercise.questions))].scenario.__code__.co_filename)
    parts = [Path(p).read_bytes() if p else b"" for p in (job.path, job.master, str(rubric))]
    return hashlib.sha256(b"\0".join([*parts, job.student.encode(), __version__.encode()])).hexdigest()


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
        report |= {"status": "unreadable", "note": str(error)}
    except Exception as error:  # noqa: BLE001 - one submission must not end the others; its status says so
        report |= {"status": "grader_error", "note": f"The grader itself failed: {type(error).__name__}: {error}"}
    report["seconds"] = round(time.monotonic() - begun, 2)
    save(report, Path(job.out), packets)
    return report


def missing(job: Job) -> Report:
    """The report on a student of the roster who handed in nothing."""
    report = _blank(job, load(job.exercise, Path(job.master).parent))
    report |= {"status": "missing", "note": "No notebook was handed in."}
    save(report, Path(job.out), [])
    return report


def lost(job: Job, reason: str) -> Report:
    """The report on a submission whose grader process was lost."""
    report = _blank(job, load(job.exercise, Path(job.master).parent))
    report |= {"status": "grader_error", "note": reason}
    save(report, Path(job.out), [])
    return report


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
        "student": job.student,
        "file": Path(job.path).name,
        "sha256": hashlib.sha256(Path(job.path).read_bytes()).hexdigest() if job.path else "",
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
    submission = _read(Path(job.path), exercise)
    master = student_version(nbformat.read(job.master, as_version=4))
    notebook, report["tampered"], report["missing"] = restore(submission, master)
    session, outcome = run_boxed(notebook, exercise, job.seed, job.sandbox, timeout=job.timeout, total=job.total)
    _fill(report, exercise, session.results, outcome)
    tapes = session.packets.items()
    packets += [json.dumps({"question": name} | p, ensure_ascii=False) for name, tape in tapes for p in tape]


def run_boxed(
    notebook: Notebook, exercise: Exercise, seed: str, level: str, *, timeout: float, total: float
) -> tuple[Session, Outcome]:
    """Run a notebook whose check cells are in order; its results, and what happened on the way."""
    folder = Path(tempfile.mkdtemp(prefix="mqttkit-"))
    try:
        box = sandbox.make(level, exercise, seed, folder)
        try:
            outcome = Runner(notebook, box, timeout=timeout, total=total).run()
        finally:
            box.close()
        return box.session, outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
        report["status"], report["note"] = "grader_error", f"{failed['id']}: {failed['note']}"


def _unplayed(question: Question, reason: str) -> Result:
    return Result(question, [Verdict(item, saw=reason) for item in question.rubric], "unplayed", reason)


def _read(path: Path, exercise: Exercise) -> Notebook:
    """The submitted notebook. Raises Unreadable with a sentence where it cannot be run as this exercise."""
    if path.stat().st_size > LARGEST:
        raise Unreadable(
            f"The file has {path.stat().st_size >> 20} MB; a notebook without its outputs has some kilobytes."
        )
    if path.stat().st_size == 0:
        raise Unreadable("The file is empty.")
    try:
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code" and isinstance(cell.source, str)]
    except Exception as error:  # noqa: BLE001 - nbformat raises what it likes
        raise Unreadable(f"The file is not a notebook that can be read: {str(error)[:200]}") from None
    language = str(notebook.metadata.get("kernelspec", {}).get("language", "python"))
    if language != "python":
        raise Unreadable(f"The notebook is written for {language!r}, not for Python.")
    if not code:
        raise Unreadable("The notebook has no code cell.")
    _check_exercise(notebook, exercise)
    return notebook


def _check_exercise(notebook: Notebook, exercise: Exercise) -> None:
    claimed = notebook.metadata.get("mqttkit", {}).get("exercise", exercise.name)
    if claimed != exercise.name:
        raise Unreadable(f"This is the exercise {str(claimed)[:60]!r}, not {exercise.name!r}.")
    asked = {question_of(cell) for cell in notebook.cells if is_check(cell)}
    if not asked & set(exercise.questions) and not any(tag(cell) for cell in notebook.cells):
        raise Unreadable(f"The notebook has none of the cells of {exercise.name!r}: was another file handed in?")


def folder_name(student: str) -> str:
    """A folder for `student`, whatever characters the name has; two students never share one."""
    safe = re.sub(r"[^\w.-]", "_", student).strip(".") or "_"
    reserved = safe.upper().split(".")[0] in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}
    if safe == student and not reserved and len(safe) <= 80:  # noqa: PLR2004 - leaves room in a path
        return safe
    return f"{safe[:60]}-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
