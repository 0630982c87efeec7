"""One connection: bytes in, packets checked and answered in the order they came, batches of bytes out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler

from mqttkit.broker.embedded import wire
from mqttkit.broker.embedded.admission import Refused
from mqttkit.broker.embedded.checks import Checks, Connect
from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.receiving import Receiving
from mqttkit.broker.embedded.wire import Splitter, malformed
from mqttkit.errors import InvalidTopic, MalformedPacket

if TYPE_CHECKING:
    from mqttkit.broker.embedded.broker import CorrectedBroker
    from mqttkit.broker.embedded.links import TcpLink, WebSocketLink
    from mqttkit.broker.embedded.session import Session

CONNECT_TIMEOUT = 10.0  # seconds between opening a connection and its CONNECT
_TURNS = 5  # of the event loop in which what has arrived becomes packets, also over TLS and WebSocket
_LINGER = 2.0  # seconds that a closing connection may take to hand over its last bytes
_MOST_BUFFERED = 4 * 2**20  # bytes for a client that does not read, before it loses QoS 0 messages
_TOO_MUCH = 256 * 2**20  # and before it loses its connection


class Handler(Checks, Receiving, BrokerProtocolHandler):  # type: ignore[misc]
    """Serves one connection from its first byte to its end.

    Attributes:
        session: what the broker remembers of the client; None before CONNECT and after the end.
        ended: why the connection ended; None while it is open.
    """

    def __init__(self, broker: CorrectedBroker, link: TcpLink | WebSocketLink) -> None:
        # amqtt's own __init__ makes queues, locks and waiters that this handler does not need: 20 KiB per connection
        self.broker, self.link = broker, link
        self.session: Session | None = None
        self.ended: str | None = None
        self.connect: Connect | None = None
        self.checking: asyncio.Future[bool] | None = None  # whether its password is right
        self.heard = broker.loop.time()  # when the last packet came
        self._splitter = Splitter()
        self._out: list[bytes] = []
        self._timer: asyncio.Handle | None = None

    # --- the life of a connection
    async def serve(self) -> None:
        """Read until one side ends it."""
        self._timer = self.broker.loop.call_later(self.connect_timeout(), self.end, "no CONNECT arrived")
        try:
            while self.ended is None:
                data = await self.link.receive()
                if not data:
                    self.end("connection lost")
                elif self.ended is None:
                    await self._feed(data)
        except (MalformedPacket, InvalidTopic) as error:
            self._end_for(error)
        except Refused:
            pass  # told to the client and to the event feed already
        except Exception as error:  # noqa: BLE001 - whatever one client does to us, the others are served on
            self.broker.emit("error", self.client_id, f"{type(error).__name__}: {error}")
            self.end("an error inside the broker")
        finally:
            self.end("connection lost")

    @property
    def client_id(self) -> str:
        """The client's name; "" before CONNECT."""
        return self.connect.client_id if self.connect is not None else ""

    @corrects("MQTT-3.1.0-1", stock=lambda _self: 10**6)
    def connect_timeout(self) -> float:
        """A connection that sends no CONNECT is closed."""
        return CONNECT_TIMEOUT

    async def _feed(self, data: bytes) -> None:
        counters = self.broker.counters
        counters.bytes_in += len(data)
        for first, body in self._splitter.feed(data):
            counters.packets_in += 1
            self.heard = self.broker.loop.time()
            if self.connect is None:
                await self._first(first, body)
            else:
                self.dispatch(first >> 4, first & 15, body)
            if self.ended is not None:
                return

    async def _first(self, first: int, body: bytes) -> None:
        if first != wire.CONNECT << 4:
            raise malformed("the first packet is not CONNECT", "MQTT-3.1.0-1")
        self.connect = await self.broker.admit(self, body)
        self._splitter.largest = wire.LARGEST_PACKET

    def _end_for(self, error: Exception) -> None:
        self.end(f"protocol error: {str(error).splitlines()[0]}")

    def end(self, reason: str, *, clean: bool = False) -> None:
        """Close the connection, once; `clean` after DISCONNECT, when no will is sent [MQTT-3.14.4-3]."""
        if self.ended is not None:
            return
        self.ended = reason
        if self._timer is not None:
            self._timer.cancel()
        if self.checking is not None:
            self.checking.cancel()  # nobody waits for the answer any more
        try:
            self.broker.disconnected(self, reason, clean=clean)
        finally:  # whatever becomes of its will, the socket is closed
            self._flush()
            self.link.finish()
            self._timer = self.broker.loop.call_later(_LINGER, self.link.abort)

    def forget_timer(self) -> None:
        """The socket is closed: nothing is left to do later."""
        if self._timer is not None:
            self._timer.cancel()

    # --- keep alive
    def watch(self, keep_alive: int) -> None:
        """Begin to listen for silence; `keep_alive` in seconds, 0 for never."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        limit = self.silence_limit(keep_alive)
        if limit:
            self._timer = self.broker.loop.call_later(limit, self._check_silence, limit)

    @corrects("MQTT-3.1.2-24", stock=lambda _self, _keep_alive: 0.0)
    def silence_limit(self, keep_alive: int) -> float:
        """A client that is silent for one and a half times its keep alive is cut off."""
        return 1.5 * keep_alive

    def _check_silence(self, limit: float, turns: int = _TURNS) -> None:
        """Cut off a silent client; where the broker was held up, what has arrived meanwhile is read first."""
        left = self.heard + limit - self.broker.loop.time()
        if left > 0:
            self._timer = self.broker.loop.call_later(left, self._check_silence, limit)
        elif turns:
            self._timer = self.broker.loop.call_soon(self._check_silence, limit, turns - 1)
        else:
            self.end(f"silent for 1.5 times its keep alive ({limit:g} s)")

    # --- sending
    @property
    def congested(self) -> bool:
        """True while too much waits for this client."""
        return self.link.buffered > _MOST_BUFFERED

    def send(self, data: bytes) -> None:
        """Send a packet together with all others of this turn of the loop."""
        if not self._out:
            self.broker.loop.call_soon(self._flush)
        self._out.append(data)
        self.broker.counters.sent(data)

    def _flush(self) -> None:
        if self._out:
            data, self._out = b"".join(self._out), []
            self.broker.counters.bytes_out += len(data)
            self.link.write(data)
            if self.link.buffered > _TOO_MUCH:  # not even answers to its own packets are taken
                self.end("it does not read, and too much waits for it")
                self.link.abort()

    # --- packets
    def dispatch(self, packet_type: int, flags: int, body: bytes) -> None:
        """Check one packet and answer it."""
        self.refuse_server_packets(packet_type)
        self.refuse_second_connect(packet_type)
        self.refuse_flags(packet_type, flags)
        try:
            if packet_type == wire.PUBLISH:
                self.on_publish(flags, body)
            else:
                self._HANDLERS.get(packet_type, Handler._ignore)(self, body)
        except InvalidTopic as error:
            self.refuse_invalid_topic(error)

    @corrects("MQTT-4.7.1-2", stock=lambda _self, _error: None)
    def refuse_invalid_topic(self, error: InvalidTopic) -> None:
        """A topic that breaks a rule (empty, a wildcard in a wrong place) closes the connection."""
        self._end_for(error)

    def _ignore(self, body: bytes) -> None:
        """Stock amqtt: nothing."""

    def _on_subscribe(self, body: bytes) -> None:
        packet_id, wanted = self.read_subscribe(body)
        assert self.session is not None
        self.broker.subscribe(self, self.session, packet_id, wanted)

    def _on_unsubscribe(self, body: bytes) -> None:
        packet_id, filters = self.read_unsubscribe(body)
        assert self.session is not None
        self.broker.unsubscribe(self.session, filters)
        self.send(wire.acknowledge(wire.UNSUBACK << 4, packet_id))

    def _on_pingreq(self, body: bytes) -> None:
        self._refuse_body(body)
        self.send(bytes((wire.PINGRESP << 4, 0)))

    def _on_disconnect(self, body: bytes) -> None:
        self._refuse_body(body)
        self.end("DISCONNECT", clean=True)

    def _refuse_body(self, body: bytes) -> None:
        self.refuse_left_over(wire.Reader(body))

    _HANDLERS: dict[int, Any] = {  # noqa: RUF012 - never changed
        wire.PUBACK: Receiving.on_puback,
        wire.PUBREC: Receiving.on_pubrec,
        wire.PUBREL: Receiving.on_pubrel,
        wire.PUBCOMP: Receiving.on_pubcomp,
        wire.SUBSCRIBE: _on_subscribe,
        wire.UNSUBSCRIBE: _on_unsubscribe,
        wire.PINGREQ: _on_pingreq,
        wire.DISCONNECT: _on_disconnect,
    }
