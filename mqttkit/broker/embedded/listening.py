"""Listeners of all four kinds, and a shutdown that nobody can hold up."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import websockets
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from websockets.asyncio.server import ServerConnection, serve

from mqttkit.broker.embedded.links import TcpLink, WebSocketLink
from mqttkit.broker.embedded.wire import LARGEST_PACKET

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mqttkit.broker.embedded.handler import Handler
    from mqttkit.broker.options import Options

_BACKLOG = 1024  # a class that connects at the same moment
_HANDSHAKE = 10.0  # seconds for the TLS handshake
_LARGEST_MESSAGE = LARGEST_PACKET + 5  # bytes of a WebSocket message: the largest packet with its fixed header
_TURNS = 4  # of the event loop, until a connection that was just accepted can be closed again
_FAREWELL = 2.0  # seconds for aborted connections to be gone
_quiet = logging.getLogger("mqttkit.websockets")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


def amqtt_config(options: Options) -> BrokerConfig:
    """Amqtt's configuration for these options: one listener a kind, no plugins (they cost half of its speed)."""
    listeners = {"default": ListenerConfig(bind=None)}
    for kind, port in options.ports.items():
        transport = ListenerType.TCP if kind.startswith("mqtt") else ListenerType.WS
        listeners[kind] = ListenerConfig(type=transport, bind=f"{options.host}:{port}")
    return BrokerConfig(listeners=listeners, plugins={})


class Listening:
    """The part of the broker that opens and closes sockets; called by amqtt's `start`."""

    if TYPE_CHECKING:
        options: Options
        loop: asyncio.AbstractEventLoop
        handlers: set[Handler]
        handler_type: type[Handler]
        _servers: dict[str, Any]

        end_counting: Callable[[], None]
        _serving: set[asyncio.Task[Any]]

    async def _create_server_instance(self, listener_name: str, *_: Any) -> Any:
        """Open one listener on the address of the options (amqtt's own default is every address)."""
        host, port = self.options.host, self.options.ports[listener_name]
        tls = self._tls_context(listener_name)
        patience = _HANDSHAKE if tls else None
        if listener_name.startswith("mqtt"):
            connected = partial(self.stream_connected, listener_name=listener_name)
            return await asyncio.start_server(
                connected, host, port, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=patience
            )
        return await serve(
            partial(self.ws_connected, listener_name=listener_name),
            host, port, ssl=tls, backlog=_BACKLOG, logger=_quiet, select_subprotocol=choose_protocol,
            subprotocols=[websockets.Subprotocol("mqtt")],
            compression=None, ping_interval=None, max_size=_LARGEST_MESSAGE, close_timeout=1,
            ssl_handshake_timeout=patience,
        )  # fmt: skip

    def _tls_context(self, kind: str) -> ssl.SSLContext | None:
        certificate = self.options.certificate
        return certificate.server_context() if certificate is not None and kind in ("mqtts", "wss") else None

    def ports(self) -> dict[str, int]:
        """The TCP port of each listener, by kind."""
        return {
            kind: next(iter(server.instance.sockets)).getsockname()[1]
            for kind, server in self._servers.items()
            if server.instance is not None and server.instance.sockets
        }

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """A TCP or TLS connection was opened."""
        await self.serve_link(TcpLink(reader, writer, listener_name))

    async def ws_connected(self, websocket: ServerConnection, listener_name: str) -> None:
        """A WebSocket connection was opened."""
        await self.serve_link(WebSocketLink(websocket, listener_name))

    async def serve_link(self, link: TcpLink | WebSocketLink) -> None:
        """Serve one connection until it ends."""
        handler = self.handler_type(self, link)  # type: ignore[arg-type]
        task = asyncio.current_task()
        assert task is not None
        self.handlers.add(handler)
        self._serving.add(task)
        try:
            await handler.serve()
        finally:
            await link.closed()
            handler.forget_timer()
            self.handlers.discard(handler)
            self._serving.discard(task)

    async def shutdown(self) -> None:
        """Close listeners and connections; wills are sent, and no peer can hold it up (amqtt waits for all of them)."""
        self.end_counting()
        await self._stop_accepting()
        for server in self._servers.values():
            server.instance.close()
        for handler in list(self.handlers):
            handler.end("the broker stops")
        await asyncio.sleep(0)  # let what was written go out
        for handler in list(self.handlers):
            handler.link.abort()
        self._abort_handshakes()
        if self._serving:
            await asyncio.wait(self._serving, timeout=_FAREWELL)
        self._servers.clear()

    async def _stop_accepting(self) -> None:
        """Accept no more, and let what was just accepted become a connection: Python 3.13 cannot close it before."""
        for server in self._servers.values():
            for listener in server.instance.sockets:
                with suppress(NotImplementedError):  # the event loop of Windows has no readers
                    self.loop.remove_reader(listener.fileno())
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _abort_handshakes(self) -> None:
        """Close peers that are in the middle of a TLS handshake: Python 3.13 complains about them at its end."""
        for server in self._servers.values():
            listener = getattr(server.instance, "server", server.instance)  # of websockets: the asyncio one inside
            if hasattr(listener, "abort_clients"):
                listener.abort_clients()

    # amqtt's helpers that have nothing to do here: deliveries are synchronous, sessions end with their connection
    async def _broadcast_loop(self) -> None:
        """Deliver what is queued: nothing ever is."""

    async def _session_monitor(self) -> None:
        """Forget sessions of clients that left up to a second ago: they are forgotten at once."""


def choose_protocol(_connection: Any, offered: Any) -> Any:
    """The WebSocket sub-protocol is mqtt; a client that offers none is let in, as mosquitto does."""
    return "mqtt" if "mqtt" in offered else None
