"""How every part of the kit closes a socket that a thread may be waiting on."""

from __future__ import annotations

import contextlib
import socket


def shut(link: socket.socket) -> None:
    """Close it, and wake a thread that waits in `accept` or `recv`: closing alone does not, on Linux."""
    with contextlib.suppress(OSError):  # not connected: a listening socket on some systems, or gone already
        link.shutdown(socket.SHUT_RDWR)
    link.close()
