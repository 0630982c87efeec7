"""Write down which tests of a finished run are asked once more, alone. Used by .ci/run.

    python tests/support/once_more.py CACHE FILE

CACHE is pytest's cache of the run; FILE gets one name a line (`pytest @FILE` reads it). A cell of a notebook needs those before
it: the whole notebook runs again. Exit code 1, and no file, where so many failed that it is no accident.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ACCIDENTS = 3  # files with failures


def main(cache: str, file: str) -> int:
    """1 where there is nothing to ask again, or too much."""
    lastfailed = Path(cache, "v", "cache", "lastfailed")
    names = json.loads(lastfailed.read_text(encoding="utf-8")) if lastfailed.exists() else {}
    again = sorted({_whole_notebook(name) for name in names})
    if not 0 < len({name.split("::")[0] for name in again}) <= ACCIDENTS:
        return 1
    Path(file).write_text("".join(f"{name}\n" for name in again), encoding="utf-8")
    print(f"== {len(names)} failed; once more, alone: {', '.join(again)}")
    return 0


def _whole_notebook(name: str) -> str:
    path = name.split("::", maxsplit=1)[0]
    return path if path.endswith(".ipynb") else name


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
