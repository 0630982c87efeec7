"""A connected socket, TCP or WebSocket, as amqtt sees it (reader and writer) and as the correction needs it.

amqtt reads byte by byte and drains after each packet. A link hands over whatever has arrived and takes whole batches;
`buffered` tells how much the other side has not taken yet.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter, WebSocketsReader, WebSocketsWriter
from websockets.exceptions import ConnectionClosed

from mqttkit.broker.embedded.wire import malformed

_CHUNK = 65_536


class TcpLink(StreamReaderAdapter, StreamWriterAdapter):  # type: ignore[misc]
    """MQTT in a TCP or TLS stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> None:
        StreamReaderAdapter.__init__(self, reader)
        StreamWriterAdapter.__init__(self, writer)
        self.kind = kind
        self._transport: asyncio.Transport = writer.transport  # type: ignore[assignment]

    async def receive(self) -> bytes:
        """What has arrived; b"" when the other side has closed."""
        try:
            return bytes(await self._reader.read(_CHUNK))
        except (OSError, asyncio.IncompleteReadError):
            return b""

    def write(self, data: bytes) -> None:
        """Hand `data` to the operating system as soon as it takes it."""
        if not self._transport.is_closing():
            self._transport.write(data)

    @property
    def buffered(self) -> int:
        """Bytes that the other side has not taken yet."""
        return self._transport.get_write_buffer_size()

    def finish(self) -> None:
        """Close once everything written has gone out."""
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    async def closed(self) -> None:
        """Wait until the socket is closed."""
        with suppress(OSError):
            await self._writer.wait_closed()


class WebSocketLink(WebSocketsReader, WebSocketsWriter):  # type: ignore[misc]
    """MQTT in binary WebSocket messages; a message may hold part of a packet or many [MQTT-6.0.0-2]."""

    def __init__(self, websocket: Any, kind: str) -> None:
        WebSocketsReader.__init__(self, websocket)
        self.kind = kind
        self._websocket = websocket
        self._closing: asyncio.Task[None] | None = None

    async def receive(self) -> bytes:
        """The next message that is not empty; b"" when the other side has closed. Text is an error [MQTT-6.0.0-1]."""
        message: bytes | str = b""
        while not message:  # an empty message is no end
            try:
                message = await self._websocket.recv()
            except ConnectionClosed:
                return b""
            if isinstance(message, str):
                raise malformed("a WebSocket message of text", "MQTT-6.0.0-1")
        return bytes(message)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        """Send one binary message [MQTT-6.0.0-1]."""
        if self._websocket.state.name == "OPEN":
            self._websocket.protocol.send_binary(data)
            self._websocket.send_data()

    @property
    def buffered(self) -> int:
        """Bytes that the other side has not taken yet."""
        return int(self._websocket.transport.get_write_buffer_size())

    def finish(self) -> None:
        """Close with the WebSocket handshake."""
        self._closing = asyncio.ensure_future(self._websocket.close())

    def abort(self) -> None:
        """Close now."""
        self._websocket.transport.abort()

    async def closed(self) -> None:
        """Wait until the socket is closed."""
        await self._websocket.wait_closed()
