"""Names of files and folders that are good on every system. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
_LISTS = ("grades.csv", "moodle.csv", "canvas.csv", "feedback.zip")  # files that stand beside the folders
_LONGEST = 80  # characters; leaves room in a path


def is_device(name: str) -> bool:
    """True for what Windows takes for a device, whatever its ending, such as "nul.txt"."""
    return name.partition(".")[0].strip().upper() in _DEVICES


def written(text: str) -> str:
    r"""`text` as it can stand in a file of ours: a half character, or a byte of a name that is no UTF-8, as `\udcff`.

    Both come in names from older systems, and in what students' programs say.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def folder_names(students: Iterable[str]) -> dict[str, str]:
    """A folder for each student, whatever characters their names have; two never share one.

    Windows and macOS take "Ada" and "ada" for the same name, and so do we. An ordinary name is the name of its folder,
    in every run.
    """
    taken = {*_LISTS}
    found: dict[str, str] = {}
    for student in sorted({*students}):
        name = _folder_name(student)
        while _folded(name) in taken:
            name = _marked(name, student + name)
        taken.add(_folded(name))
        found[student] = name
    return found


def _folder_name(student: str) -> str:
    safe = re.sub(r"[^\w.-]", "_", student).strip(".") or "_"
    return safe if safe == student and not is_device(safe) and len(safe) <= _LONGEST else _marked(safe, student)


def _marked(name: str, of: str) -> str:
    return f"{name[:60]}-{hashlib.sha256(of.encode()).hexdigest()[:8]}"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
