"""What one submission uses of the machine, all its processes together, and what it may use."""

from __future__ import annotations

import contextlib
import errno
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

_BLOCK = 4096  # bytes that the smallest file takes on a disk
_LONGEST = 1000  # characters of the path of a folder: those of files in it must not come near to what a system can open
_HIDES = {errno.ENAMETOOLONG} | ({errno.EACCES} if os.name == "posix" else set())  # on Windows, what vanishes is denied


@dataclass(frozen=True)
class Caps:
    """What one submission may use, all its processes together; `grader` is what the grader may grow by meanwhile. In bytes."""

    processes: int = 64
    memory: int = 2 << 30
    disk: int = 200 << 20
    grader: int = 1 << 30


USUAL = Caps()


def excess(process: psutil.Process, caps: Caps, folder: Path, grader: int) -> str:
    """What a kernel has too much of, in words; "" while it keeps to `caps`.

    Args:
        process: the kernel, or the first process of its box.
        caps: what is allowed.
        folder: what it may write to.
        grader: bytes that the grader has grown by since the kernel began.
    """
    processes = family(process)
    if len(processes) > caps.processes:
        return f"it started more than {caps.processes} processes"
    if _total(processes, lambda p: p.memory_info().rss) > caps.memory:
        return f"it used more than {caps.memory >> 20} MB of memory"
    if grader > caps.grader:
        return f"what it sent took the grader more than {caps.grader >> 20} MB of memory"
    if disk(folder) > caps.disk:
        return f"it wrote more than {caps.disk >> 20} MB to the disk, or very many files, or folders very deep in one another"
    return ""


def family(process: psutil.Process) -> list[psutil.Process]:
    """`process` and all its descendants; nobody when it has gone."""
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def own_memory() -> int:
    """Bytes of memory that this process has."""
    return int(psutil.Process().memory_info().rss)


def _total(processes: list[psutil.Process], of: Callable[[psutil.Process], int]) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += of(process)
    return total


def disk(folder: Path) -> float:
    """Bytes in a folder, also while what is in it comes and goes: what has just vanished is left out.

    The smallest file takes a block. A folder that cannot be looked into may hold anything.
    """
    total, waiting = 0, [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    total += _BLOCK + _beyond_a_block(entry)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            if error.errno in _HIDES:
                return math.inf
        if len(here) > _LONGEST:
            return math.inf
    return total


def _beyond_a_block(entry: os.DirEntry[str]) -> int:
    with contextlib.suppress(OSError):
        return max(0, entry.stat(follow_symlinks=False).st_size - _BLOCK)
    return 0
