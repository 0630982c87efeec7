"""The relay: listens, dials the broker, and carries packets, in one thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from mqttkit.errors import BrokerError, MqttKitError
from mqttkit.network.connection import Connection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from mqttkit.network.faults import Fault
    from mqttkit.network.pipe import Pipe
    from mqttkit.trace import Link, Trace, Wire

T = TypeVar("T")
_TIMEOUT = 10.0  # seconds in which the thread must answer
_FAREWELL = 5.0  # seconds in which every connection must be gone at the end
_QUIET_TURNS = 3  # of the event loop without any connection: until then asyncio may be about to tell of one
_FIRST_FREE_PORT = 1024
_NOTICE = 0.5  # seconds that the broker gets to notice the end of a connection

Upstream = tuple[str, int, "ssl.SSLContext | None"]
Trouble = MqttKitError | tuple[OSError, str, int]  # a sentence, or what the socket said and where


class Relay:
    """Owns the thread, the listening socket and all connections.

    Attributes:
        loop: the event loop of the thread.
        traces: where packets and events are written; replaced as a whole, never changed in place.
        faults: the active faults; replaced as a whole, never changed in place.
        upstream: tells where to dial for a client that speaks "mqtt", "mqtts" or "ws".
        watchers: called with every packet; replaced as a whole too.
        links: every connection there ever was, by number.
        trouble: why the newest connection did not reach the broker, see `Network.trouble`; None where it did.
    """

    def __init__(self, upstream: Callable[[str], Upstream], links: dict[int, Link]) -> None:
        self.upstream = upstream
        self.links = links
        self.traces: tuple[Trace, ...] = ()
        self.faults: tuple[Fault, ...] = ()
        self.watchers: tuple[Callable[[Wire], None], ...] = ()
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self.is_running = False
        self.trouble: Trouble | None = None
        self._connections: set[Connection] = set()
        self._ending: set[Connection] = set()  # the broker has not seen yet that they have gone
        self._parked: dict[Pipe, None] = {}  # wait for that, in order
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, name="mqttkit network", daemon=True)

    # --- life

    def start(self, host: str, port: int) -> int:
        """Starts the thread and listens; returns the port."""
        self._thread.start()
        try:
            return asyncio.run_coroutine_threadsafe(self._listen(host, port), self.loop).result(_TIMEOUT)
        except (OSError, ValueError) as error:  # ValueError: what can be no name of a machine
            self.stop()
            raise BrokerError(f"The network cannot listen on {host}:{port}: {_why_not(error, port)}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends all connections, the socket and the thread; may be called again."""
        if self.loop.is_closed():
            return
        self.check_outside()
        self.is_running = False
        with suppress(FutureTimeout):  # a function of a learner may hold the thread up; it dies with the process
            asyncio.run_coroutine_threadsafe(self._shut_down(), self.loop).result(_TIMEOUT)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_TIMEOUT)

    def check_outside(self) -> None:
        """Raises MqttKitError in the relay's own thread, which cannot wait for its own end."""
        if threading.current_thread() is self._thread:
            raise MqttKitError(
                "A network cannot be closed by a function that it calls itself, such as `where`. Close it in a cell."
            )

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    async def _listen(self, host: str, port: int) -> int:
        self._server = await self.loop.create_server(lambda: Connection(self).client_end, host, port)
        self.is_running = True
        return int(self._server.sockets[0].getsockname()[1])

    async def _shut_down(self) -> None:
        """Accepts no more, and returns when every connection that was accepted or dialled is gone."""
        self._stop_accepting()
        for connection in list(self._connections):
            connection.close()
        deadline, quiet = self.loop.time() + _FAREWELL, 0
        while quiet < _QUIET_TURNS and self.loop.time() < deadline:
            await asyncio.sleep(0)
            accepted = len(asyncio.all_tasks()) > 1  # a task of asyncio's, besides this one
            under_way = accepted or bool(self._connections)
            quiet = 0 if under_way else quiet + 1
        if self._server is not None:
            self._server.close()

    def _stop_accepting(self) -> None:
        """Asyncio cannot close a connection that was accepted before `close` and comes up after it: so close comes last."""
        for listener in self._server.sockets if self._server is not None else ():
            with suppress(NotImplementedError):  # the event loop of Windows has no readers
                self.loop.remove_reader(listener.fileno())

    # --- connections (in the relay's thread)

    def opened(self, connection: Connection) -> None:
        """A client has come; its connection gets the next number."""
        connection.link.number = len(self.links) + 1
        self.links[connection.link.number] = connection.link
        self._connections.add(connection)
        if not self.is_running:
            connection.close()
        elif any(fault.refuses(connection.link) for fault in self.faults if _is_for_all(fault)):
            connection.refuse()

    def closed(self, connection: Connection) -> None:
        """Both ends of a connection are gone, and none will come."""
        self._connections.discard(connection)

    # --- order between connections

    def shall_notice(self, connection: Connection) -> None:
        """A connection has ended: what others send waits until the broker has seen it, or until `_NOTICE` is over."""
        if connection not in self._ending:
            self._ending.add(connection)
            self.loop.call_later(_NOTICE, self._give_up, connection)

    def noticed(self, connection: Connection) -> None:
        """The broker has ended its side of a connection: what waited for that goes on."""
        self._ending.discard(connection)
        waiting, self._parked = self._parked, {}
        for pipe in waiting:
            pipe.flush()

    def must_wait(self, connection: Connection, pipe: Pipe) -> bool:
        """True while the end of another connection is not noticed yet; remembers who waits."""
        if not self._ending or self._ending == {connection}:
            return False
        self._parked[pipe] = None
        return True

    def _give_up(self, connection: Connection) -> None:
        if connection in self._ending:
            connection.give_up_waiting()
            self.noticed(connection)

    def open_connections(self) -> list[Connection]:
        """Connections that carry packets, oldest first."""
        live = [connection for connection in self._connections if not connection.is_over]
        return sorted(live, key=lambda connection: connection.link.number)

    # --- calls from other threads

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Runs `function` in the relay's thread and returns its result."""
        if threading.current_thread() is self._thread:
            return function(*args)
        if not self.is_running:
            raise MqttKitError("This network is closed; its broker cannot be reached through it any more.")

        async def run() -> T:
            return function(*args)

        future = asyncio.run_coroutine_threadsafe(run(), self.loop)
        try:
            return future.result(_TIMEOUT)
        except FutureTimeout:
            if not future.cancel():  # it was not late: it raised this itself
                raise
            raise MqttKitError(
                f"The network did not answer within {_TIMEOUT:g} s. A `where` function runs in its thread and must not wait "
                "for anything."
            ) from None

    def watch(self, seen: Callable[[Wire], None]) -> None:
        """Adds a watcher (in the relay's thread)."""
        self.watchers = (*self.watchers, seen)

    def unwatch(self, seen: Callable[[Wire], None]) -> None:
        """Removes one."""
        self.watchers = tuple(other for other in self.watchers if other != seen)

    def catch_up(self) -> None:
        """Returns when the relay has read what had been sent to it before."""
        for _ in range(2):  # the first round may have begun before the bytes came
            self.call(lambda: None)


def _why_not(error: OSError | ValueError, port: int) -> str:
    """Why a port cannot be listened on, and what to try."""
    if not isinstance(error, OSError):
        return "this is no name of a machine. 127.0.0.1 is for this machine only, 0.0.0.0 for all its addresses."
    privileged = isinstance(error, PermissionError) and 0 < port < _FIRST_FREE_PORT
    if error.errno == errno.EADDRINUSE or (isinstance(error, PermissionError) and not privileged):
        return "another program uses this port. Take another one; 0 takes any that is free."
    if privileged:
        return "ports below 1024 are for administrators. Take a higher one, such as 1884."
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, None):  # None: asyncio, from 3.13 on
        return "this machine has no such address. 127.0.0.1 is for this machine only, 0.0.0.0 for all its addresses."
    return f"{error.strerror or error}. Take another port; 0 takes any that is free."


def _is_for_all(fault: Fault) -> bool:
    return getattr(fault, "client", "") is None
