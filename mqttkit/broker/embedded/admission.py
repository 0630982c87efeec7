"""CONNECT: who is let in, whose session they get, and what happens to a connection they replace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mqttkit.broker.embedded.checks import Connect, UnsupportedProtocol
from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.session import Session
from mqttkit.broker.embedded.wire import Publication, connack, frame
from mqttkit.broker.state import describe
from mqttkit.errors import MqttKitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.broker.embedded.handler import Handler
    from mqttkit.broker.embedded.sysinfo import Counters

ACCEPTED, WRONG_PROTOCOL, WRONG_IDENTIFIER, NOT_AUTHORIZED = 0, 1, 2, 5
_MQTT5 = 5
_ADVICE = 'This broker speaks MQTT 3.1.1. For MQTT 5 use Broker(engine="mosquitto").'


class Refused(MqttKitError):
    """A CONNECT that is answered with a refusal; the connection is closed then [MQTT-3.2.2-5]."""


class Admission:
    """The part of the broker that opens and ends sessions."""

    if TYPE_CHECKING:
        loop: asyncio.AbstractEventLoop
        options: Any
        emit: Any
        index: Any
        session_type: type[Session]
        names_given: int
        _sessions: dict[str, tuple[Session, Any]]
        counters: Counters

        may_receive: Callable[[Session, Publication], bool]
        publish_will: Callable[[Session, Publication], None]
        session_of: Callable[[str], Session | None]
        retained_at_connect: Callable[[Session], None]

    # --- CONNECT
    async def admit(self, handler: Handler, body: bytes) -> Connect:
        """Answer a CONNECT packet; raise Refused (after CONNACK) or MalformedPacket (without)."""
        try:
            connect = handler.read_connect(body)
        except UnsupportedProtocol as error:
            handler.send(self.refuse_protocol(error.level))
            mqtt_5 = "MQTT 5, and this engine speaks MQTT 3.1.1: mosquitto speaks both"
            self._refuse(handler, "", mqtt_5 if error.level == _MQTT5 else f"MQTT protocol level {error.level}")
        if not connect.client_id:
            connect.client_id = self._name_for(handler, connect)
        if not self.login_before_takeover():
            self._take_over(connect)
        await self._login(handler, connect)
        if handler.ended is not None:
            raise Refused(handler.ended)  # left while its password was checked: it takes nobody's place
        self._take_over(connect)
        self._open_session(handler, connect)
        return connect

    @corrects("MQTT-3.1.2-2", stock=lambda _self, _level: connack(WRONG_PROTOCOL))
    def refuse_protocol(self, level: int) -> bytes:
        """An MQTT 5 client is told in MQTT 5 what is wrong: reason code 0x84 and what to use."""
        if level != _MQTT5:
            return connack(WRONG_PROTOCOL)
        text = _ADVICE.encode()
        properties = b"\x1f" + len(text).to_bytes(2, "big") + text  # 0x1F: Reason String
        return frame(0x20, bytes((0, 0x84, len(properties))) + properties)

    def _name_for(self, handler: Handler, connect: Connect) -> str:
        """A name for a client that gives none [MQTT-3.1.3-6]; it must not want to be remembered [MQTT-3.1.3-7]."""
        if not connect.clean_session or connect.protocol == 3:  # noqa: PLR2004 - MQTT 3.1 always needs a name
            handler.send(connack(WRONG_IDENTIFIER))
            self._refuse(handler, "", "an empty client id needs clean_session=True [MQTT-3.1.3-8]")
        while True:
            self.names_given += 1
            name = f"auto-{self.names_given}"
            if name not in self._sessions:
                return name

    def _refuse(self, handler: Handler, client_id: str, reason: str) -> None:
        self.emit("refuse", client_id, reason)
        handler.end(f"refused: {reason}", clean=True)
        raise Refused(reason)

    async def _login(self, handler: Handler, connect: Connect) -> None:
        users = self.options.users
        if users is None:
            return
        handler.checking = self.loop.run_in_executor(None, users.accept, connect.username, connect.password)
        try:
            accepted = await handler.checking
        except asyncio.CancelledError:
            raise Refused(handler.ended or "the broker stops") from None
        if not accepted:
            handler.send(connack(NOT_AUTHORIZED))
            who = f"user {connect.username!r}" if connect.username else "no user name"
            self._refuse(handler, connect.client_id, f"wrong user name or password ({who})")

    @corrects("MQTT-3.1.4-2", stock=lambda _self: False)
    def login_before_takeover(self) -> bool:
        """A client that is refused never harms the one that is connected under its name."""
        return True

    # --- take-over
    def _take_over(self, connect: Connect) -> None:
        """End the connection that has the same client id, if there is one."""
        _, handler = self._sessions.get(connect.client_id, (None, None))
        if handler is not None and self.replaces(connect):
            handler.end("taken over by a new connection with the same client id")

    @corrects("MQTT-3.1.4-2", stock=lambda _self, connect: not connect.clean_session)
    def replaces(self, connect: Connect) -> bool:
        """A second connection with the same client id ends the first, whatever its clean session."""
        return bool(connect.client_id)

    def _open_session(self, handler: Handler, connect: Connect) -> None:
        old = self.session_of(connect.client_id)
        present = old is not None and not connect.clean_session
        if old is not None and not present:
            self.forget(old)
        session = old if old is not None and present else self.session_type(connect.client_id)
        session.clean_session, session.parent = connect.clean_session, int(present)
        session.max_inflight = self.options.max_inflight
        session.username, session.keep_alive = connect.username, connect.keep_alive
        self._sessions[connect.client_id] = (session, handler)
        handler.session, handler.connect = session, connect
        self.counters.connected()
        handler.send(connack(ACCEPTED, session_present=present))
        handler.watch(connect.keep_alive)
        self.emit("connect", connect.client_id, describe(connect, present=present))
        session.keep_only(lambda message: self.may_receive(session, message))
        session.resume(handler)
        self.retained_at_connect(session)

    # --- the end
    def disconnected(self, handler: Handler, reason: str, *, clean: bool) -> None:
        """A connection has ended: send its will unless it said goodbye, and keep or forget its session."""
        session, connect = handler.session, handler.connect
        if session is None or connect is None:
            return
        handler.session = None
        self.counters.clients -= 1
        if session.link is handler:
            session.suspend()
            self._sessions[connect.client_id] = (session, None)
            if not self.keeps_session(session):
                self.forget_at_once(session)
        self.emit("disconnect", connect.client_id, reason)
        if connect.will_topic and not clean:
            will = Publication(connect.will_topic, connect.will_payload, connect.will_qos, retain=connect.will_retain)
            self.publish_will(session, will)

    @corrects("MQTT-3.1.2-4", stock=lambda _self, session: not session.clean_session and bool(session.username))
    def keeps_session(self, session: Session) -> bool:
        """A session of clean_session=False is kept, with or without a user name."""
        return not session.clean_session

    @corrects("MQTT-3.1.2-6", stock=lambda _self, _session: None)  # amqtt: within a second, when its monitor comes by
    def forget_at_once(self, session: Session) -> None:
        """A clean session ends with its connection: whoever comes back a moment later finds nothing."""
        self.forget(session)

    def forget(self, session: Session) -> None:
        """End a session: its subscriptions and deliveries are gone."""
        self.index.remove_key(session.client_id)
        if self.session_of(session.client_id) is session:
            del self._sessions[session.client_id]
