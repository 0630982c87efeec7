"""refresh.py stores a run notebook so that a second run gives the same bytes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest

CELLS = [
    "import os",
    "",
    "print('one')\nprint('two')\n6 * 7",
    "import ipywidgets\nipywidgets.IntSlider()",
]


@pytest.fixture(scope="module")
def refresh():
    spec = importlib.util.spec_from_file_location("refresh", Path(__file__).with_name("refresh.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notebook_of(path: Path, *sources: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["widgets"] = {"state": 1}
    notebook.cells[0].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00"}
    notebook.cells[0].metadata["tags"] = ["kept"]
    nbformat.write(notebook, path)
    return path


def test_two_runs_store_the_same_bytes_without_times_versions_or_widget_ids(tmp_path, refresh):
    path = notebook_of(tmp_path / "é n.ipynb", *CELLS)
    assert refresh.main([str(path)]) == 0
    first = path.read_bytes()
    assert refresh.main([str(path)]) == 0
    assert path.read_bytes() == first
    stored = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in stored.cells] == [1, None, 2, 3]
    assert stored.cells[0].metadata == {"tags": ["kept"]}
    assert stored.cells[2].outputs[0].text == "one\ntwo\n"
    assert list(stored.cells[3].outputs[0].data) == ["text/plain"]
    assert "widgets" not in stored.metadata
    assert "version" not in stored.metadata.language_info


def test_a_notebook_that_fails_stays_as_it_was_and_the_cell_is_named(tmp_path, refresh, capsys):
    path = notebook_of(tmp_path / "bad.ipynb", "1 / 0")
    before = path.read_bytes()
    assert refresh.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err
