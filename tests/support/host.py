"""A page that is no Jupyter at all: it offers a widget what the anywidget contract promises, and nothing else.

Whatever works here works in every front end that keeps the contract (JupyterLab, Notebook 7, VS Code, Colab, marimo). The
widget itself lives in the test's process; the page and the widget exchange messages as they would through a kernel.
"""

from __future__ import annotations

import base64
from collections import deque
from typing import TYPE_CHECKING, Any

from support.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

# One model of the contract: get, set, save_changes, on, off, send. A copy is given to `initialize` and to each `render`.
_PAGE = """
window.bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer; // in JupyterLab a DataView
window.models = [];
window.show = async (number, esm, css, traits) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const listeners = new Set();
  const model = {
    get: (name) => traits[name],
    set: () => {},
    save_changes: () => {},
    on: (name, listener) => listeners.add({ name, listener }),
    off: (name, listener) => listeners.forEach((one) => one.listener === listener && one.name === name && listeners.delete(one)),
    send: (content) => { window.exchange(number, content); },
  };
  const module = (await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })))).default;
  const widget = typeof module === "function" ? await module() : module;
  const ends = [await widget.initialize?.({ model })];
  const add = async () => {
    const el = document.createElement("div");
    el.id = `view-${number}-${document.querySelectorAll(`[id^="view-${number}-"]`).length}`;
    document.body.append(el);
    ends.unshift(await widget.render({ model, el }));
  };
  const end = () => { ends.forEach((one) => one()); return listeners.size; };
  window.models[number] = { listeners, add, end };
  await add();
};
window.deliver = (number, content, buffers) => {
  for (const { name, listener } of [...window.models[number].listeners]) {
    if (name === "msg:custom") listener(structuredClone(content), buffers.map(window.bytes));
  }
};
"""


class HostPage:
    """A bare page with widgets in it.

    Attributes:
        page: the playwright page.
        console: warnings and errors of its console.
    """

    def __init__(self, browser: Browser, *, width: int = 1000, height: int = 900, scale: float = 1) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.console: list[str] = []
        self.page.on("console", lambda said: said.type in {"error", "warning"} and self.console.append(said.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.set_content("<!doctype html><html lang='en'><title>A page</title><body></body></html>")
        self.page.add_script_tag(content=_PAGE)
        self.page.expose_function("exchange", self._from_page)
        self.widgets: list[Any] = []
        self._outbox: deque[tuple[int, Any, list[bytes]]] = deque()  # filled by the widgets' own thread

    def show(self, widget: Any) -> Locator:
        """Put the first view of `widget` on the page, and wait until it can be used."""
        number = len(self.widgets)
        self.widgets.append(widget)
        widget.send = lambda content, buffers=None: self._outbox.append((number, content, list(buffers or [])))
        traits = {name: getattr(widget, name) for name in ("_title", "_version") if widget.has_trait(name)}
        # A test that is held up carries nothing meanwhile: that is no silent kernel.
        module = str(widget._esm).replace("const SILENCE = 7000;", "const SILENCE = Infinity;")
        self.page.evaluate("(all) => window.show(...all)", [number, module, str(widget._css), traits])
        self.until(self.view(number).locator("fieldset.mqk-body:enabled"))
        return self.view(number)

    def add_view(self, widget: Any) -> Locator:
        """One more view of a widget that is shown already."""
        number = self.widgets.index(widget)
        self.page.evaluate("(number) => window.models[number].add()", number)
        self.pump()
        return self.view(number, self.page.locator(f'[id^="view-{number}-"]').count() - 1)

    def end(self, widget: Any) -> int:
        """Take all views of `widget` off the page, and its model; how many listeners it has left there."""
        return int(self.page.evaluate("(number) => window.models[number].end()", self.widgets.index(widget)))

    def view(self, number: int, which: int = 0) -> Locator:
        """A view by the number of its widget."""
        return self.page.locator(f"#view-{number}-{which}")

    def _from_page(self, number: int, content: Any) -> None:
        self.widgets[number]._received(self.widgets[number], content, [])

    def pump(self, seconds: float = 0.2) -> None:
        """Carry what widgets and page have to say to each other, for a moment."""
        for _ in range(max(1, round(seconds / 0.05))):
            self.page.wait_for_timeout(50)
            while self._outbox:
                number, content, buffers = self._outbox.popleft()
                coded = [base64.b64encode(part).decode() for part in buffers]
                self.page.evaluate("(all) => window.deliver(...all)", [number, content, coded])

    def until_sent(self, kind: str, timeout: float = 5) -> None:
        """Wait until a message of this kind is on its way to the page, and leave it there."""
        until(lambda: any(content["type"] == kind for _, content, _ in list(self._outbox)), timeout)

    def until(self, locator: Locator, timeout: float = 20) -> Locator:
        """Carry messages until something can be seen."""
        for _ in range(round(timeout / 0.1)):
            if locator.first.is_visible():
                return locator.first
            self.pump(0.1)
        locator.first.wait_for(timeout=1)
        return locator.first

    def close(self) -> None:
        """Close the page and the widgets."""
        for widget in self.widgets:
            widget.send = lambda content, buffers=None: None
            widget.close()
        self.context.close()
