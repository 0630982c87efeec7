"""Student versions made from the solutions: `mqttkit exercises build` and `reset`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat

from mqttkit._course import find_course
from mqttkit.errors import GradingError
from mqttkit.grading.filenames import written
from mqttkit.grading.notebooks import Notebook, check_ids, student_version, text_of

FRESH = ".fresh"  # folder in exercises/ with untouched student versions, in a copy without solutions/


def course_folder(start: Path | None = None) -> Path:
    """The folder that holds exercises/ and solutions/: the nearest one from here upwards, else the kit's own.

    Raises:
        GradingError: there is none.
    """
    found = find_course("solutions", "exercises", start=start)
    if found is None:
        raise GradingError("No folder here has exercises/ or solutions/. Change to the folder of the course.")
    return found


def master_path(exercise: str) -> Path:
    """The notebook an exercise is made from: a path as it is, else solutions/NAME.ipynb, else exercises/NAME.ipynb."""
    given = Path(exercise)
    if given.suffix == ".ipynb" and given.is_file():
        return given
    folder = course_folder()
    for part in ("solutions", "exercises"):
        path = folder / part / f"{given.stem if given.suffix == '.ipynb' else exercise}.ipynb"
        if path.is_file():
            return path
    known = ", ".join(p.stem for p in _solutions(folder)) or "none"
    raise GradingError(f"There is no exercise {exercise!r}. There are: {known}.")


def _solutions(folder: Path) -> list[Path]:
    found = sorted((folder / "solutions").glob("*.ipynb")) or sorted((folder / "exercises").glob("*.ipynb"))
    return [path for path in found if not path.name.endswith(".old.ipynb")]


def build(source: Path, target: Path, *, check: bool = False) -> list[Path]:
    """Write the student version of every notebook in `source` to `target`.

    Args:
        source: folder of solved notebooks, or one of them.
        target: folder of the student versions.
        check: write nothing, only compare.

    Returns:
        The files that were written, or, with `check`, those that are not up to date or have no solution.
    """
    paths = [source] if source.is_file() else sorted(source.glob("*.ipynb"))
    texts = {path.name: student_text(path) for path in paths}
    # The scenarios of an exercise of one's own stand beside its notebook: instant feedback needs them there as well.
    texts |= {p.name: p.read_text("utf-8") for path in paths if (p := path.with_suffix(".py")).is_file()}
    changed = []
    for name, text in texts.items():
        out = target / name
        if not out.is_file() or out.read_bytes() != text.encode():
            changed.append(out)
            if not check:
                write(out, text)
    return changed + (_orphans(source, target) if check and source.is_dir() else [])


def _orphans(source: Path, target: Path) -> list[Path]:
    """Notebooks in `target` that have no solution, but for a learner's own that `reset` kept."""
    kept = set(target.glob("*.old.ipynb"))
    return sorted(path for path in target.glob("*.ipynb") if path not in kept and not (source / path.name).is_file())


def student_text(path: Path) -> str:
    """The student version of the solved notebook at `path`, as the text of a file."""
    return text_of(student_version(read_master(path)))


def read_master(path: Path) -> Notebook:
    """The notebook of an instructor at `path`.

    Raises:
        GradingError: it is no notebook, or a cell lacks what grading needs.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError) as error:
        raise GradingError(f"{path} cannot be read as a notebook: {str(error)[:100]}.") from None
    check_ids(notebook, path.name)
    return notebook


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it. Line ends stay as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(written(text).encode())
    part.replace(path)


@dataclass(frozen=True)
class Reset:
    """What `reset` did: the fresh file, and where the old one is kept (None when there was none)."""

    fresh: Path
    kept: Path | None


def reset(name: str, *, source: Path | None = None, target: Path | None = None) -> Reset:
    """Write a fresh copy of exercise `name`; the learner's own file is kept beside it as NAME.1.old.ipynb.

    Raises:
        GradingError: nothing to make a fresh copy from.
    """
    folder = course_folder()
    text = _fresh(source or folder / "solutions" / f"{name}.ipynb", folder / "exercises" / FRESH / f"{name}.ipynb")
    out = (target or folder / "exercises") / f"{name}.ipynb"
    kept = _keep(out)
    write(out, text)
    return Reset(out, kept)


def _fresh(master: Path, packed: Path) -> str:
    """The student version of `master`, or, in a copy that was handed out without solutions, the one packed with it."""
    if master.is_file():
        return student_text(master)
    if packed.is_file():
        return packed.read_text("utf-8")
    raise GradingError(
        f"No fresh copy of {packed.stem!r} can be made: {master.name} is not in solutions/. Name it with --from PATH."
    )


def _keep(path: Path) -> Path | None:
    if not path.is_file():
        return None
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}.old.ipynb")).exists():
        number += 1
    path.rename(kept)
    return kept
