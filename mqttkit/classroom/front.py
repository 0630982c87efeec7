"""One address for everything: the page over HTTP, MQTT over WebSocket, and plain MQTT over TCP share one port, with or without TLS.

The first byte tells them apart: a TLS handshake begins with 0x16, a CONNECT with 0x10, HTTP with a letter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado import httpserver, iostream, netutil

from mqttkit.classroom.link import CONNECT_SECONDS, MAX_PACKET
from mqttkit.classroom.tls import Decrypter
from mqttkit.classroom.web import application
from mqttkit.errors import MqttKitError

if TYPE_CHECKING:
    import ssl

    from mqttkit.classroom.gate import Gate
    from mqttkit.classroom.web import Site

MAX_CONNECTIONS = 600
HEADER_SECONDS = 10.0
MAX_HEADER = 16 * 1024
_CONNECT, _TLS = 0x10, 0x16
_LAST_SECONDS = 1.0
_SILENT_SECONDS = 60  # after which the system asks whether the other side is still there

log = logging.getLogger("mqttkit.classroom")


class Place:
    """One of the connections that the class may have; given back once, whoever ends it."""

    def __init__(self, front: Front, address: str) -> None:
        self.front, self.address = front, address
        self.close: Callable[[], object] = lambda: None
        self.routed = False

    def entered(self) -> None:
        """Somebody who may be here is on it: it is no longer given to others."""
        self.front.fresh.pop(self, None)

    def release(self) -> None:
        """The connection is closed."""
        self.entered()
        self.front.places.discard(self)


class Front:
    """Listens on one port and sends each connection where it belongs.

    Args:
        gate: judges the MQTT connections.
        site: the pages.
        tls: certificate and key in an SSLContext; then nobody gets in without TLS.

    Attributes:
        places: the open connections; `fresh` are those on which nobody has logged in, the oldest first.
    """

    def __init__(self, gate: Gate, site: Site, tls: ssl.SSLContext | None = None) -> None:
        self._gate = gate
        self._tls = tls
        self._home = site.home
        self.places: set[Place] = set()
        self.fresh: dict[Place, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: list[Callable[[], None]] = []
        self._http = httpserver.HTTPServer(
            application(gate, site),
            idle_connection_timeout=HEADER_SECONDS,
            body_timeout=HEADER_SECONDS,
            max_header_size=MAX_HEADER,
            max_body_size=1024,
        )

    def listen(self, listening: socket.socket) -> None:
        """Begin to accept connections on a listening socket; `close` closes it."""
        self._stop = [netutil.add_accept_handler(listening, self._accepted), listening.close]

    async def close(self) -> None:
        """Stop listening and end all connections."""
        for stop in self._stop:
            stop()
        for link in list(self._gate.links):
            link.close()
        for place in list(self.places):
            place.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close_all_connections()
        end = time.monotonic() + _LAST_SECONDS
        while self._gate.links and time.monotonic() < end:  # noqa: ASYNC110 - tornado tells some time after it closed them
            await asyncio.sleep(0.01)
        if self._gate.ending:  # somebody who was sent away and does not read holds nobody up
            await asyncio.wait(self._gate.ending, timeout=_LAST_SECONDS)

    def _accepted(self, connection: socket.socket, address: Any) -> None:
        """A full house is no reason to keep a newcomer out: whoever came and said nothing has to go first."""
        if len(self.places) >= MAX_CONNECTIONS:
            oldest = next(iter(self.fresh), None)
            if oldest is None:
                connection.close()
                return
            oldest.close()
            oldest.release()
        place = Place(self, str(address[0]))
        self.places.add(place)
        self.fresh[place] = None
        task = self._spawn(self._route(connection, place))
        task.add_done_callback(lambda _: None if place.routed else connection.close())  # cancelled before it began
        place.close = task.cancel

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _route(self, connection: socket.socket, place: Place) -> None:
        place.routed = True
        try:
            _prepare(connection)
            first = await asyncio.wait_for(_peek(connection), HEADER_SECONDS)
            if self._tls is None:
                await self._serve(Stream(connection, place), first)
            elif first == _TLS:
                connection = await self._decrypted(connection, self._tls)
                first = await asyncio.wait_for(_peek(connection), HEADER_SECONDS)
                await self._serve(Stream(connection, place), first)
            else:
                await _send_to_tls(connection, self._home)
                connection.close()
                place.release()
        except BaseException as error:
            connection.close()
            place.release()
            if not isinstance(error, (OSError, asyncio.TimeoutError)):
                raise

    async def _decrypted(self, connection: socket.socket, context: ssl.SSLContext) -> socket.socket:
        decrypter = await Decrypter.on(connection, context, HEADER_SECONDS)
        self._spawn(decrypter.run()).add_done_callback(lambda _: decrypter.close())  # also where it never began
        return decrypter.plain

    async def _serve(self, stream: Stream, first: int) -> None:
        stream.place.close = stream.close
        if first == _CONNECT:
            await _serve_tcp(self._gate, stream)
        else:
            self._http.handle_stream(stream, (stream.place.address, 0))


class Stream(iostream.IOStream):
    """Gives its place back when its socket is closed, whoever closes it."""

    def __init__(self, connection: socket.socket, place: Place) -> None:
        self.place = place
        super().__init__(connection, max_buffer_size=4 * MAX_PACKET)

    def close_fd(self) -> None:
        """Called by tornado once."""
        super().close_fd()
        self.place.release()


def _prepare(connection: socket.socket) -> None:
    """Send at once, and notice when a phone has gone out of reach that never asked for a keep alive."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _SILENT_SECONDS // 6)


async def _peek(connection: socket.socket) -> int:
    """The first byte, left in the socket; waits for it. 0 when the other side closed without a word."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(connection, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
    return (connection.recv(1, socket.MSG_PEEK) or b"\0")[0]


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _send_to_tls(connection: socket.socket, home: str) -> None:
    """Tell a browser that came with http:// where to go; MQTT without TLS is closed without a word."""
    answer = f"HTTP/1.1 301 Moved Permanently\r\nLocation: {home}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    if connection.recv(4096)[:4] == b"GET ":
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(connection, answer.encode())


async def _serve_tcp(gate: Gate, stream: Stream) -> None:
    """Plain MQTT until either side ends it."""
    link = gate.link(stream.write, stream.close, stream.place.address, stream.place.entered)
    first = asyncio.get_running_loop().call_later(CONNECT_SECONDS, link.end_if_nobody)
    try:
        while True:
            await link.feed(await stream.read_bytes(MAX_PACKET, partial=True))
    except MqttKitError as error:
        log.info("connection %d ended: %s", link.number, error)
    except iostream.StreamClosedError:
        return
    finally:
        first.cancel()
        stream.close()
        await link.end()
