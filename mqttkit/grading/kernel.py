"""One student's kernel: started in its box, watched, run cell by cell with a time limit, and gone afterwards."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager

from mqttkit._advice import ORDER
from mqttkit.errors import GradingError
from mqttkit.grading.orphans import end_orphans
from mqttkit.grading.sandbox import Box

_BLOCK = 4096  # bytes that the smallest file takes on a disk
_LONGEST = 1000  # characters of the path of a folder: those of files in it must not come near to what a system can open
_HIDES = {
    errno.ENAMETOOLONG,
    errno.EACCES if os.name == "posix" else errno.ENAMETOOLONG,
}  # on Windows, what vanishes is denied
OUTPUT = 20_000  # characters kept of what one cell prints
WATCHED = 10.0  # seconds that the watch may take to end
_PATH = 103  # bytes that the path of a Unix socket may have on macOS; 107 on Linux
GRACE = 1.0  # seconds a cell has to end after an interrupt


@dataclass(frozen=True)
class Caps:
    """What one submission may use, all its processes together."""

    processes: int = 64
    memory: int = 2 << 30
    disk: int = 200 << 20


@dataclass
class Run:
    """What happened in one cell: how it ended, what it printed, and its error.

    Attributes:
        end: "ok", "error", "interrupted" (time limit, the kernel lives), "stuck" (time limit, no way to stop it) or "died".
    """

    end: str = "ok"
    error: str = ""
    printed: str = ""
    why: str = field(default="", compare=False)


class Kernel:
    """The kernel of one submission.

    Args:
        box: where it runs.
        caps: when it uses more, it is ended.
    """

    def __init__(self, box: Box, caps: Caps = Caps()) -> None:
        self._box = box
        self._caps = caps
        self.ended_for = ""  # the sentence, when the watch ended it
        self._manager = KernelManager(connection_file=str(box.run / "kernel.json"))
        if _has_sockets(box):
            self._manager.transport, self._manager.ip = "ipc", str(box.run / "zmq")
        self._manager._kernel_spec = box.spec  # noqa: SLF001 - a spec of our own, not one of the machine's
        self._start()

    def _start(self) -> None:
        env = self._box.env or {"PATH": os.environ.get("PATH", "")}
        home = str(self._box.folder / "home")
        self._manager.start_kernel(env=env, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = psutil.Process(self._manager.provisioner.pid)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._quiet = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="mqttkit-watch", daemon=True)
        self._watcher.start()
        try:
            self._client.wait_for_ready(timeout=60)
        except RuntimeError as error:
            self.close()
            raise GradingError(f"The student's kernel did not start: {error}") from None

    def run(self, source: str, timeout: float) -> Run:
        """Run one cell; after `timeout` seconds it is interrupted."""
        if not self.alive():
            return Run("died", why=self.ended_for)
        message = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        run = Run()
        if self._listen(message, run, timeout):
            return run
        if not self.alive():
            return Run("died", run.error, run.printed, self.ended_for)
        self._manager.interrupt_kernel()
        run.end = "interrupted" if self._listen(message, Run(), GRACE) else "stuck"
        return run

    def _listen(self, message: str, run: Run, timeout: float) -> bool:
        """Collect output until the cell is done (True), or until time is up or the kernel has died (False)."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            try:
                news = self._client.get_iopub_msg(timeout=min(left, 0.25))
                if news["parent_header"].get("msg_id") == message and _note(news, run):
                    return True
            except queue.Empty:
                if not self.alive():
                    return False
            except Exception:  # noqa: BLE001, S112 - a student's kernel may send anything; what is no message is left out
                continue
        return False

    def alive(self) -> bool:
        """True while the kernel's process runs."""
        return bool(self._manager.is_alive())

    def close(self) -> None:
        """End the kernel and everything it started, and give back its sockets."""
        self._quiet.set()
        self._watcher.join(WATCHED)  # it may be ending processes: the next kernel must not be among them
        try:
            self._client.stop_channels()
        finally:  # whatever its sockets say: the student's processes end
            self._kill()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def _watch(self) -> None:
        """Look now and then at what the student's processes use; end them when it is too much."""
        while not self._quiet.wait(0.4):
            reason = ""
            with contextlib.suppress(Exception):  # whatever one look meets, the next one comes: the limits must hold
                reason = _excess(self._process, self._caps, self._box)
            if reason:
                self.ended_for = reason
                self._kill()
                return

    def _kill(self) -> None:
        """End the kernel's process, its group, and all descendants; those of a box end with its first process."""
        family = _family(self._process)
        with contextlib.suppress(psutil.Error, OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        for process in [*family, *_strays(self._box)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        end_orphans(self._process.pid)


def _has_sockets(box: Box) -> bool:
    """True where the kernel is reached by way of files. A TCP port that is picked may be taken before the kernel has it."""
    return os.name == "posix" and len(os.fsencode(box.run / "zmq-0")) <= _PATH


def _note(news: dict[str, Any], run: Run) -> bool:
    """Take one message of the kernel into `run`; True when it says that the cell is done."""
    kind, content = news["msg_type"], news["content"]
    if kind == "stream" and len(run.printed) < OUTPUT:
        run.printed += content["text"][:OUTPUT]
    elif kind == "error":
        run.end = "error"
        said = re.sub(r"\(\d+\.py, line", "(line", str(content["evalue"]))  # the name that IPython gives a cell
        said = said.replace(f". {ORDER}", "")  # advice for somebody who can run cells
        run.error = f"{content['ename']}: {said}"[:300]
    return bool(kind == "status" and content["execution_state"] == "idle")


def _family(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _strays(box: Box) -> list[psutil.Process]:
    """Processes that left the kernel's family, found by the secret in their environment (a box has none)."""
    if box.gate is not None:
        return []
    return [p for p in psutil.process_iter() if p.pid != os.getpid() and box.session.secret in _environ(p)]


def _environ(process: psutil.Process) -> str:
    try:
        return " ".join(process.environ().values())
    except (psutil.Error, OSError):
        return ""


def _excess(process: psutil.Process, caps: Caps, box: Box) -> str:
    family = _family(process)
    if len(family) > caps.processes:
        return f"it started more than {caps.processes} processes"
    if _total(family, lambda p: p.memory_info().rss) > caps.memory:
        return f"it used more than {caps.memory >> 20} MB of memory"
    if _disk(box.folder) > caps.disk:
        return f"it wrote more than {caps.disk >> 20} MB to the disk, or very many files, or folders very deep in one another"
    return ""


def _total(family: list[psutil.Process], of: Callable[[psutil.Process], int]) -> int:
    total = 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            total += of(process)
    return total


def _disk(folder: Path) -> float:
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
