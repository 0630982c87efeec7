"""What the grader says to a student's kernel and hears from it: code to run, and how that ended. Nothing of what it prints.

What runs in the kernel may send anything, and any amount: the sockets here take no large message and keep few, and what is
printed or shown is not subscribed to, for nobody reads it.
"""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.manager import KernelManager

from mqttkit._advice import ORDER
from mqttkit.grading import patience

LARGEST = 4 << 20  # bytes of one message
_KEPT = 16  # messages of a socket that wait to be read
_TURN = 0.25  # seconds
_SENDING = 5000  # milliseconds to pass on what is sent; without a limit it waits for ever for a lost connection
_ENDING = 1.0  # seconds that a process may take to be gone when its sockets are
_TOO_LARGE = f"what it sent in place of a result was larger than {LARGEST >> 20} MB, or damaged"


@dataclass
class Run:
    """What happened in one cell: how it ended, and its error.

    Attributes:
        end: "ok", "error", "interrupted" (time limit, the kernel lives), "stuck" (time limit, no way to stop it) or "died".
        why: what ended the kernel, when the grader did.
    """

    end: str = "ok"
    error: str = ""
    why: str = field(default="", compare=False)


class Messages:
    """The way to the kernel of `manager`, which has been started.

    Args:
        manager: it says where the kernel listens.
        alive: tells whether the kernel's process runs.
    """

    def __init__(self, manager: KernelManager, alive: Callable[[], bool]) -> None:
        self._alive = alive
        manager.context.setsockopt(zmq.MAXMSGSIZE, LARGEST)  # for every socket that is made from now on
        manager.context.setsockopt(zmq.RCVHWM, _KEPT)
        manager.context.setsockopt(zmq.SNDTIMEO, _SENDING)
        self._client = manager.blocking_client()
        self._client.context = manager.context
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        self._monitor = self._client.shell_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)

    def ready(self, timeout: float) -> bool:
        """Wait until the kernel answers; False when it does not within `timeout` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self._alive():
            self._client.kernel_info()
            if self._next(1.0).get("msg_type") == "kernel_info_reply":
                return True
        return False

    def run(self, source: str, timeout: float) -> Run | None:
        """Have the kernel run `source`; see `result`."""
        try:
            self._request = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        except zmq.Again:
            return Run("died", why=_TOO_LARGE)
        return self.result(timeout)

    def result(self, timeout: float) -> Run | None:
        """How the last `run` ended; None when time is up before, or the kernel has died."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0 and self._alive():
            news = self._next(min(left, _TURN))
            if news.get("msg_type") == "execute_reply" and news["parent_header"].get("msg_id") == self._request:
                return _run(news["content"])
            if not news and self._cut_off():
                return Run("died", why=_TOO_LARGE)
        return None

    def _next(self, timeout: float) -> dict[str, Any]:
        """The next message, empty when there is none in time, or none that can be read."""
        try:
            news = self._client.get_shell_msg(timeout=timeout)
            return news if isinstance(news["parent_header"], dict) and isinstance(news["content"], dict) else {}
        except queue.Empty:
            return {}
        except Exception:  # noqa: BLE001 - a student's kernel may send anything; what is no message is left out
            return {}

    def _cut_off(self) -> bool:
        """True when the connection has ended, for good, though the kernel lives: a message over the limit does that."""
        if not self._monitor.poll(0):
            return False
        return patience.wait(lambda: not self._alive(), time.sleep, _ENDING) is None

    def close(self) -> None:
        """Give back the sockets; the manager ends what they were made of."""
        self._client.shell_channel.socket.disable_monitor()
        self._client.stop_channels()
        self._monitor.close(linger=0)


def _run(content: dict[str, Any]) -> Run:
    if content.get("status") == "ok":
        return Run()
    said = re.sub(r"\(\d+\.py, line", "(line", str(content.get("evalue", "")))  # the name that IPython gives a cell
    said = said.replace(f". {ORDER}", "")  # advice for somebody who can run cells
    return Run("error", f"{content.get('ename', 'Error')}: {said}"[:300])
