"""One direction of a connection: packets come in, faults are asked, packets go out in order."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from mqttkit.errors import MalformedPacket
from mqttkit.network.faults import Verdict
from mqttkit.network.framing import Plain
from mqttkit.network.legal import may_overtake
from mqttkit.packets import Splitter
from mqttkit.trace import Wire

if TYPE_CHECKING:
    import asyncio

    from mqttkit.network.connection import Connection
    from mqttkit.network.faults import Fault
    from mqttkit.network.framing import Framing


CONNECT, DISCONNECT = 0x10, 0xE0  # first bytes: type and flags 0
_GONE = "lost with the connection"


class Waiting(NamedTuple):
    """What goes out later: when, the bytes, and their packet (None for bytes that cannot be read)."""

    due: float
    earliest: float  # when it would be due without a limit of the bytes per second
    data: bytes
    wire: Wire | None


class Pipe:
    """Carries what comes from one end of a connection to the other."""

    def __init__(self, connection: Connection, *, to_broker: bool, framing: Framing | None) -> None:
        self._connection = connection
        self._to_broker = to_broker
        self._framing = framing  # None: bytes the relay cannot read, TLS for instance
        self._plain = isinstance(framing, Plain)
        self._splitter = Splitter()
        self._sink: asyncio.Transport | None = None
        self._early = bytearray()  # goes out as soon as it may
        self._unsent: list[Wire] = []  # packets that came before the far end was up
        self._queue: deque[Waiting] = deque()
        self._held: Wire | None = None
        self._latest: Wire | None = None
        self._cut_here = False  # a fault cuts the connection at the packet that was judged last
        self._busy_until = 0.0
        self._closing = False
        self._goodbye = False  # DISCONNECT has passed
        self._timer: asyncio.TimerHandle | None = None

    @property
    def said_goodbye(self) -> bool:
        """True when DISCONNECT has passed, or is on its way."""
        return self._goodbye

    def attach(self, sink: asyncio.Transport) -> None:
        """The far end is up: what came before goes out now."""
        self._sink = sink
        self._unsent.clear()
        self.flush()

    def feed(self, data: bytes) -> None:
        """Bytes came in from the near end."""
        if self._framing is None:
            self._carry_opaque(data)
            return
        handshake, mqtt, control = self._framing.unwrap(data)
        out = bytearray(self._aside(handshake))
        try:
            for raw in self._splitter.feed(mqtt):
                out += self._packet(raw)
                if self._connection.is_watched or self._cut_here:
                    self._write(bytes(out))
                    out.clear()
                    self._act_on_packet()
                if self._connection.is_over:
                    return
        except MalformedPacket as error:
            self._lose_step(error, out)
        self._write(bytes(out) + self._aside(control))

    def _aside(self, data: bytes) -> bytes:
        """What is no packet waits its turn, too: a close frame must not overtake what was sent before it."""
        return self._in_time(data, None, 0.0, 0.0) if data and not self._connection.is_silent() else b""

    def _act_on_packet(self) -> None:
        """What follows a packet at once, now that all before it has gone out."""
        if self._cut_here:
            self._connection.cut()
        if self._latest is not None:
            self._connection.tell_watchers(self._latest)

    def _lose_step(self, error: MalformedPacket, out: bytearray) -> None:
        """What comes is not MQTT: carry it unread, and say so."""
        reason = str(error).split(". ", 1)[0]
        self._connection.note("malformed", f"{self._sender()} sends what is not MQTT: {reason}", who=self._sender())
        if self._framing is not None:
            out += self._framing.wrap(self._splitter.pending) + self._framing.rest()
            self._framing = None

    def _sender(self) -> str:
        return self._connection.link.name if self._to_broker else "broker"

    def _carry_opaque(self, data: bytes) -> None:
        self._connection.note("bytes", "", who=self._sender(), data=data)
        if not self._connection.is_silent():
            self._write(self._in_time(data, None, 0.0, self._connection.rate()))

    # --- packets

    def _packet(self, raw: bytes) -> bytes:
        """Records one packet and returns the bytes that go out at once."""
        connection = self._connection
        wire = Wire(time.monotonic(), connection.link, raw, to_broker=self._to_broker)
        if raw[0] == CONNECT and self._to_broker and not connection.learn(wire):
            return b""
        self._latest = wire
        faults = connection.faults()
        if faults or self._held is not None:
            return self._judge(wire, faults)
        self._record(wire)
        return self._send(wire) if self._queue or not self._plain else raw

    def _judge(self, wire: Wire, faults: tuple[Fault, ...]) -> bytes:
        verdict = Verdict()
        for fault in faults:
            fault.judge(wire, verdict)
        _mark(wire, verdict)
        self._cut_here = verdict.cut
        if not wire.delivered:
            self._record(wire)
            return b""
        if verdict.hold and self._held is None:
            self._held = wire  # recorded when it goes on: the trace tells the order in which packets arrive
            return b""
        return self._deliver(wire, verdict)

    def _deliver(self, wire: Wire, verdict: Verdict) -> bytes:
        held = self._held
        overtakes = held is not None and may_overtake(held.packet, wire.packet)
        out = b"" if overtakes else self._release("kept its place: the standard fixes this order")
        self._record(wire)
        out += self._send(wire, verdict.delay, verdict.rate)
        for _ in range(verdict.copies - 1):
            copy = Wire(time.monotonic(), wire.link, wire.raw, to_broker=wire.to_broker, fault="duplicate")
            self._record(copy)
            out += self._send(copy, verdict.delay, verdict.rate)
        return out + self._release("overtaken: sent first, arrives second")

    def _record(self, wire: Wire) -> None:
        if self._sink is None:
            self._unsent.append(wire)
        self._connection.record(wire)
        self._goodbye |= wire.delivered and wire.raw[0] == DISCONNECT and self._to_broker

    def _release(self, fault: str, *, delivered: bool = True) -> bytes:
        """Lets the packet go on that was held back, if there is one."""
        held, self._held = self._held, None
        if held is None:
            return b""
        held.fault, held.delivered, held.time = fault, delivered, time.monotonic()
        self._record(held)
        return self._send(held) if delivered else b""

    def release_held(self) -> None:
        """The fault that held a packet back is healed: nothing came to overtake it."""
        self._write(self._release("not overtaken: nothing came after it"))

    def lose_held(self) -> None:
        """The connection ends with a packet held back."""
        self._release(_GONE, delivered=False)

    # --- sending in order

    def _send(self, wire: Wire, delay: float = 0.0, rate: float = 0.0) -> bytes:
        """Returns the bytes if they go out now; else puts them into the queue."""
        assert self._framing is not None
        return self._in_time(self._framing.wrap(wire.raw), wire, delay, rate)

    def _in_time(self, data: bytes, wire: Wire | None, delay: float, rate: float) -> bytes:
        now = time.monotonic()
        last = self._queue[-1] if self._queue else None
        earliest = max(now + delay, last.earliest if last else 0.0)
        due = max(earliest, last.due if last else 0.0)
        if rate:
            due = self._busy_until = max(due, self._busy_until) + len(data) / rate
        if due <= now and not self._queue:
            return data
        self._queue.append(Waiting(due, earliest, data, wire))
        self._start_timer()
        return b""

    def _write(self, data: bytes) -> None:
        if not data:
            return
        if self._sink is None or self._early or (self._to_broker and self._connection.must_wait(self)):
            self._early += data
        elif not self._sink.is_closing():
            self._sink.write(data)
            self._after_goodbye()

    def flush(self) -> None:
        """Sends what had to wait: for the far end, or for the broker to notice that somebody else has gone."""
        if self._sink is None or (self._to_broker and self._connection.must_wait(self)):
            return
        data, self._early = bytes(self._early), bytearray()
        if data and not self._sink.is_closing():
            self._sink.write(data)
            self._after_goodbye()
        self._close_when_empty()

    def _after_goodbye(self) -> None:
        if self._goodbye and not self._queue:  # DISCONNECT is not said while it waits behind slow packets
            self._connection.broker_shall_notice()

    def end_of_limit(self) -> None:
        """No limit holds any more: what waits because of one goes out now."""
        self._queue = deque(waiting._replace(due=waiting.earliest) for waiting in self._queue)
        self._busy_until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None and self._queue:
            wait = max(0.0, self._queue[0].due - time.monotonic())
            self._timer = self._connection.loop.call_later(wait, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._queue and self._queue[0].due <= now:
            self._write(self._queue.popleft().data)
        self._start_timer()
        self._close_when_empty()

    # --- ending

    def finish(self) -> None:
        """The near end has closed: closes the far end once all that is under way has gone out."""
        self.release_held()
        self._closing = True
        self._close_when_empty()

    def _close_when_empty(self) -> None:
        if not self._closing or self._queue or self._early or self._sink is None:
            return
        if self._to_broker:
            self._connection.end_towards_broker()
        else:
            self._sink.close()

    def drop(self) -> None:
        """The connection is gone: what was under way is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.lose_held()
        for wire in (*self._unsent, *(waiting.wire for waiting in self._queue)):
            if wire is not None and wire.delivered:
                wire.fault, wire.delivered = _GONE, False
        self._queue.clear()
        self._early = bytearray()  # what waited for another connection must not be written after the end


def _mark(wire: Wire, verdict: Verdict) -> None:
    """Writes on the packet what happens to it."""
    if verdict.cut or verdict.lost is not None:
        wire.fault, wire.delivered = verdict.lost or "lost in the cut", False
    elif verdict.delay:
        wire.fault = f"delayed {verdict.delay:g} s"
    elif verdict.rate:
        wire.fault = f"slowed to {verdict.rate:g} bytes/s"
