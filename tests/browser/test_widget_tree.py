"""The topic tree, as a person uses it."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

START = """
from mqttkit import Broker, Client, TopicTree
broker = Broker().start()
house = Client(broker, "house").connect()
house.publish("home/kitchen/temperature", "23.1", qos=1)
house.publish("home/livingroom/temperature", "21.5", qos=1, retain=True)
house.publish("home/livingroom/humidity", "<b>45</b>", qos=1)
tree = TopicTree(broker)
tree
"""
AGAIN = """
house.publish("home/kitchen/temperature", "23.2", qos=1)
house.publish("home/livingroom/humidity", "<img src=x onerror=alert(1)>", qos=1)
house.publish("/home/kitchen", "odd", qos=1)
"""


@pytest.fixture
def page(page_of):
    page = page_of(START, AGAIN)
    page.run_cell(0)
    return page


def test_the_tree_in_use(page):
    output = page.output(0)
    tree = output.get_by_role("tree", name="Topics")

    def row(name):
        return tree.get_by_role("treeitem").filter(has_text=name).last

    row("temperature").wait_for()
    assert "21.5" in row("temperature").inner_text()
    assert "RETAIN" in row("temperature").inner_text()

    page.run_cell(1)
    row("<img src=x").wait_for()  # as text
    assert output.locator("img").count() == 0
    assert row("(empty level)").count() == 1

    # as one types a filter, what matches is marked
    output.get_by_label("Highlight what a topic filter matches").press_sequentially("home/+/temperature")
    output.get_by_text("2 of 4 topics match").wait_for()
    output.get_by_label("Highlight what a topic filter matches").fill("home/#/x")
    output.get_by_text("# may only be the last level.").wait_for()
    output.get_by_label("Highlight what a topic filter matches").fill("")

    # with the keyboard alone
    tree.focus()
    for key in ("Home", *["ArrowDown"] * 5, "Enter"):
        tree.press(key)
    output.get_by_role("heading", name="History of").wait_for()
    page.screenshot("tree", output)
    assert serious(page, output) == []

    # "dd" deletes no cell
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    tree.press("d")
    tree.press("d")
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    page.assert_clean()
