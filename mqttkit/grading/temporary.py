"""Folders for temporary files: with short paths, and none is left for good, even when its owner was killed.

A folder holds a lock as long as its owner lives. Whoever makes a new folder first removes those of the same user whose lock
nobody holds any more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

PREFIX = "mqttkit-g-"
LEVELS = 2  # a grader process has a folder, and in it one for each box
_STEP = len(PREFIX) + 9  # bytes that a folder adds to a path
_LOCK = ".alive"
_SOCKET = 107  # bytes that the path of a Unix socket may have on Linux
_IN_BOX = len("/run/check")  # the longest name of a socket in the folder of a box

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Folder:
    """A fresh folder that belongs to this process; it is removed at the end of `with`, or by `remove`.

    Args:
        levels: folders in one another, this one included, down to that of a box; see `place`.
    """

    def __init__(self, levels: int = 1) -> None:
        parent = place(levels)
        clear(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._held: int | None = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        if _taken(self._held):
            os.write(self._held, b"1")  # only now it says something: an empty one may just be about to be locked

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
            _remove_all(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def place(levels: int) -> str:
    """Where temporary files go; on Linux a folder such that the sockets of a box `levels` folders below have short paths."""
    usual = tempfile.gettempdir()
    good = (path for path in (usual, "/tmp") if fits(path, levels) and os.access(path, os.W_OK | os.X_OK))  # noqa: S108 - a folder of its own in there
    return next(good, usual)


def fits(path: str, levels: int) -> bool:
    """True when the sockets of a box `levels` folders below `path` have paths that are short enough; there are boxes on Linux only."""
    return sys.platform != "linux" or len(os.fsencode(path)) + levels * _STEP + _IN_BOX <= _SOCKET


def clear(parent: str) -> None:
    """Remove the folders in `parent` that this user's dead processes have left."""
    for folder in Path(parent).glob(f"{PREFIX}*"):
        if _is_own(folder) and _is_dead(folder):
            _remove_all(folder)


def _remove_all(folder: Path) -> None:
    empty(folder)
    with contextlib.suppress(OSError):  # something in it cannot be removed: the next one tries again
        folder.rmdir()


def empty(folder: Path, keep: Collection[str] = ()) -> None:
    """Remove what is in `folder`, but what is called as in `keep`; also what was locked against reading.

    Folders in folders are moved up first: they may lie so deep that no path leads to them.
    """
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
        waiting = [path for path in folder.iterdir() if path.name not in keep]
        while waiting:
            with contextlib.suppress(OSError):
                waiting += _remove(waiting.pop(), folder)


def _remove(path: Path, top: Path) -> list[Path]:
    """Remove `path`; what was a folder in it now lies in `top`."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return []
    path.chmod(0o700)
    moved = []
    for inner in list(path.iterdir()):
        if inner.is_symlink() or not inner.is_dir():
            inner.unlink()
        else:
            inner.chmod(0o700)
            moved.append(inner.rename(top / secrets.token_hex(8)))
    path.rmdir()
    return moved


def _is_own(folder: Path) -> bool:
    """True for a real folder of this user, which nobody else can write to."""
    with contextlib.suppress(OSError):
        return not folder.is_symlink() and folder.is_dir() and (os.name == "nt" or folder.stat().st_uid == os.getuid())
    return False


def _is_dead(folder: Path) -> bool:
    """True when it has had a lock, and nobody holds it."""
    try:
        file = os.open(folder / _LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:  # it is just being made or removed, or is none of ours
        return False
    try:
        return os.fstat(file).st_size > 0 and _taken(file)
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    try:
        _lock(file)
    except OSError:  # somebody holds it, or this disk knows no locks
        return False
    return True
