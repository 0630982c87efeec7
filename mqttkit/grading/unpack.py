"""A folder or an archive of submissions, as files on the disk. What is inside was made by others: names and sizes are checked."""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from pathlib import Path, PurePosixPath

from mqttkit.errors import GradingError

LARGEST = 20 << 20  # bytes of one notebook: one without pictures has some kilobytes
ARCHIVE = 200 << 20  # bytes of one student's archive
TOTAL = 4 << 30  # bytes of everything that is unpacked
_WANTED = {".ipynb": LARGEST, ".zip": ARCHIVE}


def files(source: Path, workspace: Path) -> list[Path]:
    """All notebooks in `source`, a folder or a zip file; archives in it are unpacked below `workspace`.

    Links are left out: one could lead to somebody else's work, or anywhere else.

    Raises:
        GradingError: `source` is neither.
    """
    room = Room()
    if source.is_dir():
        folder = source
    elif zipfile.is_zipfile(source):
        folder = workspace / source.stem
        shutil.rmtree(folder, ignore_errors=True)
        room.unpack(source, folder)
    else:
        raise GradingError(f"{source} is neither a folder nor a zip file.")
    found = _notebooks(folder)
    for archive in sorted(folder.rglob("*.zip")):  # one archive for each student, as some course sites give
        inner = workspace / "inner" / archive.relative_to(folder).with_suffix("")
        shutil.rmtree(inner, ignore_errors=True)
        if archive.is_file() and not archive.is_symlink() and zipfile.is_zipfile(archive):
            room.unpack(archive, inner)
            found += _notebooks(inner)
    return found


def _notebooks(folder: Path) -> list[Path]:
    hidden = {".ipynb_checkpoints", "__MACOSX"}
    found = [p for p in folder.rglob("*.ipynb") if not hidden & set(p.parts) and not p.name.startswith(".")]
    return sorted(p for p in found if p.is_file() and not p.is_symlink())


class Room:
    """Unpacks archives as long as there is room for what is in them."""

    def __init__(self) -> None:
        self._left = TOTAL

    def unpack(self, archive: Path, folder: Path) -> None:
        """Unpack what may be a submission; a name that leads out of the folder is pulled back in by zipfile."""
        try:
            with zipfile.ZipFile(archive) as content:
                for info in content.infolist():
                    self._unpack_one(content, info, folder)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return  # damaged: its student shows up as missing, or with what could be read

    def _unpack_one(self, content: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
        largest = _WANTED.get(Path(info.filename).suffix.lower())
        if info.is_dir() or largest is None:
            return
        if info.file_size > largest or info.file_size > self._left:
            _leave_mark(info, folder)
            return
        self._left -= info.file_size
        try:
            path = Path(content.extract(info, folder))
            moment = time.mktime((*info.date_time, 0, 0, -1))
            os.utime(path, (moment, moment))
        except (zipfile.BadZipFile, RuntimeError, OSError, ValueError, OverflowError, NotImplementedError):
            return  # damaged or encrypted: the student shows up as missing


def _leave_mark(info: zipfile.ZipInfo, folder: Path) -> None:
    """A file with a hole in place of one that is too big: its student gets a status, not silence."""
    parts = [
        re.sub(r'[<>:"|?*\\]', "_", part) for part in PurePosixPath(info.filename).parts if part not in ("..", "/")
    ]
    path = folder.joinpath(*parts)  # no drive of Windows, nothing that leads out
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(min(info.file_size, TOTAL))
