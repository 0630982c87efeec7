"""The corrected amqtt in a thread and an event loop of its own, so that a busy notebook cell does not stop it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from mqttkit.broker.embedded import report
from mqttkit.broker.embedded.broker import CorrectedBroker
from mqttkit.broker.options import NOT_RUNNING
from mqttkit.broker.state import ConnectedClient, RetainedMessage, SessionState, Subscription
from mqttkit.errors import BrokerError

if TYPE_CHECKING:
    from mqttkit.broker.embedded.session import Session
    from mqttkit.broker.embedded.wire import Publication
    from mqttkit.broker.options import Options

T = TypeVar("T")
_PATIENCE = 10.0  # seconds for anything asked of the broker's thread
logging.getLogger("amqtt").addHandler(logging.NullHandler())  # else amqtt writes into the learner's cell
logging.getLogger("transitions").addHandler(logging.NullHandler())


class EmbeddedEngine:
    """Starts and stops the broker's thread, and asks it questions.

    Args:
        options: listeners, users, access rules.
        emit: called in the broker's thread with everything that happens.
        off: corrections to leave out.
    """

    name = "amqtt"

    def __init__(self, options: Options, emit: Callable[..., None], off: Iterable[str] = ()) -> None:
        self._options, self._emit, self._off = options, emit, tuple(off)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._broker: CorrectedBroker | None = None
        self._sessions: list[Session] = []
        self._retained: dict[str, Publication] = {}

    def start(self) -> dict[str, int]:
        """Start; the port of each listener. A second start has the ports and persistent state of the first."""
        if self._loop is not None:
            raise BrokerError("A broker cannot be started while it stops (on_event). Start it in a cell.")
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._report_error)
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="mqttkit-broker", daemon=True)
        self._thread.start()
        try:
            ports = self._wait(self._open())
        except BaseException:
            self._end_thread()
            raise
        self._options = replace(self._options, ports=ports)
        return ports

    def stop(self, then: Callable[[], None]) -> None:
        """Stop; sessions of clean_session=False and retained messages are kept for the next start.

        Its last events tell of the stop: whoever hears them, or is told by `then`, can still ask.
        """
        if self._loop is None:
            return
        if threading.current_thread() is self._thread:
            raise BrokerError(
                "A broker cannot be stopped by a function that it calls itself (on_event). Stop it in a cell."
            )
        try:
            self._wait(self._close())
            then()
        finally:
            self._broker = None  # before its thread, which could not answer any more
            self._end_thread()

    # --- questions
    def alive(self) -> bool:
        """True while its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def clients(self) -> list[ConnectedClient]:
        """The connected clients."""
        return self._ask(report.clients)

    def subscriptions(self) -> list[Subscription]:
        """All subscriptions."""
        return self._ask(report.subscriptions)

    def retained(self) -> list[RetainedMessage]:
        """All retained messages."""
        return self._ask(report.retained)

    def sessions(self) -> list[SessionState]:
        """All sessions."""
        return self._ask(report.sessions)

    def _ask(self, question: Callable[[CorrectedBroker], T]) -> T:
        broker = self._broker
        if broker is None:
            raise BrokerError(NOT_RUNNING)
        if threading.current_thread() is self._thread:  # in a callback of the event feed
            return question(broker)

        async def answer() -> T:
            return question(broker)

        return self._wait(answer())

    # --- the thread
    async def _open(self) -> dict[str, int]:
        broker = CorrectedBroker.build(self._options, self._emit, self._off)
        await broker.begin(self._sessions, self._retained)
        self._broker = broker
        return broker.ports()

    async def _close(self) -> None:
        if self._broker is not None:
            await self._broker.shutdown()
            self._sessions, self._retained = self._broker.kept()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_PATIENCE)
        except concurrent.futures.TimeoutError:
            if future.done():  # since Python 3.11 this is the built-in TimeoutError, which the work itself may raise
                raise
            future.cancel()
            raise BrokerError(f"The broker's thread did not answer in {_PATIENCE:g} s. Restart the kernel.") from None

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def _end_thread(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)
        self._loop = self._thread = None

    def _report_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error nobody waits for goes to the event feed, not into a learner's cell."""
        self._emit("error", "", str(context.get("exception") or context.get("message")))
