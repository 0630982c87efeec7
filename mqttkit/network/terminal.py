"""`mqttkit trace`: the relay in a terminal, for a real device or a program in any language."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mqttkit._signals import stop_on_signals
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.network.network import Network
from mqttkit.network.printer import YELLOW, Printer
from mqttkit.network.upstream import Target
from mqttkit.trace.files import check_path
from mqttkit.url import without_login

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from mqttkit.trace import Trace

_TICK = 0.2  # seconds between looks at the keyboard
_LOOK = 1.0  # seconds that the broker gets to answer at the start
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
        InvalidArgument: an address, a packet type or a file name that makes no sense.
        BrokerError: the port is in use, or the machine has no such address.
    """
    end = threading.Event() if stop is None else stop
    host, port = _address(listen)
    if save is not None:
        _check_file(save)
    with stop_on_signals(end.set), Network(broker, listen_host=host, port=port) as network:
        faults = [network.lose(name) for name in lose]
        printer = Printer(network.trace, sys.stdout if out is None else out)
        printer.line(f"Clients connect to {network.url}; the broker is {without_login(broker)}. Stop with Ctrl+C.")
        _warn_if_open(host, printer)
        _warn_if_away(broker, printer)
        while not end.is_set():
            printer.print_new(_TICK)
        for fault in faults:
            fault.heal()
        printer.print_new(0.0)
    _finish(network.trace, save, printer)
    return 0


def _finish(trace: Trace, save: str | PathLike[str] | None, printer: Printer) -> None:
    saved = _save(trace, Path(save)) if save is not None else None  # before a word is said: the terminal may be closed
    printer.line(f"{len(trace)} packet{'' if len(trace) == 1 else 's'}.")
    if saved is not None:
        printer.line(f"Saved as {saved}.")


def _save(trace: Trace, name: Path) -> Path:
    """Where the trace was saved: in the folder for temporary files where `name` cannot be written."""
    try:
        trace.save(name)
    except MqttKitError:  # the folder has gone, or the disk is full
        name = Path(tempfile.gettempdir()) / name.name
        trace.save(name)
    return name


def _check_file(save: str | PathLike[str]) -> None:
    """Refuses at once what would fail at the end, when the packets are gone."""
    check_path(save)
    folder = Path(save).parent
    if not folder.is_dir():
        raise InvalidArgument(f"There is no folder {str(folder)!r} to save in. Make it first, or choose another.")


def _warn_if_open(host: str, printer: Printer) -> None:
    if host not in ("localhost", "::1") and not host.startswith("127."):
        printer.line(f"Other machines that reach {host} can connect, and see what the broker shows to anybody.", YELLOW)


def _warn_if_away(broker: str, printer: Printer) -> None:
    """Says so if nothing answers where the broker should be; it may come later."""
    address = Target(broker).place
    try:
        socket.create_connection(address, _LOOK).close()
    except OSError as error:
        where = f"{address[0]}:{address[1]}"
        printer.line(f"No broker answers at {where} now ({error.strerror or error}). Is it running?", YELLOW)
    except UnicodeError:  # two dots in a row, for instance
        printer.line(f"{address[0]} can be no name of a host. Check its spelling.", YELLOW)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = str(listen).rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT:
        raise InvalidArgument(f"{listen!r} is not where to listen: give a port such as 1884, or 0.0.0.0:1884.")
    return host.strip("[]") or "127.0.0.1", int(port)
