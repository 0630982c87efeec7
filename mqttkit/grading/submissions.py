"""Who submitted what: notebooks sorted by student, by the names that course sites give them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mqttkit.errors import GradingError
from mqttkit.grading import unpack

PATTERNS = {
    # Ada Lovelace_123456_assignsubmission_file_/x.ipynb, or …_file_x.ipynb
    "moodle": r"(?P<name>[^/]*?)_(?P<student>\d+)_assignsubmission_file_/?[^/]*\.ipynb$",
    # lovelaceada_LATE_4711_88232_x-1.ipynb
    "canvas": r"(?P<name>[^/_]+)(?:_LATE)?_(?P<student>\d+)_\d+_[^/]*(?:/.*)?\.ipynb$",
}


@dataclass(frozen=True)
class Person:
    """One line of the roster."""

    student: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@dataclass
class Submission:
    """What one student handed in.

    Attributes:
        path: the notebook to grade; None when there is none.
        notes: sentences about it, such as that there were two.
    """

    person: Person
    path: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def submitted(self) -> datetime | None:
        """When the file was last changed, in local time."""
        return datetime.fromtimestamp(self.path.stat().st_mtime).astimezone() if self.path else None


def collect(
    source: Path, exercise: str, workspace: Path, *, names: str = "plain", roster: Path | None = None
) -> list[Submission]:
    """All submissions in `source`, sorted by student; with a roster also those who handed in nothing.

    Args:
        source: a folder or a zip file.
        exercise: its notebooks are called like this; used where a student has several.
        workspace: a folder for unpacked archives.
        names: "plain" (STUDENT/x.ipynb or STUDENT.ipynb), "moodle", "canvas", or a regular expression over the path with a
            group `student` and perhaps `name`.
        roster: CSV with a column student_id (or student, id) and perhaps first_name, last_name, email.

    Raises:
        GradingError: `source` or the roster cannot be read, the expression is wrong, or no file fits.
    """
    people = read_roster(roster) if roster else {}
    found: dict[str, list[Path]] = {}
    for path in unpack.files(source, workspace):
        person = _person(path, source, workspace, names)
        people.setdefault(person.student, person)
        found.setdefault(person.student, []).append(path)
    if not people:
        raise GradingError(f"No notebook was found in {source}. Is --names right? It reads `{names}` names.")
    return [_choose(people[student], found.get(student, []), exercise) for student in sorted(people)]


def _choose(person: Person, paths: list[Path], exercise: str) -> Submission:
    """The notebook to grade: one that is called like the exercise, then the newest."""
    named = [p for p in paths if p.stem.startswith(exercise) or exercise in p.name] or paths
    ordered = sorted(named, key=lambda p: (p.stat().st_mtime, p.name))
    submission = Submission(person, ordered[-1] if ordered else None)
    if len(ordered) > 1:
        others = ", ".join(p.name for p in ordered[:-1])
        submission.notes.append(
            f"{len(ordered)} notebooks were handed in: {ordered[-1].name}, the newest, is graded; not {others}."
        )
    return submission


def _person(path: Path, source: Path, workspace: Path, names: str) -> Person:
    relative = _relative(path, source, workspace)
    if names == "plain":
        student = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        return Person(student)
    match = _pattern(names).search(relative.as_posix())
    if match is None:
        return Person(relative.as_posix(), last_name="(no student in this name)")
    groups = match.groupdict()
    first, _, last = (groups.get("name") or "").strip().rpartition(" ")
    return Person(groups.get("student") or groups.get("student_id") or "", first, last)


def _pattern(names: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(PATTERNS.get(names, names))
    except re.error as error:
        raise GradingError(f"--names {names!r} is not a regular expression: {error}.") from None
    if not {"student", "student_id"} & set(pattern.groupindex):
        raise GradingError(
            f"--names {names!r}: use plain, moodle, canvas, or an expression with a group (?P<student>…)."
        )
    return pattern


def _relative(path: Path, source: Path, workspace: Path) -> Path:
    for folder in (source, workspace / source.stem, workspace / "inner", workspace):
        if path.is_relative_to(folder):
            return path.relative_to(folder)
    return Path(path.name)


def read_roster(path: Path) -> dict[str, Person]:
    """The people of a roster by their id.

    Raises:
        GradingError: the file cannot be read, or has no column for the student.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradingError(f"The roster {path} cannot be read: {error}.") from None
    column = next((c for c in ("student_id", "student", "id") if rows and c in rows[0]), None)
    if column is None:
        raise GradingError(f"The roster {path} needs a header with a column student_id.")
    people = [
        Person(*(str(row.get(c) or "").strip() for c in (column, "first_name", "last_name", "email"))) for row in rows
    ]
    return {person.student: person for person in people if person.student}
