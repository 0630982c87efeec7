"""A real `mqttkit lab` on a folder of its own, with no trace of the settings of the person at the keyboard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat


class LabServer:
    """A running `mqttkit lab`: `folder` holds its notebooks, `url` is the printed address, `origin` what precedes /lab."""

    def __init__(self, folder: Path, process: subprocess.Popen[str], timeout: float = 60) -> None:
        self.folder = folder
        self.process = process
        self.output: list[str] = []
        self._address = threading.Event()
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._address.wait(timeout) or not self.url:
            self.close()
            raise RuntimeError("mqttkit lab did not start:\n" + "".join(self.output))
        self.origin = self.url.split("/lab")[0]
        self.token = self.url.partition("token=")[2]

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output.append(line)
            if found := re.search(r"http://\S+", line):
                self.url = self.url or found[0]
                self._address.set()
        self._address.set()

    def write(self, name: str, *cells: str) -> str:
        """A notebook `name` made of code cells (those that begin with "md:" are Markdown); its name."""
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for cell in cells:
            if cell.startswith("md:"):
                notebook.cells.append(nbformat.v4.new_markdown_cell(cell[3:]))
            else:
                notebook.cells.append(nbformat.v4.new_code_cell(cell.strip("\n")))
        nbformat.write(notebook, self.folder / name)
        return name

    def page(self, name: str) -> str:
        """The address that opens the notebook `name` in a fresh workspace."""
        return f"{self.origin}/lab/tree/{name}?token={self.token}&reset"

    def interrupt(self) -> float:
        """Press Ctrl-C; seconds until the process was gone."""
        begin = time.monotonic()
        self.process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - begin

    def close(self) -> None:
        """End it with everything it started."""
        if self.process.poll() is None:
            try:
                self.interrupt()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()


@contextmanager
def lab_server(
    folder: Path, *arguments: str, home: Path, cwd: Path | None = None, **environment: str
) -> Iterator[LabServer]:
    """Start `mqttkit lab ARGUMENTS` with settings and histories in `home`, and end it afterwards.

    `folder` is the one whose notebooks it serves: give `--folder` in the arguments where it is not that of the course.
    """
    command = [sys.executable, "-m", "mqttkit", "lab", "--no-browser", "--port", "0", *arguments]
    process = subprocess.Popen(
        [*command, "--", *(f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp"))],
        cwd=cwd,
        env=clean_environment(home) | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    server = LabServer(folder, process)
    try:
        yield server
    finally:
        server.close()


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment, with every folder in which Jupyter and IPython keep things inside `home`."""
    return {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONIOENCODING": "utf-8",
    }
