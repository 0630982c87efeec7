"""Lessons open without the outputs they were shipped with: a prediction is none with the answer below it.

The repository keeps the outputs, for readers on GitHub and for the tests that compare them. A mark in the notebook's
metadata says that they are those. What JupyterLab saves has no mark, so a learner's own outputs are there the next day.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

MARK = "mqttkit"
SHIPPED = {"outputs": "as shipped"}


class LessonContents(AsyncLargeFileManager):  # type: ignore[misc] # traitlets' classes have no types
    """The files of JupyterLab, as always but for what a lesson shows before it is run."""

    async def get(self, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        """The file at `path` as JupyterLab's model; a lesson as shipped has no outputs in it. The file is not touched."""
        model: dict[str, Any] = await super().get(path, *args, **options)
        if model["type"] == "notebook" and model["content"] is not None:
            _open_fresh(model["content"])
        return model


def _open_fresh(notebook: Any) -> None:
    if notebook["metadata"].get(MARK) != SHIPPED:
        return
    del notebook["metadata"][MARK]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["metadata"]["trusted"] = True  # there is nothing in it that could be distrusted
