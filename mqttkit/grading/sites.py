"""Files that course sites take: marks and feedback for Moodle, marks for Canvas.

The columns and folder names are those that their importers read, in the sources of Moodle (mod/assign/feedback/offline and
…/file) and Canvas (lib/gradebook_importer.rb).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mqttkit.grading.submissions import Person
from mqttkit.grading.table import safe

_FOLDER = re.compile(r"(?P<folder>[^/]*?_\d+_assignsubmission_[a-z]+)(?P<rest>.*)")


def moodle(reports: list[dict[str, Any]], people: Mapping[str, Person]) -> str:
    """The offline grading worksheet. Who has no mark is left out, so that Moodle leaves them as they are."""
    head = ["Identifier", "Full name", "Grade", "Last modified (grade)"]
    rows = [[f"Participant {r['student']}", _name(r, people), r["score"], ""] for r in _marked(reports)]
    return _csv([head, *rows])


def canvas(reports: list[dict[str, Any]], people: Mapping[str, Person]) -> str:
    """A table for the import of Canvas' gradebook: it finds people by the ID, and asks which assignment is meant."""
    name = reports[0]["exercise"] if reports else ""
    rows = [[_name(r, people), r["student"], "", r["score"]] for r in _marked(reports)]
    return _csv([["Student", "ID", "Section", name], *rows])


def feedback_zip(path: Path, pages: Mapping[str, Path]) -> None:
    """For Moodle's "Upload multiple feedback files in a zip": each feedback.html in the folder that Moodle made.

    Args:
        path: the file to write.
        pages: name of the downloaded folder (or file) -> feedback.html.
    """
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, page in sorted(pages.items()):
            if (match := _FOLDER.match(folder)) and page.is_file():
                name = folder if match["rest"] in ("", "_") else f"{match['folder']}_"
                archive.write(page, f"{name}/feedback.html")
    part.replace(path)


def _marked(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in sorted(reports, key=lambda r: str(r["student"])) if r["score"] is not None]


def _name(report: dict[str, Any], people: Mapping[str, Person]) -> str:
    person = people.get(report["student"], Person(report["student"]))
    return f"{person.first_name} {person.last_name}".strip()


def _csv(rows: list[list[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([safe(value) for value in row] for row in rows)
    return "\ufeff" + buffer.getvalue()
