"""TLS on the port of the class: bytes are decrypted here, and what comes out is routed like any other connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

_CHUNK = 64 * 1024


class Decrypter:
    """Sits between a member's TLS connection and `plain`, a socket on which the same bytes pass in the clear.

    The pages, WebSocket and MQTT thus need not know about TLS: they get a socket whose first byte can be looked at.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.plain, self._inside = socket.socketpair()
        self.plain.setblocking(False)

    @classmethod
    async def on(cls, connection: socket.socket, context: ssl.SSLContext, timeout: float) -> Decrypter:
        """Make the handshake. Raises OSError (SSLError, ConnectionError) where it fails or takes longer than `timeout`."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=context, ssl_handshake_timeout=timeout
        )
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def run(self) -> None:
        """Pass bytes on in both directions until one side ends."""
        inside_reader, inside_writer = await asyncio.open_connection(sock=self._inside)
        ways = [
            asyncio.ensure_future(_copy(self._reader, inside_writer)),
            asyncio.ensure_future(_copy(inside_reader, self._writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for writer in (inside_writer, self._writer):
                writer.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # a link that breaks is ordinary
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
