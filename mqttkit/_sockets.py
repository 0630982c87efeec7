"""How every part of the kit closes a socket that a thread may be waiting on, listens on a file, and is reached by others."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path


def shut(link: socket.socket) -> None:
    """Close it, and wake a thread that waits in `accept` or `recv`: closing alone does not, on Linux."""
    with contextlib.suppress(OSError):  # not connected: a listening socket on some systems, or gone already
        link.shutdown(socket.SHUT_RDWR)
    link.close()


def accepted(server: socket.socket) -> Iterator[socket.socket]:
    """Each connection that comes in, until `server` is shut."""
    while True:
        try:
            link, _ = server.accept()
        except OSError:
            return
        yield link


def unix_server(path: Path) -> socket.socket:
    """A Unix socket that listens at `path`; nothing is left open where it cannot."""
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(path))
        server.listen()
    except OSError:
        server.close()
        raise
    return server


def reachable_address() -> str:
    """The address of this machine in its network; 127.0.0.1 where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of no one: asks for the route, sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
