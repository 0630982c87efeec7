"""`mqttkit trace`: the relay in a terminal, for a real device or a program in any language."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from mqttkit.errors import InvalidArgument
from mqttkit.network.network import Network
from mqttkit.trace import Captured, Trace
from mqttkit.trace.text import details

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from os import PathLike

_NAME = 12  # columns for a client's name
_TICK = 0.2  # seconds between looks at the keyboard
_RED, _YELLOW, _DIM = "31", "33", "2"
_BY_TYPE = {"PUB": "36", "CON": "32", "SUB": "35", "UNS": "35", "DIS": "32", "PIN": "2"}
_LAST_PORT = 65535


def run_trace(
    listen: str = "1884",
    broker: str = "mqtt://127.0.0.1:1883",
    *,
    lose: Sequence[str] = (),
    save: str | PathLike[str] | None = None,
    out: TextIO | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Shows every packet that passes until Ctrl+C (or `stop` is set); returns the exit code.

    Args:
        listen: port, or host:port, where clients connect.
        broker: URL of the broker behind.
        lose: packet types that shall get lost.
        save: file that gets the trace at the end.
        out: where to write; the default is the terminal.
        stop: ends it from another thread.

    Raises:
        InvalidArgument: an address or a packet type that makes no sense, or a port that is in use.
    """
    stream = sys.stdout if out is None else out
    host, port = _address(listen)
    with Network(broker, listen_host=host, port=port) as network:
        for name in lose:
            network.lose(name)
        printer = _Printer(network.trace, stream)
        printer.line(f"Clients connect to {network.url}; the broker is {broker}. Stop with Ctrl+C.")
        try:
            while stop is None or not stop.is_set():
                printer.print_new(_TICK)
        except KeyboardInterrupt:
            pass
        printer.print_new(0.0)
    _finish(network.trace, save, printer)
    return 0


def _finish(trace: Trace, save: str | PathLike[str] | None, printer: _Printer) -> None:
    printer.line(f"{len(trace)} packets.")
    if save is not None:
        trace.save(save)
        printer.line(f"Saved as {save}.")


def _address(listen: str) -> tuple[str, int]:
    host, _, port = str(listen).rpartition(":")
    if not port.isdigit() or int(port) > _LAST_PORT:
        raise InvalidArgument(f"{listen!r} is not where to listen: give a port such as 1884, or 0.0.0.0:1884.")
    return host.strip("[]") or "127.0.0.1", int(port)


class _Printer:
    """Writes what is new in a trace, one line each, coloured where a terminal reads it."""

    def __init__(self, trace: Trace, stream: TextIO) -> None:
        self._trace = trace
        self._stream = stream
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ
        self._mark = 0

    def print_new(self, timeout: float) -> None:
        """Waits up to `timeout` seconds for something new and writes it."""
        self._trace.wait_for_change(self._mark, timeout)
        for item in self._trace.entries(since=self._mark):
            self._mark = item.number
            if isinstance(item, Captured):
                self._packet(item)
            elif item.kind != "bytes":
                self.line(f"{item.time:9.3f}  {item.text}", _RED if item.kind in ("cut", "refused") else _YELLOW)

    def _packet(self, item: Captured) -> None:
        arrow = "──▶" if item.to_broker else "◀──"
        if not item.delivered:
            arrow = "──✗" if item.to_broker else "✗──"
        colour = _RED if not item.delivered else _BY_TYPE.get(item.type[:3], _DIM)
        head = f"{item.time:9.3f}  {item.client[:_NAME]:>{_NAME}} {arrow} broker  "
        self.line(head + self._paint(f"{item.type:<11}", colour) + f"  {details(item)}")

    def line(self, text: str, colour: str = "") -> None:
        """Writes one line at once."""
        self._stream.write(self._paint(text, colour) + "\n")
        self._stream.flush()

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colours else text
