"""Network: what lies between the clients and a broker, seen and broken on purpose."""

from __future__ import annotations

import math
import ssl
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit._checks import check_timeout
from mqttkit._lifetime import adopt
from mqttkit._words import did_you_mean, in_words
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.network import faults as kinds
from mqttkit.network import faults_of_clients as of_clients
from mqttkit.network.matching import CONDITIONS, Match
from mqttkit.network.relay import Relay
from mqttkit.network.upstream import Target
from mqttkit.trace import Trace
from mqttkit.url import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.network.faults import Fault
    from mqttkit.network.relay import Trouble
    from mqttkit.network.script import Script, Step
    from mqttkit.packets import Packet
    from mqttkit.trace import Wire

_SETTLE = 1.0  # seconds
_LAST_PORT = 65535


class Network:
    """A relay between any clients and one broker: records every packet in `trace`, and breaks things on demand.

    Clients connect to `url` in place of the broker's. Whatever they speak goes through: MQTT 3.1.1 and 5, MQTT over
    WebSocket, and TLS, of which only the encrypted bytes can be seen.

    Every fault is active from the call on until its `heal()`, `network.heal()`, or the end of its `with` block.
    """

    def __init__(
        self,
        broker: Any,
        *,
        listen_host: str = "127.0.0.1",
        port: int = 0,
        trace: Trace | None = None,
        seed: int = 0,
        tls: ssl.SSLContext | str | PathLike[str] | None = None,
    ) -> None:
        """Prepares a network; `start()` or `with` opens it.

        Args:
            broker: a Broker, a URL such as "mqtts://host:8883", or (host, port).
            listen_host: where clients come in; the default is this machine only.
            port: 0 takes a free one.
            trace: where to record; the default is a new one.
            seed: of what happens by chance (`random_loss`).
            tls: towards an mqtts:// broker: a context, or the file with the certificate authority to trust.

        Raises:
            InvalidArgument: `broker` names none, or another argument makes no sense.
        """
        _check_options(listen_host, port, trace, seed, tls)
        self.trace = Trace() if trace is None else trace
        self.seed = seed
        self.listen_host = listen_host
        self._wanted_port = port
        self._target = Target(broker, tls)
        self._port: int | None = None
        self._relay: Relay | None = None
        self._flushes: list[Callable[[], None]] = []
        self._count = 0

    # --- life

    def start(self) -> Self:
        """Listens for clients and returns self."""
        if self._relay is None:
            adopt(self)  # before it listens: an earlier run of this cell may have the port
            relay = Relay(self._target.address, self.trace.links)
            relay.traces = (self.trace,)
            self._port = relay.start(self.listen_host, self._wanted_port)
            self._relay = relay
        return self

    def close(self) -> None:
        """Ends all connections and the relay; the trace stays. May be called again."""
        if self._relay is not None:
            self._relay.stop()
            self._relay = None  # not before: what is interrupted can be called again

    def check_outside(self) -> None:
        """Raises MqttKitError inside a function that the network calls, such as `where`: it cannot be closed there."""
        if self._relay is not None:
            self._relay.check_outside()

    @property
    def is_running(self) -> bool:
        """True between `start` and `close`."""
        return self._relay is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _running(self) -> Relay:
        if self._relay is None:
            raise MqttKitError("This network is not running. Call start() first, or use it in a with block.")
        return self._relay

    @property
    def trouble(self) -> Trouble | None:
        """Why the newest connection did not reach the broker; None where it did.

        Either an error with a sentence, or what the socket said, with host and port of the broker.
        """
        return None if self._relay is None else self._relay.trouble

    @property
    def host(self) -> str:
        """Where clients connect."""
        here = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only
        return here.get(self.listen_host, self.listen_host)

    @property
    def port(self) -> int:
        """Where clients connect."""
        if self._port is None:
            raise MqttKitError("This network has no port yet: it is not running. Call start() first.")
        return self._port

    @property
    def url(self) -> str:
        """Where clients connect, as mqtt://host:port."""
        return str(Address(self.host, self.port))

    @property
    def _place(self) -> str:
        return str(Address(self.host, self.port)).partition("://")[2]

    @property
    def urls(self) -> dict[str, str]:
        """Where clients connect, by what they speak: every kind that the broker speaks, all on one port."""
        return {kind: f"{kind}://{self._place}{self._target.path(kind)}" for kind in self._target.kinds}

    # --- faults

    @in_words()
    def lose(
        self,
        type: str | None = None,  # noqa: A002 - the standard's word
        *,
        to: str | None = None,
        sender: str | None = None,
        topic: str | None = None,
        qos: int | None = None,
        packet_id: int | None = None,
        nth: int | None = None,
        count: int | None = None,
        where: Callable[[Packet], bool] | None = None,
        client: str | None = None,
    ) -> Fault:
        """Loses packets: the receiver never gets them, the connection stays open.

        Args:
            type: packet type, such as "PUBACK"; None for every one.
            to: only to this receiver: a client id or "broker".
            sender: only from this sender: a client id or "broker".
            topic: only PUBLISH packets whose topic matches this filter.
            qos: only PUBLISH packets with this QoS.
            packet_id: only with this packet identifier.
            nth: only the n-th packet that fits, from 1.
            count: at most so many packets.
            where: any function of a `Packet` that returns True for those meant.
            client: only on the connections of this client, either way.

        Raises:
            InvalidArgument: a word that means nothing (the message names the nearest one) or a packet that cannot be.
        """
        return self._add(kinds.Lose(self, Match(type, to, sender, topic, qos, packet_id, nth, count, where, client)))

    @in_words(*CONDITIONS)
    def duplicate(self, type: str | None = None, **match: Any) -> Fault:  # noqa: A002
        """Delivers packets twice, as a network may that lost the first acknowledgement. Arguments: see `lose`."""
        return self._add(kinds.Duplicate(self, Match(type, **match)))

    @in_words(*CONDITIONS)
    def delay(self, seconds: float, type: str | None = None, **match: Any) -> Fault:  # noqa: A002
        """Delays packets by `seconds`; later ones wait behind them, as in TCP. Arguments: see `lose`."""
        return self._add(kinds.Delay(self, Match(type, **match), _positive("seconds", seconds)))

    @in_words(*CONDITIONS)
    def reorder(self, type: str | None = "PUBLISH", **match: Any) -> Fault:  # noqa: A002
        """Lets the next packet overtake, where the standard leaves the order open. Arguments: see `lose`."""
        return self._add(kinds.Reorder(self, Match(type, **match)))

    @in_words(*CONDITIONS)
    def random_loss(self, probability: float, type: str | None = None, **match: Any) -> Fault:  # noqa: A002
        """Loses packets by chance, the same ones for the same seed. Arguments: see `lose`."""
        if not isinstance(probability, (int, float)) or not 0 <= probability <= 1:
            raise InvalidArgument(f"A probability lies between 0 and 1, not at {probability!r}.")
        self._count += 1
        return self._add(kinds.RandomLoss(self, Match(type, **match), probability, f"{self.seed}:{self._count}"))

    @in_words(*(name for name in CONDITIONS if name != "client"))
    def cut(self, client: str | None = None, *, at: str | None = None, **match: Any) -> Fault:
        """Cuts the connections of `client` (None: of everybody) on both sides, at once and without a goodbye.

        With `at="PUBREC"` it waits for such a packet and cuts in place of carrying it. Other arguments: see `lose`.

        Raises:
            MqttKitError: this client has no open connection.
        """
        if at is not None or match:
            return self._add(kinds.CutAt(self, Match(at, client=client, **match)))
        done = self._running.call(self._cut_now, client)
        self._running.catch_up()  # the sockets are closed now: a client that connects again at once sees it
        fault = of_clients.Cut(self, client, done)
        fault.active = False
        return fault

    @in_words()
    def silence(self, client: str | None = None) -> Fault:
        """Keeps the connections of `client` (None: of everybody) silent: nothing passes, not even an end."""
        return self._add(of_clients.Silence(self, client))

    @in_words()
    def limit(self, bytes_per_second: float, client: str | None = None) -> Fault:
        """Carries at most so many bytes per second each way on each connection."""
        return self._add(of_clients.Limit(self, client, _positive("bytes_per_second", bytes_per_second)))

    @in_words()
    def refuse(self, client: str | None = None) -> Fault:
        """Lets no new connection up (None: of anybody); those that are up stay."""
        return self._add(of_clients.Refuse(self, client))

    def heal(self) -> None:
        """Ends every fault.

        Raises:
            InvalidArgument: the `where` function of one failed at a packet.
        """
        ended = self.faults
        for fault in ended:
            self.end_fault(fault)
        for fault in ended:
            fault.raise_error()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that are active."""
        return self._running.faults

    def _add(self, fault: Fault) -> Fault:
        relay = self._running
        relay.call(self._begin_fault, relay, fault)
        return fault

    def _begin_fault(self, relay: Relay, fault: Fault) -> None:
        for trace in relay.traces:
            trace.note("fault", fault.name)
        relay.faults = (*relay.faults, fault)

    def end_fault(self, fault: Fault) -> None:
        """Ends one fault, and writes into the trace what it did."""
        relay = self._relay
        if fault.active and relay is not None:
            relay.call(self._end_fault, relay, fault)
        fault.active = False

    def _end_fault(self, relay: Relay, fault: Fault) -> None:
        relay.faults = tuple(other for other in relay.faults if other is not fault)
        for trace in relay.traces:
            trace.note("healed", f"end of: {fault.name} ({fault.outcome()})")
        for connection in relay.open_connections():
            connection.healed()

    def _cut_now(self, client: str | None) -> int:
        chosen = [c for c in self._running.open_connections() if client in (None, c.link.name)]
        if not chosen and client is not None:
            names = sorted({c.link.name for c in self._running.open_connections()})
            raise MqttKitError(
                f"There is no open connection of {client!r} to cut.{did_you_mean(client, names)} "
                f"Open are: {', '.join(names) or 'none'}."
            )
        for connection in chosen:
            connection.cut()
        return len(chosen)

    def stranger(self, *names: str | None) -> str:
        """Says so if one of `names` is no client that was ever here; else ""."""
        known = sorted({link.name for link in list(self.trace.links.values())})
        for name in names:
            if name is not None and name not in (*known, "broker"):
                return f": no client {name!r} was here, only {', '.join(known) or 'nobody'}"
        return ""

    def script(self, *steps: Step) -> Script:
        """Runs steps one after the other, each at its time or after its packet (see `mqttkit.network.script`)."""
        from mqttkit.network.script import Script

        return Script(self, steps).start()

    def watch(self, seen: Callable[[Wire], None]) -> None:
        """Has `seen` called with every packet, in the relay's thread, when it has gone on."""
        relay = self._running
        relay.call(relay.watch, seen)

    def unwatch(self, seen: Callable[[Wire], None]) -> None:
        """Ends a `watch`."""
        relay = self._running
        relay.call(relay.unwatch, seen)

    def soon(self, seconds: float, act: Callable[[], None]) -> None:
        """Has `act` called once in the relay's thread, `seconds` from now."""
        relay = self._running
        if seconds > 0:
            relay.call(relay.loop.call_later, seconds, act)
        else:
            relay.call(relay.loop.call_soon, act)  # before anything that arrives later, a timer would be too late

    # --- traces

    @contextmanager
    def record(self) -> Iterator[Trace]:
        """A trace of what happens in the block, numbered from 1; at its end handshakes under way may finish."""
        relay = self._running
        self.settle(_SETTLE)
        story = self.trace.window()
        relay.call(self._tap, relay, story)
        try:
            yield story
            self.settle(_SETTLE, story)
        finally:
            if self._relay is relay:
                relay.call(self._untap, relay, story)

    def _tap(self, relay: Relay, trace: Trace) -> None:
        relay.traces = (*relay.traces, trace)

    def _untap(self, relay: Relay, trace: Trace) -> None:
        relay.traces = tuple(other for other in relay.traces if other is not trace)

    def before_settling(self, flush: Callable[[], None]) -> None:
        """Has `flush` called before every `settle`: it returns when clients have sent what they were asked to."""
        self._flushes.append(flush)

    def settle(self, timeout: float = _SETTLE, trace: Trace | None = None) -> bool:
        """Waits until every handshake ended, or a fault explains why it cannot; False where time ran out."""
        check_timeout(timeout)
        for flush in self._flushes:
            flush()
        self._running.catch_up()
        return (trace or self.trace).settle(timeout)

    def __repr__(self) -> str:
        if self._relay is None:
            return "<Network: not running>"
        names = [connection.link.name for connection in self._relay.call(self._relay.open_connections)]
        return f"<Network: clients {', '.join(names) or 'none'}; faults {', '.join(f.name for f in self.faults) or 'none'}>"


def _check_options(host: Any, port: Any, trace: Any, seed: Any, tls: Any) -> None:
    if not isinstance(host, str):
        raise InvalidArgument(f"listen_host={host!r} must be an address of this machine, such as 127.0.0.1.")
    if not isinstance(port, int) or not 0 <= port <= _LAST_PORT:
        raise InvalidArgument(
            f"port={port!r} makes no sense: a port is a number from 0 (any free one) to {_LAST_PORT}."
        )
    if trace is not None and not isinstance(trace, Trace):
        raise InvalidArgument(f"trace={trace!r} must be a Trace.")
    if not isinstance(seed, int):
        raise InvalidArgument(f"seed={seed!r} must be a whole number.")
    if tls is not None and not isinstance(tls, ssl.SSLContext) and not (_is_path(tls) and Path(tls).is_file()):
        raise InvalidArgument(f"tls={tls!r} is no file with a certificate authority, and no ssl.SSLContext.")


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, PathLike))


def _positive(name: str, value: float) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidArgument(f"{name}={value!r} makes no sense: give a number above 0.")
    return float(value)
