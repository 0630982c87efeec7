"""One student's kernel: started in its box, watched, run cell by cell with a time limit, and gone afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

import psutil
import zmq
from jupyter_client.manager import KernelManager

from mqttkit.errors import GradingError
from mqttkit.grading.messages import Messages, Run
from mqttkit.grading.orphans import end_orphans
from mqttkit.grading.sandbox import Box
from mqttkit.grading.usage import USUAL, Caps, excess, family, own_memory

START = 60.0  # seconds that a kernel may take to answer
WATCHED = 10.0  # seconds that the watch may take to end
_PATH = 103  # bytes that the path of a Unix socket may have on macOS; 107 on Linux
GRACE = 1.0  # seconds a cell has to end after an interrupt


class Kernel:
    """The kernel of one submission.

    Args:
        box: where it runs.
        caps: when it uses more, it is ended.
    """

    def __init__(self, box: Box, caps: Caps = USUAL) -> None:
        self._box = box
        self._caps = caps
        self.ended_for = ""  # the sentence, when the watch ended it
        self._manager = KernelManager(connection_file=str(box.run / "kernel.json"))
        if _has_sockets(box):
            self._manager.transport, self._manager.ip = "ipc", str(box.run / "zmq")
        self._manager._kernel_spec = box.spec  # noqa: SLF001 - a spec of our own, not one of the machine's
        self._memory = own_memory()
        self._quiet = threading.Event()
        self._start()

    def _start(self) -> None:
        link, self._lifeline = os.pipe()  # nobody inherits this end: the box reads the other one until we have gone
        try:
            self._launch(link)
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(link)
        self._messages = Messages(self._manager, self.alive)
        self._watcher = threading.Thread(target=self._watch, name="mqttkit-watch", daemon=True)
        self._watcher.start()
        if not self._messages.ready(START):
            why = self.ended_for or ("it does not answer" if self.alive() else "it has ended")
            self.close()
            raise GradingError(f"The student's kernel did not start: {why}.")

    def _launch(self, link: int) -> None:
        env = self._box.env or {"PATH": os.environ.get("PATH", "")}
        home, nowhere = str(self._box.folder / "home"), subprocess.DEVNULL
        self._manager.start_kernel(env=env, cwd=home, stdin=link, stdout=nowhere, stderr=nowhere)
        self._process = psutil.Process(self._manager.provisioner.pid)

    def run(self, source: str, timeout: float) -> Run:
        """Run one cell; after `timeout` seconds it is interrupted."""
        if not self.alive():
            return Run("died", why=self.ended_for)
        run = self._messages.run(source, timeout)
        if run is not None:
            return run
        if not self.alive():
            return Run("died", why=self.ended_for)
        with contextlib.suppress(zmq.Again):  # nobody takes the message
            self._manager.interrupt_kernel()
        return Run("interrupted" if self._messages.result(GRACE) else "stuck")

    def alive(self) -> bool:
        """True while the kernel's process runs."""
        return bool(self._manager.is_alive())

    def close(self) -> None:
        """End the kernel and everything it started, and give back its sockets."""
        self._quiet.set()
        self._watcher.join(WATCHED)  # it may be ending processes: the next kernel must not be among them
        try:
            self._messages.close()
        finally:  # whatever its sockets say: the student's processes end
            self._kill()
            os.close(self._lifeline)
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()

    def _watch(self) -> None:
        """Look now and then at what the student's processes use; end them when it is too much."""
        while not self._quiet.wait(0.4):
            reason = ""
            with contextlib.suppress(Exception):  # whatever one look meets, the next one comes: the limits must hold
                reason = excess(self._process, self._caps, self._box.folder, own_memory() - self._memory)
            if reason:
                self.ended_for = reason
                self._kill()
                return

    def _kill(self) -> None:
        """End the kernel's process, its group, and all descendants; those of a box end with its first process."""
        processes = family(self._process)
        with contextlib.suppress(psutil.Error, OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        for process in [*processes, *_strays(self._box)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        end_orphans(self._process.pid)


def _has_sockets(box: Box) -> bool:
    """True where the kernel is reached by way of files. A TCP port that is picked may be taken before the kernel has it."""
    return os.name == "posix" and len(os.fsencode(box.run / "zmq-0")) <= _PATH


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
