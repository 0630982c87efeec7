"""`mqttkit lab`: JupyterLab on the first page of the course, quiet, offline, and gone after Ctrl-C."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from mqttkit._course import find_course
from mqttkit._signals import hears
from mqttkit.cli.errors import CommandError
from mqttkit.progress import writable

FIRST_PAGE = "notebooks/00-start-here.ipynb"
_USUAL_PORT = 8888


def run_lab(
    *, notebook: str, port: int | None, browser: bool, folder: Path | None, verbose: bool, extra: list[str]
) -> int:
    """Run JupyterLab until Ctrl-C; the exit code.

    Args:
        notebook: path of the page to open, relative to the folder of the course.
        port: TCP port; None looks for a free one from 8888 on.
        browser: open a browser window.
        folder: folder of the course; None looks for it.
        verbose: show JupyterLab's own log.
        extra: options handed on to JupyterLab as they are.
    """
    course = _course() if folder is None else folder.resolve()
    if not (course / notebook).is_file():
        raise CommandError(f"There is no {notebook} in {course}. Without a name, `mqttkit lab` opens {FIRST_PAGE}.")
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this environment, not a user-wide one
    _add_settings()
    _find_room_for_settings()
    server = _start(_options(course, notebook, port, browser) + extra, port, verbose=verbose)
    _end_when_told(server)
    server.io_loop.add_callback(lambda: print(_welcome(server), flush=True))  # when it answers, not before
    server.start()
    print("\nJupyterLab has ended, and everything it started with it.")
    return 0


def _course() -> Path:
    """The folder that holds the lessons. Raises CommandError where there is none."""
    found = find_course(FIRST_PAGE)
    if found is None:
        raise CommandError(
            "The lessons are not here: they are part of the repository, not of the installed package. "
            "Clone it, and install it from there with `python -m pip install -e .`",
        )
    return found


def _add_settings() -> None:
    """Put our settings of JupyterLab (no news, no updates, fresh lessons) behind those of the person, who keeps the last word."""
    paths = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(Path(__file__).with_name("jupyter"))]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    os.environ.setdefault("PYTHONSTARTUP", str(Path(__file__).parents[1] / "_startup.py"))


def _find_room_for_settings() -> None:
    """Jupyter keeps settings in the person's home. Where nobody may write there, a folder that goes with this process does."""
    from jupyter_core import paths

    if all(map(writable, (paths.jupyter_config_dir(), paths.jupyter_data_dir(), paths.jupyter_runtime_dir()))):
        return
    folder = tempfile.mkdtemp(prefix="mqttkit-lab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        os.environ[f"JUPYTER_{name}"] = str(Path(folder, name.lower()))
    os.environ["IPYTHONDIR"] = str(Path(folder, "ipython"))
    print("Your home folder cannot be written to: settings of JupyterLab are forgotten when this ends.")


def _options(course: Path, notebook: str, port: int | None, browser: bool) -> list[str]:
    """The options that make JupyterLab quiet, offline and easy to end."""
    return [
        f"--ServerApp.root_dir={course}",
        # A workspace of its own: tabs of other projects do not turn up here as "file not found".
        f"--LabApp.default_url=/lab/workspaces/mqttkit/tree/{notebook}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_USUAL_PORT if port is None else port}",
        f"--ServerApp.port_retries={50 if port is None else 0}",
        f"--ServerApp.open_browser={browser}",
        "--ServerApp.answer_yes=True",  # Ctrl-C ends at once
        "--ServerApp.allow_root=True",  # in a container everybody is root; loopback and the token guard the door
        "--KernelManager.transport_encryption=auto",  # other accounts of this machine cannot listen in
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",  # the other one asks PyPI
    ]


def _start(options: list[str], port: int | None, *, verbose: bool) -> Any:
    """A server that listens already, so that its real address is known; raises CommandError where it cannot."""
    try:
        from jupyterlab.labapp import LabApp  # slow, and only this command needs it
    except ImportError as error:
        raise CommandError(f"JupyterLab is not installed here ({error}). Try: python -m pip install -e .") from error
    if not verbose:
        _keep_terminal_to_ourselves()
        for name in ("ServerApp", "LabApp", "NbGrader", "tornado.application", "tornado.access", "tornado.general"):
            logging.getLogger(name).addFilter(_is_for_learners)
    try:
        return LabApp.initialize_server(argv=options)
    except SystemExit as error:
        raise CommandError(_why_not(port)) from error


def _keep_terminal_to_ourselves() -> None:
    """Kernels write notes for developers to their stderr, at the end even tracebacks: they get none of this terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="replace", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _is_for_learners(record: logging.LogRecord) -> bool:
    """Errors only; what JupyterLab says about its address and its end is said here in fewer words.

    nbgrader, where it is installed, misses a gradebook in this folder and says so: no matter of a learner's.
    """
    text = record.getMessage()
    said_here = any(known in text for known in ("To access the server", "Shutting down", "could not be started"))
    return record.levelno >= logging.ERROR and not said_here and "nbgrader" not in record.pathname


def _why_not(port: int | None) -> str:
    if port is None:
        return "JupyterLab could not be started. `mqttkit lab --verbose` shows what it says."
    return (
        f"Port {port} cannot be used: another program has it, or it is reserved. "
        "Without --port, `mqttkit lab` finds a free one."
    )


def _end_when_told(server: Any) -> None:
    """Let Ctrl-C, and the closing of the terminal, end it in order: kernels first, without a question.

    JupyterLab's own way depends on whether there is a terminal, and may leave a kernel that is just starting.
    """
    for name in ("SIGINT", "SIGHUP", "SIGBREAK"):  # the last one is of Windows, the one before of all others
        if hears(name) or name == "SIGINT":  # JupyterLab listens to Ctrl-C in any case
            signal.signal(getattr(signal, name), lambda *_: server.stop(from_signal=True))
    if sys.platform == "win32":
        from tornado.ioloop import PeriodicCallback

        PeriodicCallback(lambda: None, 500).start()  # there a sleeping event loop does not see a signal


def _welcome(server: Any) -> str:
    lines = [
        "",
        "The course is open in your browser. If it is not, open this address:",
        "",
        f"    {server.local_url}",
        "",
        "Keep this window open while you learn. Ctrl-C here ends everything.",
    ]
    if not server.open_browser:
        lines[1] = "The course is ready. Open this address in a browser on this machine:"
    if hasattr(os, "geteuid") and os.geteuid() == 0 and sys.platform != "win32":
        lines.append("(You are the administrator, root. An ordinary account is safer for daily work.)")
    return "\n".join(lines)
