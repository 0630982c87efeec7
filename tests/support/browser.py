"""JupyterLab in Chromium, driven as a person would.

def test_my_widget(lab, page_of, tmp_path):            # fixtures of tests/conftest.py
    page = page_of("from mqttkit ...", "widget")       # one notebook made of these cells, open and ready
    page.run_all()
    page.output(1).get_by_role("button", name="Connect").click()
    page.screenshot("panel")                           # panel-light.png and panel-dark.png
    assert page.serious_violations(page.output(1)) == []
    page.assert_clean()                                # nothing in the console, no request to another host
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from support.jupyter import LabServer
from support.needs import need

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_FLAGS = [
    "--no-sandbox",  # Chromium refuses to run as root with it, and CI containers are root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = """() => {
  const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const kernel = widget && widget.sessionContext && widget.sessionContext.session && widget.sessionContext.session.kernel;
  return Boolean(kernel && kernel.status === 'idle');
}"""
_EXECUTE = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code, store_history: false});
  let text = '';
  future.onIOPub = (message) => {
    if (message.header.msg_type === 'stream') text += message.content.text;
    if (message.header.msg_type === 'error') text += message.content.traceback.join('\\n');
  };
  await future.done;
  return text;
}"""
_THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# Said by Chromium or JupyterLab on every page, whatever it shows; of its plugins, where the machine is busy.
_USUAL = re.compile(
    r"Download the React DevTools|Automatic fallback to software WebGL"
    r"|Plugin \S+ (\(with \d+ dependants\) took [\d.]+ms|is taking too long) to activate"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the installed one, or the one playwright brought; skips the test where there is none."""
    executable = need("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def console_of(page: Page) -> list[tuple[str, str]]:
    """A list that gets the warnings and errors of the page's console, as (kind, text), but for those that are always there."""
    seen: list[tuple[str, str]] = []

    def on_console(message: Any) -> None:
        if message.type in {"error", "warning"} and not _USUAL.match(message.text):
            seen.append((message.type, message.text))

    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.append(("exception", str(error))))
    return seen


class NotebookPage:
    """One notebook, open in one browser page.

    Attributes:
        page: the playwright page, for everything that is not here.
        console: warnings and errors of its console, as (kind, text).
        foreign: addresses on other hosts that it asked for.
        failed: requests that failed, as (status or reason, address).
    """

    def __init__(self, browser: Browser, server: LabServer, *, width: int = 1400, height: int = 1100) -> None:
        self.server = server
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.console = console_of(self.page)
        self.foreign: list[str] = []
        self.failed: list[tuple[Any, str]] = []
        self.page.on("request", self._on_request)
        self.page.on("response", lambda reply: reply.status >= 400 and self.failed.append((reply.status, reply.url)))
        self.page.on("requestfailed", self._on_request_failed)

    def _on_request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in {"127.0.0.1", "localhost"}:
            self.foreign.append(request.url)

    def _on_request_failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # what a page drops when it moves on
            self.failed.append((request.failure, request.url))

    def open(self, name: str, timeout: float = 90) -> NotebookPage:
        """Open the notebook `name` of the server's folder and wait until its kernel is idle."""
        self.goto(self.server.page(name), timeout)
        return self

    def goto(self, address: str, timeout: float = 90) -> None:
        """Open any address that leads to a notebook, and wait until its kernel is idle."""
        self.page.goto(address, wait_until="domcontentloaded")
        self.wait_until_ready(timeout)

    def wait_until_ready(self, timeout: float = 90) -> None:
        """Wait until the notebook is shown and its kernel idle, also after a reload."""
        self.page.wait_for_selector(".jp-Notebook", timeout=timeout * 1000)
        self.page.wait_for_function(READY, timeout=timeout * 1000)

    def reload(self) -> None:
        """Press F5, and wait until the notebook is back."""
        self.page.reload(wait_until="domcontentloaded")
        self.wait_until_ready()

    def command(self, name: str, arguments: dict[str, Any] | None = None, timeout: float = 120) -> None:
        """Run a command of JupyterLab, such as "notebook:run-all-cells", to its end."""
        script = """([name, args]) => { window.mqttkitDone = false;
            window.jupyterapp.commands.execute(name, args).then(() => { window.mqttkitDone = true; }); }"""
        self.page.evaluate(script, [name, arguments or {}])
        self.page.wait_for_function("() => window.mqttkitDone", timeout=timeout * 1000)

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell and wait for the last one."""
        self.command("notebook:run-all-cells", timeout=timeout)

    def run_cell(self, index: int, timeout: float = 120) -> None:
        """Run one cell, counted from 0, and wait for it."""
        self.page.evaluate("i => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = i; }", index)
        self.command("notebook:run-cell", timeout=timeout)

    def cell(self, index: int) -> Locator:
        """The cell with this index, from 0. JupyterLab draws those far off the screen only when they come near."""
        self.page.evaluate("i => { window.jupyterapp.shell.currentWidget.content.scrollToItem(i); }", index)
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """The output area of the cell with this index, from 0."""
        return self.cell(index).locator(".jp-Cell-outputArea").first

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel without a cell; what it printed, or its traceback."""
        return str(self.page.evaluate(_EXECUTE, code))

    def errors(self) -> list[str]:
        """The error outputs and what cells wrote to stderr, of the whole notebook, also where it is not drawn."""
        script = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
            .flatMap(cell => cell.cell_type === 'code' ? cell.getOutputs() : [])
            .filter(output => output.output_type === 'error' || output.name === 'stderr')
            .map(output => output.evalue || [output.text].flat().join(''))"""
        return [str(error) for error in self.page.evaluate(script)]

    def theme(self, name: str) -> None:
        """Change to the "light" or "dark" theme and wait until it is there."""
        self.command("apputils:change-theme", {"theme": _THEMES[name]})
        wanted = "true" if name == "light" else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{wanted}"]', state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def screenshot(self, name: str, element: Locator | None = None, folder: Path | None = None) -> list[Path]:
        """`name`-light.png and `name`-dark.png of the page or one element.

        Into `folder`, else the folder named by MQTTKIT_SCREENSHOTS in the environment, else none is taken.
        """
        chosen = folder or os.environ.get("MQTTKIT_SCREENSHOTS")
        if not chosen:
            return []
        paths = []
        for theme in ("dark", "light"):  # ends in light, as it began
            self.theme(theme)
            path = Path(chosen) / f"{name}-{theme}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            (element or self.page).screenshot(path=str(path))
            paths.append(path)
        return paths

    def serious_violations(self, element: Locator) -> list[str]:
        """What axe-core finds serious or critical inside `element`, one line each; empty when all is well."""
        from axe_playwright_python.base import AXE_SCRIPT

        self.page.evaluate(AXE_SCRIPT)
        # JupyterLab's body has no height of its own; axe would take everything in it for hidden and skip the contrast.
        self.page.add_style_tag(content="body { min-width: 100vw; min-height: 100vh; }")
        options = {"resultTypes": ["violations"]}
        found = element.evaluate("(root, options) => window.axe.run(root, options)", options)
        return [
            f"{one['impact']} {one['id']}: {one['help']}: {node['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]

    def assert_clean(self) -> None:
        """Fail where the page asked another host, a request failed, or the console holds a warning or an error."""
        assert self.foreign == [], "the page asked other hosts"
        assert self.failed == [], "requests failed"
        assert self.console == [], "the console shows"

    def close(self) -> None:
        """Close the page."""
        self.context.close()
