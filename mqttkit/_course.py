"""Where the course is: notebooks/, exercises/ and solutions/ side by side."""

from __future__ import annotations

from pathlib import Path


def find_course(*patterns: str, start: Path | None = None) -> Path | None:
    """The folder in which something matches one of `patterns`, such as "notebooks/*.ipynb"; None where there is none.

    The nearest one from `start` (else the current folder) upwards comes first: there is a learner's own work. The clone
    that the kit was installed from comes last.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
        if any(any(folder.glob(pattern)) for pattern in patterns):
            return folder
    return None
