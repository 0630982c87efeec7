"""TLS on the port of the class: bytes are decrypted here, and what comes out is routed like any other connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import ssl

_CHUNK = 64 * 1024
_Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Decrypter:
    """Sits between a member's TLS connection and `plain`, a socket on which the same bytes pass in the clear.

    The pages, WebSocket and MQTT thus need not know about TLS: they get a socket whose first byte can be looked at.
    """

    def __init__(self, outside: _Stream, inside: _Stream, plain: socket.socket) -> None:
        self._outside, self._inside, self.plain = outside, inside, plain

    @classmethod
    async def on(cls, connection: socket.socket, context: ssl.SSLContext, timeout: float) -> Decrypter:
        """Make the handshake. Raises OSError (SSLError, ConnectionError) where it fails or takes longer than `timeout`."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=context, ssl_handshake_timeout=timeout
        )
        plain, inside = socket.socketpair()
        plain.setblocking(False)
        outside = reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        return cls(outside, await asyncio.open_connection(sock=inside), plain)

    async def run(self) -> None:
        """Pass bytes on in both directions until one side ends; what the other side still had to say is sent before."""
        (reader, writer), (inside_reader, inside_writer) = self._outside, self._inside
        ways = [asyncio.ensure_future(way) for way in (_copy(reader, inside_writer), _copy(inside_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Close both ends, what was written last still goes out."""
        for _, writer in (self._outside, self._inside):
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # a link that breaks is ordinary
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
