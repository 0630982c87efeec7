"""A folder or an archive of submissions, as files on the disk. What is inside was made by others: names and sizes are checked."""

from __future__ import annotations

import bisect
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mqttkit.errors import GradingError
from mqttkit.grading.filenames import is_device, written

LARGEST = 20 << 20  # bytes of one notebook: one without pictures has some kilobytes
ARCHIVE = 200 << 20  # bytes of one student's archive
TOTAL = 4 << 30  # bytes of everything that is unpacked
_WANTED = {".ipynb": LARGEST, ".zip": ARCHIVE}
_NOBODYS = {".ipynb_checkpoints", "__MACOSX", "Thumbs.db", "desktop.ini"}


class File(NamedTuple):
    """Something that was handed in: where it is, and where it lay in the pile.

    Only notebooks and archives are unpacked; the `path` of anything else in an archive leads nowhere.
    """

    path: Path
    name: PurePosixPath

    @property
    def is_notebook(self) -> bool:
        """True for a notebook that can be read. A link is none: it could lead to somebody else's work."""
        return self.path.suffix.lower() == ".ipynb" and self.path.is_file() and not self.path.is_symlink()


def files(source: Path, workspace: Path, out: Path | None = None) -> list[File]:
    """Everything in `source`, a folder or a zip file; archives in it are unpacked below `workspace`.

    An empty folder is there as a file "(an empty folder)", so that nobody is forgotten. What lies below `out` is our own,
    unless all submissions lie there.

    Raises:
        GradingError: `source` is neither.
    """
    room = Room()
    if source.is_dir():
        found = [file for file in _below(source) if not _is_ours(file.path, source, out)]
    elif zipfile.is_zipfile(source):
        found = room.unpack(source, workspace / "outer")
    else:
        raise GradingError(f"{source} is neither a folder nor a zip file.")
    for number, file in enumerate(list(found)):  # one archive for each student, as some course sites give
        if file.path.suffix.lower() == ".zip" and file.path.is_file() and not file.path.is_symlink():
            folder = file.name.with_suffix("")
            inner = room.unpack(file.path, workspace / "inner" / str(number))
            found += [File(path, folder / name) for path, name in inner]
    return sorted((file for file in found if not _nobodys(file.name)), key=lambda file: str(file.name))


def _is_ours(path: Path, source: Path, out: Path | None) -> bool:
    if out is None or source.resolve() not in out.resolve().parents:
        return False
    return out.resolve() in path.resolve().parents


def _nobodys(name: PurePosixPath) -> bool:
    return any(part in _NOBODYS or part.startswith(".") for part in name.parts)


def _below(folder: Path) -> Iterator[File]:
    for top, folders, names in os.walk(folder):
        here = Path(top)
        links = [name for name in folders if (here / name).is_symlink()]
        empty = ["(an empty folder)"] if not folders and not names and here != folder else []
        for name in [*names, *links, *empty]:
            yield File(here / name, PurePosixPath(written((here / name).relative_to(folder).as_posix())))


class Room:
    """Unpacks archives as long as there is room for what is in them."""

    def __init__(self) -> None:
        self._left = TOTAL

    def unpack(self, archive: Path, folder: Path) -> list[File]:
        """Unpack what may be a submission below a fresh `folder`, and never beside it; all that the archive has is listed.

        Each file gets a folder of its own: to Windows and macOS "Ada" and "ada" are one name, and one would get the other's work.
        """
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with zipfile.ZipFile(archive) as content:
                names = sorted(content.namelist())
                entries = enumerate(content.infolist())
                found = (self._unpack_one(content, names, info, folder / str(number)) for number, info in entries)
                return [file for file in found if file]
        except Exception:  # noqa: BLE001 - what a damaged list may lead to; the archive itself is what its student handed in
            return []

    def _unpack_one(
        self, content: zipfile.ZipFile, names: list[str], info: zipfile.ZipInfo, folder: Path
    ) -> File | None:
        parts = safe_parts(info.filename)
        if not parts:
            return None
        file = File(folder / parts[-1], PurePosixPath(*parts))
        largest = _WANTED.get(file.path.suffix.lower())
        if info.is_dir():
            return File(file.path / "x", file.name / "(an empty folder)") if _is_leaf(names, info.filename) else None
        if largest is not None:
            self._write(content, info, file.path, largest)
        return file

    def _write(self, content: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, largest: int) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if info.file_size > min(largest, self._left):
                _leave_mark(info, path)
                return
            self._left -= info.file_size
            with content.open(info) as inside, path.open("wb") as outside:
                shutil.copyfileobj(inside, outside)
            moment = time.mktime((*info.date_time, 0, 0, -1))
            os.utime(path, (moment, moment))
        except Exception:  # noqa: BLE001 - damaged or encrypted, and each kind of packing has errors of its own
            path.unlink(missing_ok=True)  # listed, but no notebook that can be read


def _is_leaf(names: list[str], folder: str) -> bool:
    """Whether nothing lies in `folder`: in sorted `names`, what does follows at once."""
    after = bisect.bisect_left(names, folder) + 1
    return after == len(names) or not names[after].startswith(folder)


def safe_parts(name: str) -> list[str]:
    """The parts of a name in an archive, such that on no system they lead out of the folder they are put into.

    Zip files name drives ("C:/x"), roots, ".." and devices if their maker wants them to.
    """
    parts = [re.sub(r'[<>:"|?*\x00-\x1f]', "_", part).rstrip(". ") for part in re.split(r"[/\\]", name)]
    return [f"_{part}" if is_device(part) else part for part in parts if part]


def _leave_mark(info: zipfile.ZipInfo, path: Path) -> None:
    """A file with a hole in place of one that is too big: its student gets a status, not silence."""
    with path.open("wb") as file:
        file.truncate(min(info.file_size, TOTAL))
