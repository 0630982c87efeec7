"""Take the README's picture: lesson 5 in JupyterLab, where a PUBACK gets lost.

python tests/browser/picture.py        # in an environment with nothing but .[test], so that it looks as for learners
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import NotebookPage, chromium  # noqa: E402 - the line above makes it importable
from support.jupyter import lab_server  # noqa: E402

LESSON, CELL = "notebooks/05-qos.ipynb", 'lose("PUBACK", to="bob", count=1)'
PICTURE = ROOT / "notebooks" / "images" / "lesson.png"


def main() -> None:
    """Run the lesson up to the cell, and photograph it."""
    with (
        tempfile.TemporaryDirectory() as home,
        chromium() as browser,
        lab_server(ROOT, home=Path(home), MQTTKIT_HOME=home) as server,
    ):
        photograph(NotebookPage(browser, server, width=1180, height=760))


def photograph(page: NotebookPage) -> None:
    """Run the lesson up to CELL and store what is then on the screen."""
    page.open(LESSON)
    find = """text => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
        .findIndex(cell => cell.source.includes(text))"""
    scroll = """index => { const notebook = window.jupyterapp.shell.currentWidget.content;
        notebook.activeCellIndex = index; return notebook.scrollToItem(index, 'start'); }"""
    index = page.page.evaluate(find, CELL)
    for before in range(index + 1):
        page.run_cell(before)
    page.command("application:toggle-left-area")
    page.page.evaluate(scroll, index)
    page.output(index).locator("svg").first.scroll_into_view_if_needed()
    page.page.evaluate(scroll, index)
    PICTURE.parent.mkdir(exist_ok=True)
    page.page.screenshot(path=str(PICTURE))


if __name__ == "__main__":
    main()
