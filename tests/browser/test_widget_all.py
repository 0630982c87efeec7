"""What every widget owes its page in JupyterLab: keys that stay inside, two views, and the truth when the kernel has gone.

One page for all of it. That a page loaded anew shows the same is asked of every widget in test_widget_host.py, and of some in
JupyterLab, in their own files.
"""

import pytest

from support.browser import NotebookPage
from support.gallery import every_widget, names
from support.themes import serious

pytestmark = pytest.mark.browser

ALL = len(names())
KEYS = "ddxabmyz0"  # in command mode they delete, cut, insert, merge, retype and restart
COUNT = """([count, state]) => { const roots = [...document.querySelectorAll(".jp-OutputArea-child .mqk")];
    return roots.length === count && roots.every((root) => root.dataset.state === state)
      && roots.every((root) => root.querySelector("fieldset.mqk-body").disabled === (state === "stopped")); }"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map((cell) => [cell.cell_type, cell.source])"
# Which widget has the focus (-1: none), and a number of its element, so that a walk that turns in circles is noticed.
FOCUS = """() => { const roots = [...document.querySelectorAll(".mqk")]; let at = document.activeElement;
    const widget = roots.findIndex((root) => root.contains(at));
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    globalThis.walked ??= new Map(); if (!globalThis.walked.has(at)) globalThis.walked.set(at, globalThis.walked.size);
    return [widget, globalThis.walked.get(at)]; }"""


def wait(page, count, state="live"):
    """All views are there and live, or all have stopped."""
    page.page.wait_for_function(COUNT, arg=[count, state], timeout=90_000)


@pytest.fixture(scope="module")
def page(browser, lab):
    """A notebook with all of them, high enough to see both views of each at once."""
    page = NotebookPage(browser, lab, height=12_000)
    page.open(lab.write("all-widgets.ipynb", every_widget(), "display(*widgets)"))
    page.run_cell(0)
    wait(page, ALL)
    yield page
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


def test_the_tab_key_goes_through_all_of_them_and_what_is_typed_stays_there(page):
    before = page.page.evaluate(CELLS)
    page.output(0).locator(".mqk input").first.focus()
    visited, steps = set(), set()
    for _ in range(250):
        at, step = page.page.evaluate(FOCUS)
        if at < 0 or step in steps:
            break  # out at the other end
        if at not in visited:
            page.page.keyboard.type(KEYS)
        visited.add(at)
        steps.add(step)
        page.page.keyboard.press("Tab")
    assert at < 0, "the focus is caught in a widget"
    without_controls = {names().index("measured")}
    assert visited == set(range(ALL)) - without_controls
    assert page.page.evaluate(CELLS) == before


def test_nothing_serious_keeps_anybody_out(page):
    page.output(0).locator(".bk-Figure canvas").first.wait_for(state="attached")
    assert serious(page, page.output(0)) == []
    page.assert_clean()


def test_a_second_view_lives_too_and_errors_are_told_in_both(page):
    page.run_cell(1)
    wait(page, 2 * ALL)
    page.execute("import mqttkit.widgets.base as base\nfor one in widgets: base.guarded(one, lambda: 1 / 0)()")
    told = "(count) => [...document.querySelectorAll('.mqk-error:not([hidden])')].filter((one) => one.innerText.includes('ZeroDivisionError')).length === count"
    page.page.wait_for_function(told, arg=2 * ALL)
    page.assert_clean()


def test_a_restarted_kernel_is_told_by_all_of_them(page):
    page.run_all()
    wait(page, 2 * ALL)
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    wait(page, 2 * ALL, "stopped")
    assert page.output(0).get_by_text("Stopped. The kernel was restarted").count() == ALL
    page.screenshot("all-stopped", page.output(0))
    # What stands in a disabled fieldset is disabled for axe, also a region that can be focused and scrolled.
    assert [one for one in serious(page, page.output(0)) if "scrollable-region-focusable" not in one] == []
    page.wait_until_ready()
    page.run_cell(0)  # and life goes on
    live = "(count) => document.querySelectorAll('.mqk[data-state=live]').length === count"
    page.page.wait_for_function(live, arg=ALL)
    assert [
        said for said in page.console if said[0] != "warning"
    ] == []  # that the kernel cannot be reached may be said
