"""Who closes what a learner leaves open.

A notebook cell that opens a broker, a lab or a client is often run again. What its previous run left open is then closed
first; whatever is still open when the process ends is closed then. Nothing here keeps an object alive. Threads and sockets
die with the process anyway; a child process has a Guardian.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, Protocol

from mqttkit._notebook import current_cell


class Closable(Protocol):
    """Anything with a `close` that may be called twice and from any thread."""

    def close(self) -> None:
        """End every thread, socket and process this object owns."""


_by_cell: dict[str, tuple[Any, weakref.WeakSet[Any]]] = {}
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def adopt(thing: Closable) -> None:
    """Remember `thing`; close what an earlier run of the same notebook cell left open.

    A thing belongs to the cell that opened it first: a cell that connects it again may run again and not lose it.
    """
    if thing in _open:
        return
    _open.add(thing)
    cell = _current_cell()
    if cell is None:
        return
    key, run = cell
    earlier = _by_cell.get(key)
    if earlier is None or earlier[0] != run:
        _by_cell[key] = (run, weakref.WeakSet())
        if earlier is not None:
            close_all(earlier[1])
    _by_cell[key][1].add(thing)


def close_all(things: weakref.WeakSet[Any] | None = None) -> None:
    """Close every object of `things` (without argument: all that are open), whatever one of them says."""
    for thing in list(_open if things is None else things):
        try:
            thing.close()
        except Exception:  # noqa: BLE001, S112 - one that fails must not keep the next one open
            continue


def _current_cell() -> tuple[str, Any] | None:
    """(name of the notebook cell that runs now, number of this run), or None outside a notebook."""
    request = current_cell()
    if request is None or request.get("header", {}).get("msg_type") != "execute_request":
        return None  # also after a click in a widget: what that opens belongs to the widget, not to a run of a cell
    code = request.get("content", {}).get("code", "")
    return str(request.get("metadata", {}).get("cellId") or code), request.get("header", {}).get("msg_id")


# Waits for a line; at the end of the input (this process is gone) it ends the process with the given number and removes
# the given folder.
_SHELL_GUARDIAN = 'read line || { kill -9 "$1"; rm -rf "$2"; }'
_PYTHON_GUARDIAN = """
import os, shutil, sys
if not sys.stdin.readline():
    try:
        os.kill(int(sys.argv[1]), 9)
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
_NOTHING = str(Path(os.devnull, "none"))  # removing it does nothing


def apart() -> dict[str, Any]:
    """Options for `subprocess.Popen` so that Ctrl-C in this process, or the stop button of a notebook, spares the child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


class Guardian:
    """Ends a child process, and removes its folder, when this process dies, even by kill -9, which runs no code of ours.

    It is a tiny process that reads from a pipe; the system closes the other end with us.
    """

    def __init__(self, pid: int, folder: Path | None = None) -> None:
        command = ["/bin/sh", "-c", _SHELL_GUARDIAN, "sh"]
        if sys.platform == "win32" or not os.access(command[0], os.X_OK):
            command = [sys.executable, "-S", "-c", _PYTHON_GUARDIAN]
        command += [str(pid), _NOTHING if folder is None else str(folder)]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **apart()
        )

    def release(self) -> None:
        """The child ends in the ordinary way: call this first, so that its number cannot be somebody else's by then."""
        pipe = self._process.stdin
        with contextlib.suppress(OSError, ValueError):  # another thread may be here, too
            if pipe is not None and not pipe.closed:
                pipe.write(b"\n")
                pipe.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Child:
    """A program that runs as long as we want it, and never longer than this process.

    Args:
        command: program and arguments.
        folder: what it keeps while it runs; removed when this process dies. An orderly end leaves it to its owner.
        options: for `subprocess.Popen`: which of its streams to read, its environment.

    Attributes:
        process: the running process; its streams carry text.
    """

    def __init__(self, command: list[str], *, folder: Path | None = None, **options: Any) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 - found by us, our own arguments
            command, text=True, encoding="utf-8", errors="replace", **apart(), **options
        )
        try:
            self._guardian = Guardian(self.process.pid, folder)
        except BaseException:  # also the stop button of a notebook
            self._kill()
            raise

    def end(self, patience: float = 5.0, *, at_once: bool = False) -> None:
        """Ask it to end, and end it after `patience` seconds; `at_once` as a power cut would. May be called again."""
        self._guardian.release()
        if self.process.stdin is not None:
            self.process.stdin.close()
        (self.process.kill if at_once else self.process.terminate)()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self._kill()
        except BaseException:  # the stop button of a notebook
            self._kill()
            raise

    def _kill(self) -> None:
        self.process.kill()
        self.process.wait()


atexit.register(close_all)
