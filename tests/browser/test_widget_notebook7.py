"""The gallery in Notebook 7, which hears keys before a widget does: something done with each widget."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.browser import console_of

pytestmark = pytest.mark.browser
GALLERY = Path(__file__).parents[2] / "notebooks" / "gallery.ipynb"

READY = """async ([address, name]) => {
  const sessions = await (await fetch(address)).json();
  return sessions.some((one) => one.path === name && one.kernel.execution_state === "idle" && one.kernel.connections > 0);
}"""
# Notebook warns of its menu, and misses the settings of an extension that `mqttkit lab` leaves out.
NOTEBOOKS_OWN = "Cannot read properties of undefined (reading 'schema')"
WIDGETS = 12  # all that the gallery shows
LIVE = "(count) => document.querySelectorAll('.mqk[data-state=live]').length === count && !document.querySelector('.mqk-body:disabled')"


@pytest.fixture
def page(browser, lab):
    """The gallery, high enough to be seen at once, with every cell run."""
    shutil.copy(GALLERY, lab.folder / "gallery7.ipynb")
    page = browser.new_page(viewport={"width": 1300, "height": 9000})
    page.set_default_timeout(60_000)
    page.wrong = console_of(page)
    page.goto(f"{lab.origin}/notebooks/gallery7.ipynb?token={lab.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.wait_for_function(READY, arg=[f"{lab.origin}/api/sessions?token={lab.token}", "gallery7.ipynb"])
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(LIVE, arg=WIDGETS)
    page.wrong.clear()  # what Notebook says of itself while it starts: its commands and menus come in any order
    yield page
    page.close()


def widget(page, title):
    return page.locator(f".mqk-{title}")


def test_something_is_done_with_each_of_them(page):
    a_client_talks_and_tree_console_and_ladder_see_it(page)
    a_chart_is_drawn_and_a_room_talks(page)
    questions_are_answered_and_progress_is_told(page)
    keys_stay_in_the_widgets(page)
    assert [said for said in page.wrong if said[0] != "warning" and said[1] != NOTEBOOKS_OWN] == []


def a_client_talks_and_tree_console_and_ladder_see_it(page):
    panel = widget(page, "client-panel")
    panel.get_by_role("button", name="Connect", exact=True).click()
    panel.get_by_text("Connected as ann.").wait_for()
    panel.get_by_label("Topic filter").fill("home/#")
    panel.get_by_role("button", name="Subscribe", exact=True).click()
    panel.get_by_text("home/#: granted QoS 0", exact=True).wait_for()
    panel.get_by_label("Topic", exact=True).fill("home/hall/temperature")
    panel.get_by_label("Payload", exact=True).fill("19.5")
    panel.get_by_label("Payload", exact=True).press("Enter")
    panel.get_by_role("table", name="Messages").get_by_text("19.5").wait_for()

    tree = widget(page, "topic-tree")
    tree.get_by_label("Highlight what a topic filter matches").press_sequentially("home/+/temperature")
    tree.get_by_text(re.compile(r"^3 of \d+ topics match")).wait_for()

    console = widget(page, "broker-console")
    console.get_by_role("tab", name="Subscriptions").click()
    console.get_by_role("row", name="ann home/# 0").wait_for()

    ladder = widget(page, "packet-ladder")
    ladder.get_by_role("button", name="PUBLISH").last.press("Enter")
    ladder.get_by_role("region", name="The packet byte by byte").get_by_text("Topic Name").first.wait_for()


def a_chart_is_drawn_and_a_room_talks(page):
    chart = widget(page, "live-chart")
    chart.locator(".bk-Figure canvas").first.wait_for(state="attached")
    chart.get_by_role("row", name="kitchen").get_by_text("▲ above 24").wait_for()
    chart.get_by_role("checkbox", name="Show garden").press("Space")
    expect(chart.get_by_role("checkbox", name="Show garden")).not_to_be_checked()

    room = widget(page, "chat-room")
    room.get_by_label("Message", exact=True).fill("Grüße 👋")
    room.get_by_label("Message", exact=True).press("Enter")
    room.get_by_role("log").get_by_text("Grüße 👋").wait_for()
    expect(room.get_by_label("Message", exact=True)).to_have_value("")


def questions_are_answered_and_progress_is_told(page):
    asked = widget(page, "prediction")
    asked.get_by_role("radio", name="1").check()
    asked.get_by_role("button", name="Answer").click()
    widget(page, "measured").get_by_text("You predicted “1”, and that is what happened.").wait_for()

    quiz = widget(page, "quiz")
    quiz.get_by_role("radio", name="8883").check()
    quiz.get_by_role("button", name="Answer").click()
    quiz.get_by_text("Right.").wait_for()

    grid = widget(page, "predict-the-match")
    grid.get_by_role("checkbox", name="home/+ matches home/kitchen", exact=True).check()
    grid.get_by_role("button", name="Answer").click()
    grid.get_by_role("button", name="Answered").wait_for()

    progress = widget(page, "your-progress")
    progress.get_by_role("button", name="Look again").click()
    progress.get_by_role("row", name="Your first message").first.wait_for()


def keys_stay_in_the_widgets(page):
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    for title in (
        "client-panel",
        "topic-tree",
        "chat-room",
        "broker-console",
        "packet-ladder",
        "quiz",
        "your-progress",
    ):
        widget(page, title).locator("input, button").locator("visible=true").last.focus()
        page.keyboard.type("ddxabmy")
    field = widget(page, "topic-tree").get_by_label("Highlight what a topic filter matches")
    field.fill("")
    field.press_sequentially("dd")
    assert field.input_value() == "dd"
    assert cells.count() == before
