"""Ctrl-C, SIGTERM and a closed terminal for commands that run until somebody ends them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at Ctrl-C, SIGTERM, and where there is one SIGHUP (the terminal was closed), in place of ending the process."""
    if threading.current_thread() is not threading.main_thread():  # whoever runs us there has signals of his own
        yield
        return
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: stop()) for number in (getattr(signal, name) for name in names)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
