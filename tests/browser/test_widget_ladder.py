"""The live ladder in a real JupyterLab: it follows the packets, pauses, filters, and explains bytes by mouse and keyboard."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

MAKE = """
from mqttkit import Lab
lab = Lab()
ladder = lab.ladder()
alice, bob = lab.client("alice"), lab.client("bob")
alice.subscribe("home/#", qos=1)
ladder
"""
PUBLISH = 'bob.publish("home/t", "21.5", qos=1); lab.network.settle()'


def test_ladder_follows_pauses_filters_and_explains(page_of):
    notebook = page_of(MAKE, PUBLISH, PUBLISH, "lab.close()")
    page = notebook.page
    notebook.run_cell(0)
    view = page.locator(".mqk-ladder-view")
    view.locator("[data-entry]").first.wait_for()
    notebook.run_cell(1)
    row = view.get_by_role("button", name="PUBLISH id 1 QoS 1 home/t").first
    row.wait_for()
    row.focus()
    page.keyboard.press("Enter")
    page.locator(".mqk-ladder-anatomy", has_text="Packet Identifier").wait_for()
    assert not notebook.serious_violations(page.locator(".mqk"))
    lefts = "name => [...document.querySelectorAll(name)].slice(0, 3).map(one => one.getBoundingClientRect().left)"
    heads, lanes = (
        page.evaluate(lefts, f"{where} > rect") for where in (".mqk-ladder-lanes svg", ".mqk-ladder-view > svg")
    )
    assert heads == pytest.approx(lanes, abs=1)  # the names stay over their lanes, however wide the picture is
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    before = view.locator("[data-entry]").count()
    notebook.run_cell(2)
    assert view.locator("[data-entry]").count() == before
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"document.querySelectorAll('.mqk-ladder-view [data-entry]').length > {before}")
    page.get_by_label("Show", exact=True).select_option("subscriptions")
    page.wait_for_function("document.querySelectorAll('.mqk-ladder-view [data-entry]').length === 2")
    notebook.run_cell(3)
