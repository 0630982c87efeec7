"""What every widget owes its page in JupyterLab: two views, a reload, keys that stay inside, and the truth when the kernel has gone."""

import pytest

from support.gallery import every_widget, names
from support.themes import serious

pytestmark = pytest.mark.browser

# Keys that mean something to a notebook in command mode: delete, cut, new cells, cell types, merge, undo, save dialogue.
KEYS = ["d", "d", "x", "a", "b", "m", "y", "z", "Shift+M", "0", "0", "Enter"]
LIVE = """([cell, count]) => {
    const output = document.querySelector(`.jp-Cell[data-windowed-list-index="${cell}"]`);
    const bodies = output ? [...output.querySelectorAll(".mqk fieldset.mqk-body")] : [];
    return bodies.length === count && bodies.every((body) => !body.disabled);
}"""
STOPPED = LIVE.replace("!body.disabled", "body.disabled && body.parentElement.innerText.includes('Stopped.')")


def wait(page, script, cell):
    page.output(cell)
    page.page.wait_for_function(script, arg=[cell, len(names())], timeout=120_000)


def cells(page):
    script = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map((cell) => [cell.cell_type, cell.source])"
    return page.page.evaluate(script)


def test_all_of_them(page_of):
    page = page_of(every_widget(), "display(*widgets)", "3", height=1400)
    page.run_cell(0)
    wait(page, LIVE, 0)
    page.output(0).locator(".bk-Figure canvas").first.wait_for(state="attached")
    assert serious(page, page.output(0)) == []

    before = cells(page)
    for number in range(len(names())):
        widget = page.output(0).locator(".mqk").nth(number)
        for part in (
            widget.locator("input, select, [tabindex='0']").first,
            widget.locator("button:not([disabled])").last,
        ):
            if part.count():
                part.focus()
                for key in KEYS:
                    page.page.keyboard.press(key)
    assert cells(page) == before

    page.run_cell(1)  # a second view of each
    wait(page, LIVE, 1)
    page.command("docmanager:save")
    page.reload()
    for cell in (0, 1):
        wait(page, LIVE, cell)

    page.execute("import mqttkit.widgets.base as base\nfor one in widgets: base.guarded(one, lambda: 1 / 0)()")
    page.page.wait_for_function(
        "(count) => [...document.querySelectorAll('.mqk-error:not([hidden])')].filter((one) => one.innerText.includes('ZeroDivisionError')).length >= count",
        arg=len(names()),
    )

    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for cell in (0, 1):
        wait(page, STOPPED, cell)
    assert serious(page, page.output(0)) == []
    page.assert_clean()
