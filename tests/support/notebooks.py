"""Notebooks run cell by cell in a kernel of their own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))


class Kernel:
    """A running kernel that executes the cells of one notebook."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client

    def run(self, index: int, cell: Any) -> list[Any]:
        """Run one cell; its outputs. Raises nbclient's CellExecutionError where the cell fails unplanned."""
        if cell["cell_type"] == "code":
            self.client.execute_cell(cell, index)
        return cell.get("outputs", [])

    def stop(self, source: str) -> dict[str, Any] | None:
        """Run `source` and press the button ■ as soon as it runs; the error that the cell then shows, None when none."""
        request = self.client.kc.execute(f"print('begun')\n{source}")
        error = None
        while True:
            message = run_sync(self.client.kc.get_iopub_msg)(timeout=60)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != request:
                continue
            if kind == "stream" and "begun" in content["text"]:
                run_sync(self.client.km.interrupt_kernel)()
            elif kind == "error":
                error = content
            elif kind == "status" and content["execution_state"] == "idle":
                return error

    def restart(self) -> None:
        """What "Restart kernel" does."""
        run_sync(self.client.km.restart_kernel)(now=True)
        run_sync(self.client.kc.wait_for_ready)(timeout=60)


@contextmanager
def kernel_of(path: Path, timeout: int = 60) -> Iterator[tuple[Kernel, list[Any]]]:
    """A fresh kernel in the notebook's folder, and the notebook's cells."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="mk-") as sockets:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            store_widget_state=False,
            coalesce_streams=True,
            config=_without_ports(sockets),
        )
        with client.setup_kernel(env=dict(os.environ)):
            yield Kernel(client), notebook.cells


def _without_ports(folder: str) -> Config:
    """Kernels talk over files: a port that Jupyter picks may be taken by another test before the kernel has it."""
    if os.name == "nt":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/k"}})


def text_of(cell: Any) -> list[str]:
    """What a run cell shows, as text, sorted: a note from a thread comes before or after what the cell itself prints."""
    shown = []
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            shown.append(output["text"])
        elif "data" in output:
            shown.append(output["data"].get("text/plain", ""))
    return sorted(shown)


def is_loose(cell: Any) -> bool:
    """True where a cell says that its output may differ."""
    return "nbval-ignore-output" in cell["metadata"].get("tags", [])
