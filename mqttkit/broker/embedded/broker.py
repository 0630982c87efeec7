"""amqtt's Broker with the corrections in its place: each subject is a class of its own, this one joins them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from amqtt.broker import Broker as StockBroker
from amqtt.errors import BrokerError as StockError

from mqttkit.broker.embedded.admission import Admission
from mqttkit.broker.embedded.corrections import without
from mqttkit.broker.embedded.delivery import Deliveries
from mqttkit.broker.embedded.filters import FilterIndex
from mqttkit.broker.embedded.handler import Handler
from mqttkit.broker.embedded.listening import Listening, amqtt_config
from mqttkit.broker.embedded.retained import Retained
from mqttkit.broker.embedded.session import Session
from mqttkit.broker.embedded.subscribing import Subscribing
from mqttkit.broker.embedded.sysinfo import SysTopics
from mqttkit.broker.embedded.wire import Publication
from mqttkit.broker.options import Options, cannot_listen
from mqttkit.errors import BrokerError

Emit = Callable[..., None]


class CorrectedBroker(
    Admission,
    Subscribing,
    Retained,
    Deliveries,
    SysTopics,
    Listening,
    StockBroker,  # type: ignore[misc]
):
    """amqtt 0.12.1 that does what MQTT 3.1.1 says. Lives in one event loop; everything but CONNECT is synchronous.

    Args:
        options: listeners, users, access rules.
        emit: called as emit(kind, client_id, text, publication) with everything that happens.
        off: names of corrections to leave out (for the tests of the corrections).
    """

    def __init__(self, options: Options, emit: Emit, off: Iterable[str] = ()) -> None:
        super().__init__(amqtt_config(options))
        self.options, self.emit = options, emit
        self.loop = asyncio.get_running_loop()
        self.index: FilterIndex[int] = FilterIndex()
        self.handlers: set[Handler] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self.session_type: type[Session] = without(Session, off)
        self.handler_type: type[Handler] = without(Handler, off)
        self.names_given = 0
        self.begin_counting()

    @classmethod
    def build(cls, options: Options, emit: Emit, off: Iterable[str] = ()) -> CorrectedBroker:
        """A broker without the corrections `off`."""
        kind: Any = without(cls, off)
        made: CorrectedBroker = kind(options, emit, off)
        return made

    async def begin(self, sessions: Iterable[Session], retained: Mapping[str, Publication]) -> None:
        """Start with what an earlier run kept."""
        try:
            await self.start()
        except StockError as error:
            await self.shutdown()  # the other listeners, which are open already
            cause = error.__cause__
            raise BrokerError(cannot_listen(self.options.host, self.options.ports, cause or error)) from cause
        self._retained_messages.update(retained)
        for session in sessions:
            self._sessions[session.client_id] = (session, None)
            for topic_filter, granted in session.subscriptions.items():
                self.index.add(topic_filter, session.client_id, granted)

    def kept(self) -> tuple[list[Session], dict[str, Publication]]:
        """What a restart must not lose: persistent sessions and retained messages."""
        sessions = [session for session, _ in self._sessions.values() if not session.clean_session]
        return sessions, dict(self._retained_messages)

    def session_of(self, client_id: str) -> Session | None:
        """What the broker remembers of a client; None when it knows nothing."""
        found: Session | None = self._sessions.get(client_id, (None, None))[0]
        return found
