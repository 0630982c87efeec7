"""Run notebooks in place and store their outputs in a form that changes only when the notebook does.

    python tests/notebooks/refresh.py notebooks/01-first-message.ipynb [more notebooks]

For maintainers. Left out of what is stored: times of execution, versions of Python, ids of widgets.
A notebook whose run fails is left as it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mqttkit.cli.contents import MARK, SHIPPED

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}
CELL_METADATA = {"editable", "deletable", "jupyter", "nbgrader", "slideshow", "tags", "collapsed", "mqttkit"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def refresh(path: Path, *, timeout: int = 120) -> None:
    """Run the notebook at `path` from top to bottom and store it; `timeout` in seconds per cell."""
    notebook = nbformat.read(path, as_version=4)
    run(notebook, path.parent, timeout=timeout)
    normalise(notebook)
    if path.parent.name == "notebooks":
        notebook.metadata[MARK] = dict(SHIPPED)  # a learner's JupyterLab opens it without these outputs
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    path.write_bytes(text.encode())  # bytes: the same line ends on every system


def run(notebook: Any, folder: Path, *, timeout: int = 120) -> None:
    """Execute every cell in a fresh kernel, in `folder`."""
    NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        coalesce_streams=True,
    ).execute()


def normalise(notebook: Any) -> None:
    """Drop everything from a run notebook that differs from one run to the next without meaning."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = dict(LANGUAGE)
    notebook.metadata.pop("widgets", None)
    seen: set[str] = set()
    count = 0
    for number, cell in enumerate(notebook.cells, start=1):
        if "id" not in cell or cell["id"] in seen:
            cell["id"] = f"cell-{number:02d}"
        seen.add(cell["id"])
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key in CELL_METADATA}
        if cell["cell_type"] == "code":
            count = _normalise_code(cell, count)


def _normalise_code(cell: Any, count: int) -> int:
    if not cell["source"].strip():
        cell["execution_count"] = None
        return count
    count += 1
    cell["execution_count"] = count
    for output in cell["outputs"]:
        if output["output_type"] == "execute_result":
            output["execution_count"] = count
        if "data" in output:
            _drop_widget_view(output)
    return count


def _drop_widget_view(output: Any) -> None:
    """Keep the HTML or text twin only: without a kernel a stored view shows as "model not found"."""
    if len(output["data"]) > 1:
        output["data"].pop(WIDGET_VIEW, None)
    output["metadata"].pop(WIDGET_VIEW, None)


def main(arguments: list[str] | None = None) -> int:
    """Refresh the named notebooks; exit code 1 when one of them does not run."""
    parser = argparse.ArgumentParser(description="Run notebooks and store their outputs, normalised.")
    parser.add_argument("notebook", nargs="+", type=Path)
    parser.add_argument("--timeout", type=int, default=120, metavar="SECONDS", help="per cell (default: 120)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    os.environ.pop("MQTTKIT_BROKER", None)  # what is stored comes from the embedded broker
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["MQTTKIT_HOME"] = home  # a learner who has done nothing yet
        return max([_refresh_and_tell(path, options.timeout) for path in options.notebook])


def _refresh_and_tell(path: Path, timeout: int) -> int:
    try:
        refresh(path, timeout=timeout)
    except CellExecutionError as error:
        print(f"{path}: not stored, a cell failed:\n{error}", file=sys.stderr)
        return 1
    print(f"{path}: run and stored")
    return 0


if __name__ == "__main__":
    sys.exit(main())
