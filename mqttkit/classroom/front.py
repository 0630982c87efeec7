"""One address for everything: the page over HTTP, MQTT over WebSocket, and plain MQTT over TCP share one port.

The first byte tells them apart: a CONNECT begins with 0x10, HTTP with a letter.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tornado import httpserver, iostream, netutil, web, websocket

from mqttkit.classroom.gate import CONNECT_SECONDS, MAX_PACKET, Gate, Link
from mqttkit.classroom.pages import Page
from mqttkit.errors import MqttKitError

MAX_CONNECTIONS = 600
HEADER_SECONDS = 10.0
MAX_HEADER = 16 * 1024
_CONNECT = 0x10

log = logging.getLogger("mqttkit.classroom")


class Front:
    """Listens on one port and sends each connection where it belongs.

    Args:
        gate: judges the MQTT connections.
        pages: page by path.
        origins: further addresses (`https://host[:port]`) whose pages may open the WebSocket, such as a proxy's.
    """

    def __init__(self, gate: Gate, pages: dict[str, Page], origins: tuple[str, ...] = ()) -> None:
        self._gate = gate
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: list[Callable[[], None]] = []
        routes: list[Any] = [(path, _PageHandler, {"page": page}) for path, page in pages.items()]
        routes.append((r"/mqtt", _MqttHandler, {"gate": gate, "origins": origins}))
        application = web.Application(
            routes,
            default_handler_class=_NotFound,
            log_function=_quiet,
            websocket_max_message_size=2 * MAX_PACKET,
            websocket_ping_interval=0,
        )
        self._http = httpserver.HTTPServer(
            application,
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
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close_all_connections()

    def _accepted(self, connection: socket.socket, address: Any) -> None:
        if self._open >= MAX_CONNECTIONS:
            connection.close()
            return
        self._open += 1
        task = asyncio.get_running_loop().create_task(self._route(connection, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _route(self, connection: socket.socket, address: Any) -> None:
        stream = _Stream(connection, self._closed, max_buffer_size=4 * MAX_PACKET)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = await asyncio.wait_for(_peek(connection), HEADER_SECONDS)
            if first == _CONNECT:
                await _serve_tcp(self._gate, stream)
            else:
                self._http.handle_stream(stream, address)
        except BaseException as error:
            stream.close()
            if not isinstance(error, (OSError, asyncio.TimeoutError)):
                raise

    def _closed(self) -> None:
        self._open -= 1


class _Stream(iostream.IOStream):
    """Tells when its socket is closed, whoever closes it."""

    def __init__(self, connection: socket.socket, closed: Callable[[], None], **options: Any) -> None:
        self._tell = closed
        super().__init__(connection, **options)

    def close_fd(self) -> None:
        super().close_fd()
        self._tell()


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


async def _serve_tcp(gate: Gate, stream: iostream.IOStream) -> None:
    """Plain MQTT until either side ends it."""
    link = gate.link(stream.write, stream.close)
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


class _MqttHandler(websocket.WebSocketHandler):
    """MQTT over WebSocket [MQTT-6.0.0-1 to 4]."""

    _link: Link | None = None

    def initialize(self, gate: Gate, origins: tuple[str, ...]) -> None:
        self._gate, self._origins = gate, origins
        self._timer: asyncio.TimerHandle | None = None

    def check_origin(self, origin: str) -> bool:
        return origin.rstrip("/") in self._origins or same_origin(origin, self.request.host)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return next((name for name in subprotocols if name in ("mqtt", "mqttv3.1")), None)

    def open(self, *_: str, **__: str) -> None:
        if self.selected_subprotocol is None:
            self.close(1002, "the sub-protocol must be mqtt")
            return
        self._link = self._gate.link(self._send, self.close)
        self._timer = asyncio.get_running_loop().call_later(CONNECT_SECONDS, self._link.end_if_nobody)

    async def on_message(self, message: str | bytes) -> None:
        if self._link is None or isinstance(message, str):
            self.close(1003, "MQTT is binary")
            return
        try:
            await self._link.feed(message)
        except (MqttKitError, OSError) as error:
            log.info("connection %d ended: %s", self._link.number, error)
            self.close()

    def on_close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            task = asyncio.get_running_loop().create_task(self._link.end())
            _ending.add(task)
            task.add_done_callback(_ending.discard)

    async def _send(self, data: bytes) -> None:
        with contextlib.suppress(websocket.WebSocketClosedError):
            await self.write_message(data, binary=True)


_ending: set[asyncio.Task[None]] = set()


def same_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may open a WebSocket to `host`: only one that this very server sent.

    The name must also be an address, `localhost`, this machine's name or end in `.local`: a stranger's domain that is made to
    point here (DNS rebinding) has equal origin and host too.
    """
    parts = urlsplit(origin)
    return parts.netloc.lower() == host.lower() and _is_here(parts.hostname or "")


def _is_here(name: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return name == "localhost" or name.endswith((".local", ".localhost")) or name == socket.gethostname().lower()


class _PageHandler(web.RequestHandler):
    """One page, the same for everybody."""

    def initialize(self, page: Page) -> None:
        self._page = page

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", self._page.policy)
        self.finish(self._page.body)

    head = get


class _NotFound(web.RequestHandler):
    def prepare(self) -> None:
        self.set_status(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("There is nothing here. The page of the class is at the address without anything behind it.\n")


def _quiet(handler: web.RequestHandler) -> None:
    """No access log: it would hold addresses of people and of links."""
    log.debug("%s %d", handler.request.method, handler.get_status())


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "mqttkit",
}
