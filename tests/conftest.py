"""Settings and fixtures for every test."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack

import pytest

from support import need
from support.browser import NotebookPage, chromium
from support.jupyter import lab_server
from support.labs import ENGINES, PLACES, installed, made_labs

# Kernels must be those of this environment, also where a user-wide Jupyter is installed.
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
# What tests answer and solve does not count as the progress of the person at the keyboard.
HOME = os.environ["MQTTKIT_HOME"] = tempfile.mkdtemp(prefix="mqttkit-home-")
# A run in the background (nohup, a script) ignores signals, and so would the commands that tests end with one.
for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_configure(config):
    """Of a TLS handshake that fails, asyncio of Python 3.10 says afterwards that it was not closed. It was."""
    if sys.version_info < (3, 11):
        config.addinivalue_line("filterwarnings", "ignore:unclosed transport <asyncio.sslproto:ResourceWarning")


def pytest_unconfigure():
    """Remove what the kernels of this run remembered."""
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items):
    """A browser or a lesson's kernel that a busy machine holds up gets one more try, which the report names.

    Nothing else does: everything that talks to a broker in its own process waits for events, and is right each time.
    The longest files come first, so that at the end no worker goes on alone.
    """
    items.sort(key=lambda item: not item.path.match("tests/notebooks/*"))
    for item in items:
        if item.get_closest_marker("browser") or item.path.parent.parts[-2:] == ("tests", "notebooks"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter):
    """Name what needed its second try, and say what was wrong with the first: it may be a fault that shows rarely."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"second try: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(autouse=True)
def own_broker(monkeypatch):
    """Tests do not go to a broker that the person at the keyboard has set for their lessons."""
    monkeypatch.delenv("MQTTKIT_BROKER", raising=False)


@pytest.fixture(params=ENGINES)
def engine(request):
    """amqtt and mosquitto in turn."""
    return installed(request.param)


@pytest.fixture(params=PLACES)
def new_lab(request, monkeypatch):
    """`new_lab(**options)` makes a Lab: on the embedded engine, on mosquitto, and on a broker known by its URL, in turn."""
    with ExitStack() as stack:
        yield made_labs(request.param, stack, monkeypatch)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; skips where none is installed.

    One per module and not per process: playwright occupies the thread's event loop while it runs.
    """
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A real `mqttkit lab` on an empty folder, one per process."""
    need("chromium")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "empty.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with lab_server(folder, "--folder", str(folder), "empty.ipynb", home=tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def page_of(browser, lab, request):
    """page_of(*cells): a notebook made of these cells, open in the browser with its kernel idle."""
    pages = []

    def open_page(*cells: str, **size: int) -> NotebookPage:
        page = NotebookPage(browser, lab, **size)
        pages.append(page)
        name = lab.write(f"{request.node.name.split('[')[0]}-{id(request.node)}-{len(pages)}.ipynb", *cells)
        return page.open(name)

    yield open_page
    for page in pages:
        shut_down_kernel = """() => { const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
            return widget && widget.sessionContext && widget.sessionContext.shutdown(); }"""
        page.page.evaluate(shut_down_kernel)
        page.close()
