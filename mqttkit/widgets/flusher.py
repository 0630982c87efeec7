"""One thread that carries the news of all widgets to their pages.

MQTT messages arrive by the thousand; a notebook page drowns in that many updates and Jupyter silently drops what exceeds its
limits. So widgets only note that something changed, and this thread asks each of them at most 20 times a second what there is
to tell. Between news it sends a heartbeat, from which a page sees that the kernel is alive.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import weakref
from typing import Protocol

PERIOD = 0.05
"""Seconds between two updates of one widget: at most 20 a second."""
BEAT = 2.0
"""Seconds between two heartbeats."""


class Reporter(Protocol):
    """What the flusher asks of a widget."""

    def flush(self) -> bool:
        """Send what changed since the last call, if anything did; True when it wants to send more soon."""

    def beat(self) -> None:
        """Send a sign of life."""

    def report(self, error: Exception) -> None:
        """Show an error."""

    def close(self) -> None:
        """End what it owns."""


class Flusher:
    """Owner of the sending thread: it starts with the first widget and ends after the last one."""

    def __init__(self, period: float = PERIOD, beat: float = BEAT) -> None:
        self.period = period
        self.beat = beat
        self._widgets: weakref.WeakSet[Reporter] = weakref.WeakSet()
        self._collected: queue.SimpleQueue[Reporter] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the sending thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def add(self, widget: Reporter) -> None:
        """Serve `widget` from now on."""
        with self._lock:
            self._widgets.add(widget)
            if not self.running:
                self._thread = threading.Thread(target=self._run, name="mqttkit-widgets", daemon=True)
                self._thread.start()

    def discard(self, widget: Reporter) -> None:
        """Forget `widget`; the thread ends when none is left."""
        with self._lock:
            self._widgets.discard(widget)
        self._news.set()

    def bury(self, widget: Reporter) -> None:
        """Close `widget`, which is being collected as garbage, within a heartbeat.

        Garbage is collected at any moment in any thread, which may hold any lock, also those here: nothing but a SimpleQueue,
        which is made for this, may be touched.
        """
        self._collected.put(widget)

    def wake(self) -> None:
        """Say that some widget has news. Cheap, from any thread."""
        self._news.set()

    def _run(self) -> None:
        due = time.monotonic() + self.beat
        while self._tell_all(beat=time.monotonic() >= due):
            if time.monotonic() >= due:
                due = time.monotonic() + self.beat
            time.sleep(self.period)
            self._news.wait(max(0.0, due - time.monotonic()))
            self._news.clear()

    def _tell_all(self, *, beat: bool) -> bool:
        """One round; False when there is nobody to serve any more."""
        self._close_collected()
        widgets = self._served()  # not kept while waiting: a reference would keep a widget alive
        for widget in widgets:
            try:
                self._tell(widget, beat=beat)
            except Exception as error:  # noqa: BLE001 - the others go on, whatever happens to one
                self._drop(widget, error)
        return bool(widgets)

    def _close_collected(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                widget = self._collected.get_nowait()
                with contextlib.suppress(Exception):  # nobody is there to be told
                    widget.close()

    def _tell(self, widget: Reporter, *, beat: bool) -> None:
        if widget.flush():
            self._news.set()
        if beat:
            widget.beat()

    def _drop(self, widget: Reporter, error: Exception) -> None:
        """Serve a widget no more that cannot be served; a page that asks for it has it served again."""
        with self._lock:
            self._widgets.discard(widget)
        with contextlib.suppress(Exception):
            widget.report(error)

    def _served(self) -> list[Reporter]:
        """Who is served; an empty answer also says that the thread is about to end."""
        with self._lock:
            widgets = list(self._widgets)
            if not widgets:
                self._thread = None
            return widgets


flusher = Flusher()
"""The one that all widgets share."""
