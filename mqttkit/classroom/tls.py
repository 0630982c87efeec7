"""TLS on the port of the class: bytes are decrypted here, and what comes out is routed like any other connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import ssl

_CHUNK = 64 * 1024
_PATIENCE = 30.0  # seconds in which a member must take what was sent
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
        both = _copy(reader, inside_writer), _copy(inside_reader, writer, _PATIENCE)
        ways = [asyncio.ensure_future(way) for way in both]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Close both ends, what was written last still goes out to a member who takes it."""
        for _, writer in (self._outside, self._inside):
            writer.close()
        asyncio.get_running_loop().call_later(_PATIENCE, self._outside[1].transport.abort)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: float | None = None) -> None:
    """Pass bytes on until the end of one side; a side that takes nothing for `patience` seconds has ended, too."""
    with contextlib.suppress(OSError, asyncio.TimeoutError):  # a link that breaks is ordinary
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await asyncio.wait_for(writer.drain(), patience)
