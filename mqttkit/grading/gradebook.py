"""One run of `mqttkit grade`: what there is to do, what is done already, and the lists at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mqttkit.errors import GradingError
from mqttkit.grading import page, sites, table
from mqttkit.grading.build import read_master, write
from mqttkit.grading.filenames import folder_names
from mqttkit.grading.job import NO_MARK, Job, Report, digest, pending, unmarked, without_notebook
from mqttkit.grading.late import Late
from mqttkit.grading.rubric import load
from mqttkit.grading.submissions import Person, Submission, collect


@dataclass(frozen=True)
class Plan:
    """What to grade, and how. See `mqttkit grade --help`."""

    master: Path
    source: Path
    out: Path
    sandbox: str = "none"
    timeout: float = 30.0
    total: float = 300.0
    names: str = "plain"
    roster: Path | None = None
    student: str | None = None
    regrade: bool = False


@dataclass
class GradeBook:
    """The reports of one exercise, on disk and in memory."""

    plan: Plan
    reports: dict[str, Report] = field(default_factory=dict)
    kept: int = 0  # reports of an earlier run that stand
    prepared: bool = False  # it is known who is there: before that, a list would leave people out
    _people: dict[str, Person] = field(default_factory=dict)
    _submitted: dict[str, Any] = field(default_factory=dict)
    _folders: dict[str, str] = field(default_factory=dict)
    _places: dict[str, Path] = field(default_factory=dict)
    _jobs: dict[str, Job] = field(default_factory=dict)

    def prepare(self, workspace: Path) -> list[Job]:
        """The submissions that have to be graded now; the reports of all others are read.

        Raises:
            GradingError: there are none, or not the student that was named.
        """
        plan = self.plan
        read_master(plan.master)
        questions = load(plan.master.stem, plan.master.parent).questions
        found = collect(
            plan.source,
            plan.master.stem,
            workspace,
            names=plan.names,
            roster=plan.roster,
            questions=questions,
            out=plan.out,
        )
        if plan.student is not None and plan.student not in {s.person.student for s in found}:
            raise GradingError(
                f"There is no submission of {plan.student!r}. There are: {', '.join(s.person.student for s in found[:20])}."
            )
        plan.out.mkdir(parents=True, exist_ok=True)
        named = folder_names(submission.person.student for submission in found)
        self._places = {student: plan.out / name for student, name in named.items()}
        jobs = [job for submission in found if (job := self._job(submission)) is not None]
        self.prepared = True
        return jobs

    def _job(self, submission: Submission) -> Job | None:
        """The job for `submission`, or None when its report stands."""
        student = submission.person.student
        self._people[student], self._submitted[student] = submission.person, submission.submitted
        self._folders[student] = submission.folder
        job = self._jobs[student] = self._as_job(submission)
        if submission.path is None:
            self.reports[student] = without_notebook(job, submission.handed)
            return None
        old = _read(Path(job.out) / "report.json", student)
        named = self.plan.student in (None, student)
        if old is not None and not _stale(old, job) and not (named and self.plan.regrade):
            self.reports[student] = old | {"notes": job.notes}
            self.kept += 1
            return None
        return job if named else None

    def _as_job(self, submission: Submission) -> Job:
        plan, student = self.plan, submission.person.student
        path = str(submission.path.resolve()) if submission.path else ""
        return Job(
            exercise=plan.master.stem,
            master=str(plan.master.resolve()),
            student=student,
            path=path,
            out=str(self._places[student].resolve()),
            sandbox=plan.sandbox,
            timeout=plan.timeout,
            total=plan.total,
            notes=submission.notes,
        )

    def add(self, report: Report) -> None:
        """Take a new report."""
        self.reports[report["student"]] = report

    def counts(self) -> Counter[str]:
        """How many submissions have each status."""
        return Counter(report["status"] for report in self.reports.values())

    def progress(self) -> str:
        """How far the run has come."""
        return f"{len(self.reports)} of {len(self._jobs)} graded"

    def late(self, rule: Late) -> list[tuple[str, timedelta]]:
        """Who is late and by how much, by the times of the files."""
        found = ((student, rule.by(moment)) for student, moment in self._submitted.items())
        return [(student, by) for student, by in found if by is not None]

    def finish(self, late: Late, duedate: str) -> None:
        """Apply the rule for late work, and write the lists."""
        for student, report in self.reports.items():
            _apply(late, report, self._submitted.get(student))
            person = self._people.get(student, Person(student))
            report["name"] = f"{person.first_name} {person.last_name}".strip()
            folder = self._places[student]
            write(folder / "feedback.html", page.render(report))
            write(folder / "results.json", json.dumps(table.gradescope(report), indent=1, ensure_ascii=False) + "\n")
            write(folder / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
        rows = [*self.reports.values(), *self._open()]
        text = table.grades(rows, self._people, duedate)
        write(self.plan.out / "grades.csv", text)
        self._for_site(rows)

    def _for_site(self, rows: list[Report]) -> None:
        """What the course site takes that the names are of."""
        out, names = self.plan.out, self.plan.names
        if names == "moodle":
            write(out / "moodle.csv", sites.moodle(rows, self._people))
            pages = {folder: self._places[student] / "feedback.html" for student, folder in self._folders.items()}
            sites.feedback_zip(out / "feedback.zip", pages)
        elif names == "canvas":
            write(out / "canvas.csv", sites.canvas(rows, self._people))

    def _open(self) -> list[Report]:
        """A line for everybody who has no report yet, because the run was stopped or was for one student only."""
        jobs = [job for student, job in self._jobs.items() if student not in self.reports]
        return [pending(job) | {"submitted": _moment(self._submitted[job.student])} for job in jobs]


def _apply(late: Late, report: Report, submitted: Any) -> None:
    report["submitted"] = _moment(submitted)
    if report["status"] in NO_MARK:
        report |= unmarked(report["status"], report["note"])
        return
    report["late_penalty"] = late.penalty(report["raw_score"], submitted)
    report["score"] = round(report["raw_score"] - report["late_penalty"], 4)


def _moment(submitted: datetime | None) -> str:
    return submitted.isoformat(timespec="seconds") if submitted else ""


def _stale(report: Report, job: Job) -> bool:
    """True when a report does not hold any more: another submission, rubric or version of the kit, or a failed run."""
    return report.get("status") == "grader_error" or report.get("digest") != digest(job)


def _read(path: Path, student: str) -> Report | None:
    """The report of `student` at `path`; None where there is none, or somebody else's."""
    try:
        report = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and report.get("student") == student else None
