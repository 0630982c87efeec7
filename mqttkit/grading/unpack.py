"""A folder or an archive of submissions, as files on the disk. What is inside was made by others: names and sizes are checked."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

from mqttkit.errors import GradingError

LARGEST = 20 << 20  # bytes of one file: a notebook without pictures has some kilobytes
TOTAL = 4 << 30


def files(source: Path, workspace: Path) -> list[Path]:
    """All notebooks in `source`, a folder or a zip file; archives in it are unpacked below `workspace`.

    Raises:
        GradingError: `source` is neither.
    """
    if source.is_dir():
        folder = source
    elif zipfile.is_zipfile(source):
        folder = workspace / source.stem
        shutil.rmtree(folder, ignore_errors=True)
        _unpack(source, folder)
    else:
        raise GradingError(f"{source} is neither a folder nor a zip file.")
    found = _notebooks(folder)
    for archive in sorted(folder.rglob("*.zip")):  # one archive for each student, as some course sites give
        inner = workspace / "inner" / archive.relative_to(folder).with_suffix("")
        shutil.rmtree(inner, ignore_errors=True)
        if zipfile.is_zipfile(archive):
            _unpack(archive, inner)
            found += _notebooks(inner)
    return found


def _notebooks(folder: Path) -> list[Path]:
    hidden = {".ipynb_checkpoints", "__MACOSX"}
    return sorted(p for p in folder.rglob("*.ipynb") if not hidden & set(p.parts) and not p.name.startswith("."))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack what is a file of a sensible size; a name that leads out of the folder is pulled back in by zipfile."""
    left = TOTAL
    with zipfile.ZipFile(archive) as content:
        for info in content.infolist():
            left -= info.file_size
            if info.is_dir() or left < 0:
                continue
            _unpack_one(content, info, folder)


def _unpack_one(content: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    if info.file_size > LARGEST:  # an empty file in its place: its student gets a status, not silence
        path = folder / Path(*[part for part in Path(info.filename).parts if part not in ("..", "/")])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        return
    try:
        path = Path(content.extract(info, folder))
    except (zipfile.BadZipFile, RuntimeError, OSError, NotImplementedError):
        return  # damaged or encrypted: the student shows up as missing
    moment = time.mktime((*info.date_time, 0, 0, -1))
    os.utime(path, (moment, moment))
