"""A learner's first minutes: the course opens, and lesson 1 runs from top to bottom, with nothing wrong behind the page."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.browser import NotebookPage
from support.jupyter import lab_server

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def course(browser, tmp_path_factory):
    """`mqttkit lab` from a clone in a folder with a space and letters of other languages, started from elsewhere."""
    base = tmp_path_factory.mktemp("course")
    clone = base / "Übung für Zoë 课程"
    for name in ("mqttkit", "notebooks"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    with lab_server(clone, home=base / "home", cwd=base, PYTHONPATH=str(clone), MQTTKIT_HOME=str(base)) as server:
        yield server


@pytest.fixture
def page(browser, course):
    """A page with nothing open yet."""
    page = NotebookPage(browser, course, height=1600)
    yield page
    page.close()


def assert_no_pop_up(page: NotebookPage) -> None:
    """No dialog, no notice, no question about news."""
    assert page.page.locator(".jp-Dialog").all_inner_texts() == []
    assert page.page.locator(".Toastify__toast").all_inner_texts() == []


def cell_with(page: NotebookPage, text: str) -> int:
    """The index of the first code cell that ends with `text`."""
    find = """text => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
        .findIndex(cell => cell.cell_type === 'code' && cell.source.trim().endsWith(text))"""
    return int(page.page.evaluate(find, text))


def test_the_printed_address_opens_the_first_page_without_pop_ups(page, course):
    page.goto(course.url)
    assert page.page.get_by_role("tab", name="00-start-here.ipynb").is_visible()
    page.run_all()
    assert page.errors() == []
    assert_no_pop_up(page)
    page.assert_clean()


def test_lesson_1_runs_from_top_to_bottom_in_the_browser(page):
    page.open("notebooks/01-first-message.ipynb")
    page.run_all()
    assert page.errors() == []
    counts = page.page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
        .filter(cell => cell.cell_type === 'code' && cell.source.trim()).map(cell => cell.execution_count)""")
    assert counts == list(range(1, len(counts) + 1))
    expect(page.output(cell_with(page, "alice.wait_for(1)"))).to_contain_text(
        "Message(topic='home/temperature', payload=b'25.6'"
    )
    ladder = page.output(cell_with(page, "lab.trace")).locator("svg").first
    expect(ladder).to_be_visible()
    expect(ladder.get_by_text("PUBLISH", exact=True)).to_have_count(2)
    expect(page.output(cell_with(page, "lab.broker.clients()"))).to_contain_text("alice")  # the table of clients
    assert_no_pop_up(page)
    page.assert_clean()


def test_nothing_is_left_when_a_learner_restarts_the_kernel(page):
    page.open("notebooks/01-first-message.ipynb")
    page.run_cell(1)
    port = int(page.execute("print(lab.broker.port)"))
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_until_ready()
    assert page.execute("print('lab' in globals())") == "False\n"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_whoever_begins_in_the_middle_is_told_what_to_run_first(page):
    """Not even mqttkit is imported there."""
    page.open("notebooks/01-first-message.ipynb")
    page.run_cell(cell_with(page, "lab.trace"))
    [error] = page.errors()
    assert error.startswith("name 'lab' is not defined. A cell above makes it")
