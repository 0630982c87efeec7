"""What every widget owes its page: right after a reload, in two views, in a busy kernel, and honest when the kernel has gone."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

START = """
from mqttkit import Broker, Client, TopicTree
broker = Broker().start()
house = Client(broker, "house").connect()
tree = TopicTree(broker)
tree
"""
BUSY = """
import time
for n in range(100):
    house.publish("home/number", n)
end = time.monotonic() + 20
while tree.topics and time.monotonic() < end:  # until the learner's click has emptied the tree
    time.sleep(0.01)
assert not tree.topics
"""


def value(output, text):
    return output.get_by_role("treeitem").filter(has_text=text).last


def publish(page, number):
    page.execute(f"house.publish('home/number', {number}, qos=1)")


@pytest.fixture
def page(page_of):
    page = page_of(START, "tree", BUSY, height=1600)
    page.run_cell(0)
    page.output(0).get_by_text("No message yet").wait_for()
    publish(page, 1)
    value(page.output(0), "number").get_by_text("1", exact=True).wait_for()
    return page


def test_two_views_reload_and_restart(page):
    page.run_cell(1)  # a second view of the same widget
    value(page.output(1), "number").get_by_text("1", exact=True).wait_for()
    publish(page, 2)
    for cell in (0, 1):
        value(page.output(cell), "number").get_by_text("2", exact=True).wait_for()

    page.command("docmanager:save")  # JupyterLab shows after a reload what was saved
    page.reload()
    for cell in (0, 1):
        value(page.output(cell), "number").get_by_text("2", exact=True).wait_for()
    publish(page, 3)
    value(page.output(0), "number").get_by_text("3", exact=True).wait_for()

    page.execute("import mqttkit.widgets.base as b; b.guarded(tree, lambda: 1 / 0)()")
    page.output(0).get_by_role("alert").get_by_text("ZeroDivisionError").wait_for()
    page.output(0).get_by_role("button", name="Dismiss the error").click()
    page.output(1).get_by_role("alert").wait_for(state="hidden")

    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.output(0).get_by_text("Stopped. The kernel was restarted").wait_for()
    assert value(page.output(0), "number").get_by_text("3", exact=True).is_visible()  # the last picture stays
    assert page.output(0).get_by_role("button", name="Clear").is_disabled()
    page.screenshot("stopped", page.output(0))
    assert serious(page, page.output(0)) == []

    page.run_cell(0)  # and life goes on
    page.output(0).get_by_text("No message yet").wait_for()
    publish(page, 4)
    value(page.output(0), "number").get_by_text("4", exact=True).wait_for()


def test_what_arrives_shows_while_a_cell_runs(page):
    script = "() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2; window.jupyterapp.commands.execute('notebook:run-cell'); }"
    page.page.evaluate(script)
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    value(page.output(0), "number").get_by_text("99", exact=True).wait_for()
    page.output(0).get_by_role("button", name="Clear").click()  # and a click works, too
    page.output(0).get_by_text("No message yet").wait_for()
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )


def test_a_widget_lives_also_where_its_module_took_too_long_to_load(page_of):
    """anywidget drops every message for a widget that was not there within two seconds; here all of them are too late."""
    page = page_of(START)
    page.page.evaluate(
        "() => { const true_one = AbortSignal.timeout; AbortSignal.timeout = () => true_one.call(AbortSignal, 0); }"
    )
    page.run_cell(0)
    page.output(0).get_by_text("No message yet").wait_for()
    publish(page, 1)
    value(page.output(0), "number").get_by_text("1", exact=True).wait_for()
    assert any("Failed to initialize model" in text for _, text in page.console)  # else nothing was too late
