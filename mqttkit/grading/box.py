"""Starts a student's kernel: limits first, then ipykernel. Run as a script, with nothing but the standard library.

`box.py kernel ARGUMENTS` sets the limits and becomes the kernel. `box.py box PORT=SOCKET … -- ARGUMENTS` is the first
process of a sandbox without a network: it forwards loopback ports to Unix sockets, starts the kernel, and ends with it.

Both end with the grader, which alone holds the other end of their standard input: the system closes that with it.
"""

import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

MEGABYTE = 1 << 20
LIMITS = {
    "RLIMIT_CPU": 300,  # seconds of one process; the grader's own clock is stricter
    "RLIMIT_FSIZE": 50 * MEGABYTE,
    "RLIMIT_NOFILE": 512,
    "RLIMIT_CORE": 0,
    "RLIMIT_AS": 4096 * MEGABYTE,
}


TASKS = "MQTTKIT_TASKS"
"""Environment variable: how many processes and threads the user of the grader may have, so that a fork bomb ends early."""


def limit() -> None:
    """Lower the limits of this process and all it starts. Windows has none; macOS refuses some, and root has no RLIMIT_NPROC."""
    try:
        import resource
    except ImportError:
        return
    tasks = {"RLIMIT_NPROC": int(os.environ[TASKS])} if TASKS in os.environ else {}
    for name, value in {**LIMITS, **tasks}.items():
        if hasattr(resource, name):
            try:
                resource.setrlimit(getattr(resource, name), (value, value))
            except (ValueError, OSError):
                continue


# Calls of the system for memory that is no process's and no file's, so that nobody counts it: memfd_create, memfd_secret, shmget,
# msgget; and mount, fsopen: in a user namespace of its own, a box could have more folders in memory. (AUDIT_ARCH_…, numbers)
UNCOUNTED = {
    "x86_64": (0xC000003E, (319, 447, 29, 68, 165, 430)),
    "aarch64": (0xC00000B7, (279, 447, 194, 186, 40, 430)),
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # linux/prctl.h, linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the latter as EPERM
_X32 = 0x40000000  # numbers from here on are those of another interface to the same calls


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("then", ctypes.c_ubyte), ("other", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def refuse_uncounted() -> None:
    """Linux on the processors above: refuse the calls above to this process and all it starts, for good (seccomp)."""
    if sys.platform != "linux" or platform.machine() not in UNCOUNTED or sys.maxsize < 1 << 32:
        return
    machine, calls = UNCOUNTED[platform.machine()]
    last = len(calls)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 0, last + 3, machine), (_LOAD, 0, 0, 0), (_AT_LEAST, last + 1, 0, _X32)]
    steps += [(_EQUAL, last - number, 0, call) for number, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program = _Program(len(steps), (_Step * len(steps))(*(_Step(*step) for step in steps)))
    prctl = ctypes.CDLL(None).prctl
    prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)  # where the system has no such thing, there is none


def end_with(link: int) -> None:
    """End this process, with its group where it leads one, as soon as the input `link` ends: then the grader has gone.

    bubblewrap's own --die-with-parent comes too late for a grader that is killed while it sets up the box.
    """

    def wait() -> None:
        while os.read(link, 4096):  # without a box, and as root, a student's code may write here
            continue
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    # Not on Windows: there a thread that reads a pipe holds up whoever asks about it, and ipykernel itself waits for its parent.
    if sys.platform != "win32":
        threading.Thread(target=wait, daemon=True).start()


def _take_input() -> int:
    """The standard input, under a number that no other program inherits; in its place there is nothing to read."""
    link, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return link


def kernel(arguments: list[str]) -> None:
    """Become the kernel."""
    end_with(_take_input())
    limit()
    refuse_uncounted()
    sys.argv = ["ipykernel", *arguments, "--HistoryManager.hist_file=:memory:"]
    sys.path[0] = str(Path.cwd())  # the folder of the notebook, in place of this script's
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def box(arguments: list[str]) -> int:
    """Forward the ports, start the kernel as a child, and wait for its end."""
    end_with(0)
    split = arguments.index("--")
    for pair in arguments[:split]:
        port, _, path = pair.partition("=")
        server = socket.create_server(("127.0.0.1", int(port)))
        threading.Thread(target=_forward, args=(server, path), daemon=True).start()
    command = [sys.executable, str(Path(__file__).resolve()), "kernel", *arguments[split + 1 :]]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own script


def _forward(server: socket.socket, path: str) -> None:
    while True:
        inner, _ = server.accept()
        outer = socket.socket(socket.AF_UNIX)
        try:
            outer.connect(path)
        except OSError:
            inner.close()
            continue
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # one side has gone: end the other
    for link in (source, target):
        try:
            link.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


if __name__ == "__main__":
    if sys.argv[1] == "kernel":
        kernel(sys.argv[2:])
    else:
        # At once: the grader waits to see whether the box has ended, or its kernel only fell silent.
        os._exit(box(sys.argv[2:]))
