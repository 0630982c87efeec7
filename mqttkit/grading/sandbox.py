"""How a student's kernel is started: the environment it sees, and the box around it.

Levels:
    bwrap: Linux with bubblewrap. No network but the gate to the broker and the check socket, no other processes, no view of
        other submissions, the rubric or a home folder; nothing it writes survives.
    none: a process of its own with a scrubbed environment, its own HOME and limits. It could still read files of the user
        who grades and reach the network.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import psutil
from jupyter_client.kernelspec import KernelSpec

from mqttkit.errors import GradingError
from mqttkit.grading.box import TASKS
from mqttkit.grading.check import GRADER, SECRET
from mqttkit.grading.gate import BOXED_PORT, UnixGate
from mqttkit.grading.rubric import Exercise
from mqttkit.grading.session import Session
from mqttkit.grading.temporary import LEVELS as BELOW
from mqttkit.grading.temporary import Folder, empty, fits, place

LEVELS = ("auto", "bwrap", "none")
BOX = Path(__file__).with_name("box.py")
CHECK_PORT = 1884
_GRADERS = _BROKER, _CHECK = ("mqtt", "check")  # the grader's own sockets in a box
_MORE_TASKS = 1000  # processes and threads; not fewer, as the user's other programs count, too, and go on beside it
_TMPFS = 100 << 20  # bytes that a boxed kernel can write to its home, or to another folder in memory


@functools.cache
def bwrap_works() -> bool:
    """True when bubblewrap is installed, may make its namespaces here, knows all we ask for, and Python runs in there."""
    if shutil.which("bwrap") is None or sys.platform != "linux":
        return False
    with Folder(BELOW) as folder:
        probe = [*_bwrap_command(folder.path, _inside()), sys.executable, "-c", "import zmq, mqttkit"]
        try:
            return subprocess.run(probe, capture_output=True, timeout=30, check=False).returncode == 0  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return False


def level(wanted: str) -> str:
    """The level that is used when `wanted` is asked for.

    Raises:
        GradingError: bwrap was asked for by name, and does not work here; or there is no place for its sockets.
    """
    if wanted not in LEVELS:
        raise GradingError(f"--sandbox is one of {', '.join(LEVELS)}, not {wanted!r}.")
    if wanted == "bwrap" and not bwrap_works():
        raise GradingError(
            "--sandbox bwrap: bubblewrap is not installed, or may not be used here. Install it, or take --sandbox none."
        )
    if wanted == "none" or not bwrap_works():
        return "none"
    if not fits(place(BELOW), BELOW):
        raise GradingError(
            f"The folder for temporary files has too long a path for sockets: {place(BELOW)}. "
            "Set TMPDIR to a shorter one, such as /tmp, or take --sandbox none."
        )
    return "bwrap"


@dataclass
class Box:
    """A place for one submission's kernel: how to start it, and the session it talks to."""

    spec: KernelSpec
    env: dict[str, str]
    session: Session
    folder: Path
    gate: UnixGate | None = None

    @property
    def run(self) -> Path:
        """Folder of the sockets and of the file that tells a kernel where they are."""
        return self.folder / "run"

    def empty(self) -> None:
        """Remove what a lost kernel has written: the next one begins with an empty home, and nothing lies where its sockets go."""
        empty(self.folder / "home")
        empty(self.run, keep=_GRADERS)

    def close(self) -> None:
        """End the session and the gate; the folder belongs to the caller."""
        self.session.close()
        if self.gate is not None:
            self.gate.close()


def make(wanted: str, exercise: Exercise, seed: str, folder: Path) -> Box:
    """A box of level `wanted` ("bwrap" or "none") whose files lie in the empty `folder`."""
    for name in ("home", "run"):
        (folder / name).mkdir()
    return _bwrap(exercise, seed, folder) if wanted == "bwrap" else _plain(exercise, seed, folder)


def _plain(exercise: Exercise, seed: str, folder: Path) -> Box:
    session = Session(exercise, seed)
    home = str(folder / "home")
    env = _environment(home) | {GRADER: f"127.0.0.1:{session.port}", SECRET: session.secret}
    spec = _spec([sys.executable, str(BOX), "kernel", "-f", "{connection_file}"])
    return Box(spec, env, session, folder)


def _environment(home: str) -> dict[str, str]:
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR")
    own = (
        "HOME",
        "TMPDIR",
        "TEMP",
        "TMP",
        "IPYTHONDIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "USERPROFILE",
        "MPLCONFIGDIR",
    )
    env = {name: os.environ[name] for name in kept if name in os.environ} | dict.fromkeys(own, home)
    return env | {
        TASKS: str(_tasks() + _MORE_TASKS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(_package().parent),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _tasks() -> int:
    """How many processes and threads this user has: what RLIMIT_NPROC is compared with."""
    if sys.platform == "win32":
        return 0
    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.num_threads() if process.uids().real == os.getuid() else 0
    return count


def _spec(argv: list[str]) -> KernelSpec:
    return KernelSpec(argv=argv, display_name="student", language="python", interrupt_mode="message")


def _package() -> Path:
    return Path(__file__).resolve().parents[1]


def _bwrap(exercise: Exercise, seed: str, folder: Path) -> Box:
    run = folder / "run"
    gate = UnixGate(run / _BROKER)
    try:
        session = Session(exercise, seed, path=run / _CHECK, gate=gate)
    except OSError:
        gate.close()
        raise
    env = _inside() | {GRADER: f"127.0.0.1:{CHECK_PORT}", SECRET: session.secret}
    ports = [f"{BOXED_PORT}={run / _BROKER}", f"{CHECK_PORT}={run / _CHECK}"]
    inner = [sys.executable, "/kit/mqttkit/grading/box.py", "box", *ports, "--", "-f", "{connection_file}"]
    return Box(_spec([*_bwrap_command(run, env), *inner]), {}, session, folder, gate)


def _inside() -> dict[str, str]:
    """The environment in a box."""
    return _environment("/home/student") | {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": "/kit"}


def _bwrap_command(run: Path, env: dict[str, str]) -> list[str]:
    command = ["bwrap", "--die-with-parent", "--new-session", "--unshare-all", "--clearenv", "--cap-drop", "ALL"]
    for path in ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"):
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", *_writable("/dev/shm"), *_writable("/tmp")]  # noqa: S108 - inside the box
    folders, package = _python_folders(), _package()
    for path in folders:
        command += ["--ro-bind", path, path]
    rubrics = ["/kit/mqttkit/grading/exercises"]
    if any(package.is_relative_to(path) for path in ("/usr", *folders)):  # installed without -e: they are there, too
        rubrics.append(str(package / "grading" / "exercises"))
    command += ["--ro-bind", str(package), "/kit/mqttkit"]
    for path in rubrics:
        command += ["--tmpfs", path]
    command += [*_writable("/home/student"), "--bind", str(run), str(run), "--chdir", "/home/student"]
    for path in ("/", "/dev", *rubrics):  # made by bubblewrap, in memory and without a limit
        command += ["--remount-ro", path]
    for name, value in env.items():
        command += ["--setenv", name, value]
    return command


def _writable(path: str) -> list[str]:
    """A folder in memory that a boxed kernel can write to."""
    return ["--size", str(_TMPFS), "--tmpfs", path]


def _python_folders() -> list[str]:
    """Where this Python and its packages are, without the folders that lie in another one of them."""
    found = {sys.prefix, sys.base_prefix, *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))}
    found |= {str(Path(sys.executable).resolve().parents[1])}
    paths = sorted(p for p in found if not p.startswith("/usr/") or p.startswith("/usr/local/"))
    return [p for p in paths if p != "/usr" and not any(p != q and p.startswith(q + "/") for q in paths)]
