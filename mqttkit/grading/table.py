"""The mark list: grades.csv for course sites, results.json for Gradescope. Pure."""

from __future__ import annotations

import csv
import io
from typing import Any

from mqttkit.grading.sentences import off_roster
from mqttkit.grading.submissions import Person

# The columns that nbgrader's export has, in its order.
NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score",
)  # fmt: skip


def grades(reports: list[dict[str, Any]], people: dict[str, Person], duedate: str = "") -> str:
    """grades.csv: nbgrader's columns, one for each question, then what else to know.

    A submission that could not be graded has an empty score, never a 0.
    """
    questions = sorted({q["id"] for report in reports for q in report["questions"]}, key=_order(reports))
    extra = ("status", "sandbox", "tampered", "seconds", "sha256", "notes")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*NBGRADER, *(f"q:{q}" for q in questions), *extra])
    for report in sorted(reports, key=lambda r: str(r["student"])):
        writer.writerow([safe(value) for value in _row(report, people, duedate, questions)])
    return buffer.getvalue()


def _order(reports: list[dict[str, Any]]) -> Any:
    """Questions stay in the order of the exercise."""
    known: dict[str, int] = {}
    for report in reports:
        for question in report["questions"]:
            known.setdefault(question["id"], len(known))
    return lambda name: known[name]


def _row(report: dict[str, Any], people: dict[str, Person], duedate: str, questions: list[str]) -> list[Any]:
    person = people.get(report["student"], Person(report["student"]))
    marked = report["score"] is not None
    scores = [report["raw_score"], report["late_penalty"], report["score"]] if marked else ["", "", ""]
    by_question = {q["id"]: q["score"] for q in report["questions"]} if marked else {}
    return [
        report["exercise"], duedate, report.get("submitted", ""), report["student"], person.last_name, person.first_name, person.email,
        *scores, report["max_score"], *(by_question.get(q, "") for q in questions),
        report["status"], report["sandbox"], " ".join(report["tampered"] + report["missing"]), report["seconds"], report["sha256"],
        " ".join(text for text in (report["note"], *report["notes"]) if text),
    ]  # fmt: skip


def safe(value: Any) -> Any:
    """`value` for a cell of a table: text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def gradescope(report: dict[str, Any]) -> dict[str, Any]:
    """results.json of Gradescope's autograder for one submission."""
    tests = [
        {"name": f"{q['id']}: {item['expected']}", "score": item["points"] if item["ok"] else 0, "max_score": item["points"],
         "status": "passed" if item["ok"] else "failed", "output": "" if item["ok"] else item["saw"]}
        for q in report["questions"] for item in q["items"]
    ]  # fmt: skip
    note = " ".join(text for text in (report["note"], *report["notes"]) if text and text != off_roster())
    return {"score": report["score"], "execution_time": report["seconds"], "output": note, "tests": tests}
