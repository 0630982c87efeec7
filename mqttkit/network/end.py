"""One of the two network connections that make up a connection through the relay."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mqttkit.network.connection import Connection

_HIGH_WATER = 1 << 20  # bytes that may wait in one direction before its sender is slowed down


class End(asyncio.Protocol):
    """One end of a connection; tells the connection what happens."""

    def __init__(self, connection: Connection, *, of_client: bool) -> None:
        self._connection = connection
        self._of_client = of_client
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._lost = False
        self.feed = connection.sniff

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The network connection is up."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(_HIGH_WATER)
        self._connection.end_is_up(self, of_client=self._of_client)

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        """This end is gone, politely (None) or not."""
        if error is not None and self._of_client:
            self._read_the_rest()
        self._lost = True
        self._connection.end_is_gone(of_client=self._of_client, error=error)

    def _read_the_rest(self) -> None:
        """Take what the client sent before it reset the connection.

        A client that closes with unread packets resets, also after a polite DISCONNECT. Where the relay had just to write to
        it, the write fails first, and asyncio reads no more: DISCONNECT would be lost, and the will sent, by chance.
        """
        raw = self.transport.get_extra_info("socket") if self.transport is not None else None
        if raw is None:
            return
        try:
            with raw.dup() as rest:
                while data := rest.recv(1 << 16):
                    self.feed(data)
        except OSError:  # nothing there, or a system that throws it away at a reset
            return

    @property
    def is_open(self) -> bool:
        """True while there is a network connection."""
        return self.transport is not None and not self._lost

    def pause_writing(self) -> None:
        """Too much waits to go out here: read no more from the other end."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """There is room again."""
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def reset(self) -> None:
        """Ends it at once, with a TCP reset and without FIN: what a cable that is cut looks like."""
        if self.transport is None or self.transport.is_closing():
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            form = "hh" if sys.platform == "win32" else "ii"  # struct linger: two shorts on Windows, two ints elsewhere
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(form, 1, 0))
        self.transport.abort()
