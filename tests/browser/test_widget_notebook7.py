"""Widgets in Notebook 7, which hears keys before a widget does."""

import re

import playwright.sync_api as playwright
import pytest

pytestmark = pytest.mark.browser

CELL = """
from IPython.display import display
from mqttkit import ClientPanel, Lab
lab = Lab()
display(ClientPanel(lab, "ann"), ClientPanel(lab, "ben"))
"""

READY = """async ([address, name]) => {
  const sessions = await (await fetch(address)).json();
  return sessions.some((one) => one.path === name && one.kernel.execution_state === "idle" && one.kernel.connections > 0);
}"""


@pytest.fixture
def page(browser, lab):
    pytest.importorskip("notebook", reason="Notebook 7 is not installed")
    name = lab.write("notebook7.ipynb", CELL, "1")
    page = browser.new_page(viewport={"width": 1300, "height": 1600})
    page.goto(f"{lab.origin}/notebooks/{name}?token={lab.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.wait_for_function(READY, arg=[f"{lab.origin}/api/sessions?token={lab.token}", name])
    run_first_cell(page)
    yield page
    page.close()


def run_first_cell(page):
    """Press Shift+Enter until the cell runs: a page that still loads swallows keys."""
    started = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[(\*|\d+)\]")).first
    for _ in range(10):
        page.locator(".jp-Cell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        try:
            started.wait_for(timeout=5_000)
        except playwright.TimeoutError:
            continue
        return
    started.wait_for(timeout=1)


def test_two_panels_live_beside_each_other_and_keys_stay_in_them(page):
    panels = page.locator(".mqk")
    panels.nth(1).wait_for()
    for number, name in enumerate(("ann", "ben")):
        panels.nth(number).get_by_role("button", name="Connect", exact=True).click()
        panels.nth(number).get_by_text(f"Connected as {name}.").wait_for()
    field = panels.nth(0).get_by_label("Topic filter")
    field.fill("hello")
    panels.nth(0).get_by_role("button", name="Subscribe", exact=True).click()
    panels.nth(0).get_by_text(
        "hello: granted QoS 0", exact=True
    ).wait_for()  # the second connection has not ended the first

    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    for key in "ddxbaj":
        panels.nth(0).get_by_role("button", name="Disconnect").press(key)
    field.fill("")
    field.press_sequentially("dd")
    assert field.input_value() == "dd"
    assert cells.count() == before
