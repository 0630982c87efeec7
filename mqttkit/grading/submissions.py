"""Who submitted what: notebooks sorted by student, by the names that course sites give them."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from mqttkit.errors import GradingError
from mqttkit.grading import unpack
from mqttkit.grading.choose import choose
from mqttkit.grading.sentences import off_roster
from mqttkit.grading.unpack import File

PATTERNS = {
    # Ada Lovelace_123456_assignsubmission_file_/x.ipynb, …_file_x.ipynb, or (since Moodle 4.1) …_file/x.ipynb
    "moodle": r"(?P<name>[^/]*?)_(?P<student>\d+)_assignsubmission_[a-z]+(?:[_/].*)?$",
    # lovelaceada_LATE_4711_88232_x-1.ipynb
    "canvas": r"(?P<name>[^/_]+)(?:_LATE)?_(?P<student>\d+)_\d+_[^/]*(?:/.*)?$",
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
        folder: what the course site called it.
        handed: names of what was handed in instead of a notebook.
    """

    person: Person
    path: Path | None = None
    notes: list[str] = field(default_factory=list)
    folder: str = ""
    handed: list[str] = field(default_factory=list)

    @property
    def submitted(self) -> datetime | None:
        """When the file was last changed, in local time."""
        return datetime.fromtimestamp(self.path.stat().st_mtime).astimezone() if self.path else None


def collect(
    source: Path,
    exercise: str,
    workspace: Path,
    *,
    names: str = "plain",
    roster: Path | None = None,
    questions: Collection[str] = (),
    out: Path | None = None,
) -> list[Submission]:
    """All submissions in `source`, sorted by student; with a roster also those who handed in nothing.

    Args:
        source: a folder or a zip file.
        exercise: its name; used, with its `questions`, where a student has several notebooks.
        workspace: a folder for unpacked archives.
        questions: what its check cells ask.
        out: folder of the reports, which may lie among the submissions.
        names: "plain" (STUDENT/x.ipynb or STUDENT.ipynb), "moodle", "canvas", or a regular expression over the path with a
            group `student` and perhaps `name`.
        roster: CSV with a column student_id (or student, id) and perhaps first_name, last_name, email.

    Raises:
        GradingError: `source` or the roster cannot be read, the expression is wrong, or no file fits.
    """
    if names != "plain":
        _pattern(names)  # a wrong one is said before anything is unpacked
    people = read_roster(roster) if roster else {}
    enrolled = set(people)
    found: dict[str, list[File]] = {}
    for file in _files(source, workspace, out):
        person = _person(file.name, names)
        people.setdefault(person.student, person)
        found.setdefault(person.student, []).append(file)
    if not people:
        place = "this folder" if source == Path() else str(source)
        raise GradingError(f"No notebook was found in {place}. Is --names right? It reads `{names}` names.")
    chosen = [_submission(people[s], found.get(s, []), exercise, questions, names) for s in sorted(people)]
    for submission in chosen:
        if enrolled and submission.person.student not in enrolled:
            submission.notes.append(off_roster())
    return chosen


def _files(source: Path, workspace: Path, out: Path | None) -> list[File]:
    found = [file for file in unpack.files(source, workspace, out) if len(file.name.parts) > 1 or not _is_beside(file)]
    names = [file.name for file in found]
    if source.is_dir() or not _wrapped([file.name for file in found if file.is_notebook] or names, source.stem):
        return found
    return [File(file.path, PurePosixPath(*file.name.parts[1:])) for file in found if len(file.name.parts) > 1]


def _is_beside(file: File) -> bool:
    """True for what lies beside submissions and is none, such as a roster or the exercise's own file."""
    return file.path.suffix.lower() in {".csv", ".tsv", ".xls", ".xlsx", ".ods", ".py", ".md"}


def _wrapped(names: list[PurePosixPath], archive: str) -> bool:
    """True when an archive holds one folder with everything in it, as it does when somebody packs a folder."""
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    if len(tops) != 1 or any(len(name.parts) == 1 for name in names):
        return False
    below = {name.parts[1] for name in names}
    return tops == {archive} or (len(below) > 1 and all(len(name.parts) > 2 for name in names))  # noqa: PLR2004 - top/student/file


def _submission(person: Person, files: list[File], exercise: str, questions: Collection[str], names: str) -> Submission:
    notebooks = [file for file in files if file.is_notebook]
    folder = files[0].name.parts[0] if files else ""
    if not notebooks:
        return Submission(person, folder=folder, handed=[_within(file.name, folder) for file in files])
    chosen, notes = choose(notebooks, exercise, questions)
    if names == "canvas" and "_LATE_" in chosen.name.parts[0]:
        notes.append("Canvas marks it as late.")
    return Submission(person, chosen.path, notes, chosen.name.parts[0])


def _within(name: PurePosixPath, folder: str) -> str:
    """What a file is called in the folder of its student."""
    return str(name.relative_to(folder)) if len(name.parts) > 1 else str(name)


def _person(relative: PurePosixPath, names: str) -> Person:
    if names == "plain":
        student = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        return Person(student)
    pattern = _pattern(names)  # one of your own may speak of notebooks only
    match = pattern.search(relative.as_posix()) or pattern.search(relative.with_suffix(".ipynb").as_posix())
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


def read_roster(path: Path) -> dict[str, Person]:
    """The people of a roster by their id.

    Raises:
        GradingError: the file cannot be read, or has no column for the student.
    """
    try:
        rows = _table(path.read_bytes())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradingError(f"The roster {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if not rows or not any(column in rows[0] for column in _COLUMNS["student"]):
        raise GradingError(f"The roster {path} needs a header with a column student_id.")
    people = [Person(**{name: _cell(row, columns) for name, columns in _COLUMNS.items()}) for row in rows]
    return {person.student: person for person in people if person.student.lower() not in ("", _NOBODY)}


_NOBODY = "points possible"  # the first line of Canvas' own list
_COLUMNS = {  # as our own lists call them, and as course sites do
    "student": ("student_id", "id", "id_number", "sis_user_id", "user_id", "student"),  # in Canvas "Student" is a name
    "first_name": ("first_name", "given_name", "vorname"),
    "last_name": ("last_name", "surname", "family_name", "nachname"),
    "email": ("email", "email_address", "e_mail"),
}


def _cell(row: dict[str, str], columns: tuple[str, ...]) -> str:
    return next((str(row[column] or "").strip() for column in columns if column in row), "")


def _table(data: bytes) -> list[dict[str, str]]:
    """Rows of a CSV file as spreadsheets write it: comma, semicolon or tab; UTF-8, UTF-16, or the old Windows alphabet."""
    text = _text(data)
    head = text.split("\n", 1)[0]
    lines = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count), strict=True)
    rows = [row for row in lines if any(cell.strip() for cell in row)]
    names = [re.sub(r"\W+", "_", name.strip().lower()).strip("_") for name in rows[0]] if rows else []
    return [dict(zip(names, row, strict=False)) for row in rows[1:]]


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")
