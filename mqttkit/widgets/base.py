"""What all widgets of the kit have in common.

The state of a widget lives in Python, in bounded buffers. A page that shows the widget asks for it (`hello`) and gets a
numbered snapshot; later changes are numbered one by one, so that a page that missed one asks again. That is what keeps the
widget right after a reload of the page, in two views, and when Jupyter drops a message.
"""

from __future__ import annotations

import contextlib
import html
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import anywidget
import traitlets

from mqttkit._lifetime import adopt
from mqttkit.errors import MqttKitError
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.flusher import flusher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STILL = (
    "A still picture of a widget. To use it, run this cell (Shift+Enter) in JupyterLab 4 or Notebook 7. "
    "If you have just run it and still read this, the front end is missing: "
    "pip install anywidget jupyterlab_widgets, then reload the page."
)
OVER = "Stopped. Its lab was closed; what you see is the last state. Run the notebook again from the cell that makes the lab."
_MIME = "application/vnd.jupyter.widget-view+json"


class News(NamedTuple):
    """What a page is told: JSON, and large numeric data as bytes."""

    content: dict[str, Any]
    buffers: Sequence[bytes] = ()


class KitWidget(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget brings no types
    """Base of the widgets: sends state and changes, answers the page, and shows errors where the learner looks.

    A subclass sets `_esm`, `_css`, `title`, `actions`, and says what there is to see in `state`, `changes` and `text`.
    Every access to what these read happens under `self.lock`; whoever changes it calls `touch` afterwards.
    """

    _esm = module("empty.js")
    _css = style()
    title: ClassVar[str] = "Widget"
    actions: ClassVar[tuple[str, ...]] = ()
    """Names of the methods a page may call, with keyword arguments."""
    every: ClassVar[float] = 0.0
    """Least number of seconds between two updates, where the flusher's 20 a second are too many."""
    _title = traitlets.Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self.lock = threading.RLock()
        self._sending = threading.Lock()  # numbers must go out in order
        self._last = 0
        self._changed = False
        self._told = 0.0
        self._watched = False
        self._error = ""
        self._ended = ""
        super().__init__(_title=self.title, **traits)
        self.on_msg(self._received)
        adopt(self)
        try:
            self.begin()
        except BaseException:  # also the stop button of a notebook
            self.close()
            raise

    # What a subclass says

    def begin(self) -> None:
        """Open what the widget owns. Where that fails, the widget is closed; a notebook would keep it for ever."""

    def state(self) -> News:
        """Everything a new page has to know."""
        return News({})

    def changes(self) -> News | None:
        """What changed since the last call; None when only the whole state will do (the default)."""
        return None

    def text(self) -> str:
        """The widget in plain text, the same at each run: for screen readers, still pages and comparisons."""
        return self.title

    def html(self) -> str:
        """The widget as HTML without scripts; made of `text` where a subclass has nothing better."""
        return f"<pre>{html.escape(self.text())}</pre>"

    def is_over(self) -> bool:
        """Whether nothing can come any more, because the lab was closed."""
        return False

    def settle(self) -> None:
        """Wait a moment, so that the still picture holds what was sent before; without this they may race."""

    # What a subclass calls

    def touch(self) -> None:
        """Say that something changed; the page hears of it within a twentieth of a second. From any thread."""
        self._changed = True
        flusher.wake()

    def report(self, error: BaseException | str) -> None:
        """Show an error in the widget: the sentence, and for a surprise also its kind."""
        self._error = error if isinstance(error, str) else sentence(error)
        self.touch()

    def end(self, reason: str) -> None:
        """Say that the widget will not change any more, and end what it owns; its last picture stays."""
        self._ended = reason
        self.release()
        self.touch()

    def _end_if_over(self) -> None:
        if not self._ended and self.is_over():
            self.end(OVER)

    @property
    def error(self) -> str:
        """The error shown at present; "" when there is none."""
        return self._error

    @property
    def ended(self) -> str:
        """Why the widget stands still; "" while it lives."""
        return self._ended

    def clear_error(self) -> None:
        """Take the error away."""
        self._error = ""
        self.touch()

    # Talking to the page

    def flush(self) -> bool:
        """Send what changed; True when it has to wait a little. Called by the flusher."""
        if not (self._changed and self._watched):
            return False
        if time.monotonic() - self._told < self.every:
            return True
        self._end_if_over()
        with self._sending:
            self._changed = False
            self._told = time.monotonic()
            self._send_news()
        return False

    def _send_news(self) -> None:
        try:
            with self.lock:
                news = self.changes()
                kind = "snapshot" if news is None else "update"
                news = self.state() if news is None else news
            self._post(kind, news)
        except Exception as error:  # noqa: BLE001 - it must neither end the thread nor stay unseen
            self._error = sentence(error)
            self._post("update", News({}))

    def beat(self) -> None:
        """Tell the page that the kernel is alive. Called by the flusher."""
        self._end_if_over()
        if self._watched:
            self.send({"type": "beat", "number": self._last})

    def _post(self, kind: str, news: News) -> None:
        number = self._last + 1
        common = {"type": kind, "number": number, "error": self._error, "ended": self._ended}
        self.send({**common, "content": news.content}, list(news.buffers))
        self._last = number  # what could not be sent leaves no gap, for which a page would ask again and again

    def _received(self, _widget: Any, message: Any, buffers: Any) -> None:
        """Something came from a page. What it asks for is checked: a page is not to be trusted with method names."""
        try:
            self._answer(message, buffers)
        except Exception as error:  # noqa: BLE001 - shown in the widget, where the click was
            self.report(error)

    def _answer(self, message: dict[str, Any], _buffers: Any) -> None:
        kind = message.get("type")
        if kind == "hello":
            self._watched = True
            flusher.add(self)
            self.send_snapshot()
        elif kind == "do" and message.get("action") in self.actions:
            self._error = ""
            getattr(self, message["action"])(**message.get("values", {}))
            self.touch()
        elif kind == "dismiss":
            self.clear_error()

    def send_snapshot(self) -> None:
        """Send the whole state to all pages."""
        self._end_if_over()
        with self._sending:
            self._changed = False
            with self.lock:
                self.changes()  # what the snapshot holds need not be told again
                news = self.state()
            self._post("snapshot", news)

    # In the notebook

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live widget, and its still twins for pages that cannot show it."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None and _MIME in data:
            self.settle()
            data["text/plain"] = self.text()
            data["text/html"] = f"{self.html()}<p><small>{html.escape(STILL)}</small></p>"
        return bundle

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __str__(self) -> str:
        return self.text()

    def close(self) -> None:
        """Leave the page and end everything the widget owns. May be called twice."""
        flusher.discard(self)
        self.release()
        if threading.main_thread().is_alive():  # at the end of the kernel the last picture stays on the page
            super().close()
            self.layout.close()  # a model of its own, which ipywidgets would keep for ever

    def __del__(self) -> None:
        """Collected as garbage: closing takes locks, and so is done by another thread; see `Flusher.bury`."""
        with contextlib.suppress(Exception):  # one that was never made whole
            if self.comm is not None:
                flusher.bury(self)

    def release(self) -> None:
        """End the threads and connections a subclass owns. May be called twice."""


def sentence(error: BaseException) -> str:
    """What to show of an error: its own words if it is one of the kit's, else its kind too."""
    words = str(error)
    return words if isinstance(error, MqttKitError) and words else f"{type(error).__name__}: {words}"


def guarded(widget: KitWidget, callback: Callable[..., Any]) -> Callable[..., None]:
    """`callback`, with its errors shown in `widget` instead of lost in a thread."""

    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception as error:  # noqa: BLE001 - shown in the widget
            widget.report(error)

    return call
