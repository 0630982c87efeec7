"""Ctrl-C, SIGTERM and a closed terminal for commands that run until somebody ends them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at Ctrl-C, SIGTERM, and where there is one SIGHUP (the terminal was closed), in place of ending the process.

    A signal that whoever started us wants ignored stays ignored: `nohup mqttkit broker &` goes on when the terminal closes.
    """
    if threading.current_thread() is not threading.main_thread():  # whoever runs us there has signals of his own
        yield
        return
    heard = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hears(name)]
    before = {number: signal.signal(number, lambda *_: stop()) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hears(name: str) -> bool:
    """True where this system has the signal `name`, and it is not ignored."""
    number = getattr(signal, name, None)
    return number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None)
