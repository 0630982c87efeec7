"""One connection through the relay: the client's end, the broker's end, and a pipe for each direction."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from mqttkit.errors import MqttKitError
from mqttkit.network.end import End
from mqttkit.network.framing import Plain, WebSocket
from mqttkit.network.pipe import Pipe
from mqttkit.trace import Link, Wire

if TYPE_CHECKING:
    from mqttkit.network.faults import Fault
    from mqttkit.network.framing import Framing
    from mqttkit.network.relay import Relay

_TLS_HANDSHAKE = 0x16
_DIAL_TIMEOUT = 10.0  # seconds


class Connection:
    """A client's connection to the broker, as it passes through the relay (lives in the relay's thread)."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.loop = relay.loop
        self.link = Link(0)
        self._client = End(self, of_client=True)
        self._broker = End(self, of_client=False)
        self._client.other, self._broker.other = self._broker, self._client
        self._upward: Pipe | None = None
        self._downward: Pipe | None = None
        self._kind = "mqtt"
        self._over = False  # nothing is recorded any more
        self._aborted = False  # nothing is carried any more
        self._gone: set[str] = set()  # ends that closed while the link was silent
        self._dialling: asyncio.Task[None] | None = None

    @property
    def client_end(self) -> End:
        """The protocol object for the listening side."""
        return self._client

    # --- coming up

    def end_is_up(self, end: End, *, of_client: bool) -> None:
        """One of the two network connections stands."""
        if of_client:
            self._relay.opened(self)
        elif self._upward is not None and self._downward is not None:
            assert end.transport is not None
            assert self._client.transport is not None
            self._upward.attach(end.transport)
            self._downward.attach(self._client.transport)
            end.feed = self._downward.feed

    def sniff(self, data: bytes) -> None:
        """The first bytes tell what the client speaks: MQTT, WebSocket (an HTTP GET) or TLS."""
        self._kind, up, down = _what_is(data[0])
        self._upward = Pipe(self, to_broker=True, framing=up)
        self._downward = Pipe(self, to_broker=False, framing=down)
        self._client.feed = self._upward.feed
        self._dialling = self.loop.create_task(self._dial())
        self._dialling.add_done_callback(self._dialled)
        self._upward.feed(data)

    async def _dial(self) -> None:
        host, port = "", 0
        try:
            host, port, tls = self._relay.upstream(self._kind)
            dialled = self.loop.create_connection(
                lambda: self._broker, host, port, ssl=tls, server_hostname=host if tls else None
            )
            await asyncio.wait_for(dialled, _DIAL_TIMEOUT)
        except (OSError, asyncio.TimeoutError, MqttKitError) as error:
            self._unreachable(error, host, port)
            return
        except UnicodeError:  # such as two dots in a row: what can be no name is asked of nobody
            self._unreachable(socket.gaierror("this can be no name of a host"), host, port)
            return
        if not self._over:  # one that was refused meanwhile did not get through
            self._relay.trouble = None
        if self._aborted:
            self._broker.reset()
        elif self._over and self._upward is not None:
            self._upward.flush()

    def _dialled(self, _task: asyncio.Task[None]) -> None:
        self._dialling = None
        self._leave_if_gone()

    def _unreachable(self, error: Exception, host: str, port: int) -> None:
        late = TimeoutError(f"no answer within {_DIAL_TIMEOUT:g} s")
        told = error if isinstance(error, (OSError, MqttKitError)) else late
        self._relay.trouble = told if isinstance(told, MqttKitError) else (told, host, port)
        if not self._over:
            self.note("closed", f"the broker cannot be reached: {_why(error, host, port)}", who="broker")
        self._abort()

    def learn(self, wire: Wire) -> bool:
        """Takes client id, will and protocol from a CONNECT; False where the network refuses this client."""
        packet = self.link.connect = wire.packet
        self.link.protocol = packet.protocol
        self.link.client_id = packet.client_id or self.link.client_id
        self.link.will = packet.will
        self.link.will_delay = packet.will_properties.get("will_delay_interval", 0)
        self.link.clean_session = packet.clean_session is not False
        if any(fault.refuses(self.link) for fault in self.faults()):
            self.refuse()
            return False
        return True

    def refuse(self) -> None:
        """Ends a connection that may not come up."""
        self._relay.trouble = MqttKitError(
            f"The network refuses the connection of {self.link.name}, as a fault asks it to: see network.faults. "
            "network.heal() ends all faults."
        )
        self.note("refused", f"the network refuses the connection of {self.link.name}")
        self._abort()

    # --- what the pipes need

    def faults(self) -> tuple[Fault, ...]:
        """The faults that are active now."""
        return self._relay.faults

    def record(self, wire: Wire) -> None:
        """Writes a packet into every trace."""
        for trace in self._relay.traces:
            trace.record(wire)

    @property
    def is_watched(self) -> bool:
        """True where somebody wants to be told of every packet."""
        return bool(self._relay.watchers)

    def tell_watchers(self, wire: Wire) -> None:
        """A packet was recorded, and has gone out unless a fault took it."""
        for seen in self._relay.watchers:
            seen(wire)

    def note(self, kind: str, text: str, *, who: str = "network", data: bytes = b"") -> None:
        """Writes an event into every trace."""
        for trace in self._relay.traces:
            trace.note(kind, text, link=self.link, who=who, data=data)

    def is_silent(self) -> bool:
        """True while a fault keeps this link silent."""
        return any(fault.silences(self.link) for fault in self._relay.faults)

    def rate(self) -> float:
        """Bytes per second that this link may carry each way; 0 for no limit."""
        return min((rate for fault in self._relay.faults if (rate := fault.rate(self.link))), default=0.0)

    # --- going down

    def cut(self) -> None:
        """Cuts the connection on both sides, with TCP resets."""
        if self._over:
            return
        for pipe in (self._upward, self._downward):
            if pipe is not None:
                pipe.lose_held()
        self.note("cut", f"the connection of {self.link.name} is cut")
        self._abort()

    def end_is_gone(self, *, of_client: bool, error: Exception | None) -> None:
        """One end closed; the news travels on, unless the link is silent."""
        if not self._broker.is_open:
            self._relay.noticed(self)
        self._leave_if_gone()
        if self._over:
            return
        name = self.link.name if of_client else "broker"
        if self.is_silent():
            self._gone_unnoticed(name)
            return
        self._tell_closed(name)
        pipe = self._upward if of_client else self._downward
        if pipe is None or (error is not None and not pipe.said_goodbye):
            self._abort()
        else:
            self._end(keep=pipe)
            pipe.finish()

    def _leave_if_gone(self) -> None:
        if not (self._client.is_open or self._broker.is_open or self._dialling):
            self._relay.closed(self)

    def _gone_unnoticed(self, name: str) -> None:
        """An end closes while the link is silent: the other end does not learn of it."""
        if name not in self._gone and self._relay.is_running:
            broker = name == "broker"
            text = (
                f"the broker closes the connection, unheard by {self.link.name}"
                if broker
                else f"{name} closes its end, unheard"
            )
            self.note("closed" if broker else "left", text, who=name)
        self._gone.add(name)
        if len(self._gone) > 1:
            self._end()

    def _tell_closed(self, name: str) -> None:
        if self._relay.is_running and not self._gone:
            self.note("closed", f"{_the(name)} closes the connection", who=name)

    def healed(self) -> None:
        """A fault has ended: held packets go on, and the end of one side is told to the other."""
        for pipe in (self._upward, self._downward):
            if pipe is not None:
                pipe.release_held()
                if not self.rate():
                    pipe.end_of_limit()
        if self._gone and not self.is_silent():
            self._abort()

    def _abort(self) -> None:
        self._aborted = True
        self._end()
        self._client.reset()
        self.end_towards_broker()

    def end_towards_broker(self) -> None:
        """Ends the broker's side without DISCONNECT, so that it can be seen when the broker has noticed.

        A reset would be as abrupt, but nobody could tell when the broker has dealt with it; what other clients send
        meanwhile would meet a broker that knows, or does not know, by chance. The FIN makes the order certain.
        """
        transport = self._broker.transport
        if transport is None or transport.is_closing():
            return
        try:
            transport.write_eof()
        except (OSError, NotImplementedError):  # the broker was faster; or TLS, which has no half of an end
            self._leave_broker()
        else:
            self.broker_shall_notice()

    def broker_shall_notice(self) -> None:
        """Other clients' packets wait until the broker has ended this connection (for a moment at most)."""
        self._relay.shall_notice(self)

    def must_wait(self, pipe: Pipe) -> bool:
        """True while a packet to the broker must wait for it to notice the end of another connection."""
        return self._relay.must_wait(self, pipe)

    def give_up_waiting(self) -> None:
        """The broker has not ended its side in time: nothing waits for it any more."""
        if self._over:
            self._leave_broker()

    def _leave_broker(self) -> None:
        """Only what was cut is reset: a reset throws away what was sent before an orderly end."""
        if self._aborted:
            self._broker.reset()
        elif self._broker.transport is not None:
            self._broker.transport.close()

    def _end(self, keep: Pipe | None = None) -> None:
        self._over = True
        self._client.feed = self._broker.feed = _ignore
        for pipe in (self._upward, self._downward):
            if pipe is not None and pipe is not keep:
                pipe.drop()

    @property
    def is_over(self) -> bool:
        """True once the connection carries no more packets."""
        return self._over

    def close(self) -> None:
        """The relay shuts down."""
        self._aborted = True
        self._end()
        for end in (self._client, self._broker):
            if end.transport is not None:
                end.transport.abort()
        if self._dialling is not None:
            self._dialling.cancel()


def _ignore(data: bytes) -> None:
    """What arrives after the end of a connection concerns nobody."""


def _why(error: Exception, host: str, port: int) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {host} port {port}"
    return str(error) or type(error).__name__


def _the(name: str) -> str:
    return "the broker" if name in ("broker", "the broker") else name


def _what_is(first: int) -> tuple[str, Framing | None, Framing | None]:
    """(what the client speaks, framing to the broker, framing to the client)."""
    if first == ord("G"):
        return "ws", WebSocket(masked=True), WebSocket(masked=False)
    if first == _TLS_HANDSHAKE:
        return "mqtts", None, None
    return "mqtt", Plain(), Plain()
