"""The Broker of the lessons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from mqttkit._checks import check_timeout
from mqttkit._lifetime import adopt
from mqttkit.broker.arguments import (
    access_of,
    certificate_of,
    check_host,
    check_kind,
    check_max_inflight,
    check_ports,
    users_of,
)
from mqttkit.broker.events import EventFeed, Listener
from mqttkit.broker.options import KINDS, MAX_INFLIGHT, Options, local_address
from mqttkit.broker.state import BrokerEvent, ConnectedClient, RetainedMessage, SessionState, Subscription, Table
from mqttkit.errors import BrokerError, InvalidArgument, Timeout

if TYPE_CHECKING:
    from mqttkit.security import Access, Certificate, LessonCA, Users


class Engine(Protocol):
    """What runs behind a Broker."""

    name: str

    def start(self) -> dict[str, int]:
        """Start; the TCP port of each listener, by kind."""

    def stop(self, then: Callable[[], None], /) -> None:
        """Stop; what is persistent is kept for the next start. It can be asked until `then`, called at the end, returns."""

    def alive(self) -> bool:
        """Whether it runs still, after its start."""

    def clients(self) -> list[ConnectedClient]:
        """The connected clients."""

    def subscriptions(self) -> list[Subscription]:
        """All subscriptions."""

    def retained(self) -> list[RetainedMessage]:
        """All retained messages."""

    def sessions(self) -> list[SessionState]:
        """All sessions."""


class Broker:
    """A real MQTT broker, on this machine only unless told otherwise.

    ```python
    with Broker() as broker:
        print(broker.url)               # mqtt://127.0.0.1:43121
    ```

    Args:
        host: address to listen on; the default is reachable from this machine only.
        port: of the plain TCP listener; 0 takes any free port, None opens none.
        users: {name: password} or "NAME:PASSWORD" lines; nobody else may connect then.
        access: rules of who may publish, subscribe and receive what (see `mqttkit.security.Access`), or a file of them.
        tls: opens TLS listeners: True for a certificate of a new lesson CA (`broker.ca`), or a LessonCA, a Certificate,
            or a pair of PEM files (certificate, key).
        websocket: True opens WebSocket listeners too (ws, and wss with `tls`). Browsers let any page connect to them, also on
            this machine: for what is not for everybody's eyes, give `users`.
        tls_port: opens the TLS listener there; 0 takes any free port.
        ws_port: opens the WebSocket listener there.
        wss_port: opens the secure WebSocket listener there. With one of tls_port and wss_port, `tls` opens no other.
        engine: "amqtt" (embedded, MQTT 3.1.1) or "mosquitto" (a process of its own, also MQTT 5; must be installed).
        max_inflight: so many QoS 1 and 2 messages may be on their way to one client without its acknowledgement; the next wait in
            a queue. A larger number suits many messages over a slow network.
        open_: True lets a broker without users listen on an address that other machines can reach.

    Raises:
        BrokerError: an option makes no sense, or (in `start`) the broker cannot run.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int | None = 0,
        *,
        users: Users | Mapping[str, str] | Iterable[str] | None = None,
        access: Access | Mapping[str, Any] | Iterable[Any] | str | Path | None = None,
        tls: bool | LessonCA | Certificate | tuple[str | Path, str | Path] | None = None,
        websocket: bool = False,
        tls_port: int | None = None,
        ws_port: int | None = None,
        wss_port: int | None = None,
        engine: str = "amqtt",
        max_inflight: int = MAX_INFLIGHT,
        open_: bool = False,
        _off: Iterable[str] = (),
    ) -> None:
        host = check_host(host, guarded=users is not None or open_)
        given = check_ports({"port": port, "tls_port": tls_port, "ws_port": ws_port, "wss_port": wss_port})
        secured = "tls_port" in given or "wss_port" in given  # the caller says which TLS listeners there are
        self.certificate = certificate_of(tls, host) if tls or secured else None
        wanted = {
            "mqtt": given.get("port"),
            "mqtts": 0 if tls and not secured else given.get("tls_port"),
            "ws": given.get("ws_port", 0 if websocket else None),
            "wss": 0 if tls and websocket and not secured else given.get("wss_port"),
        }
        options = Options(
            host,
            {kind: number for kind, number in wanted.items() if number is not None},
            users_of(users) if users is not None else None,
            access_of(access) if access is not None else None,
            self.certificate,
            check_max_inflight(max_inflight),
        )
        feed = EventFeed()
        self._adopt_engine(_make_engine(engine, options, feed, _off), host, feed)

    def _adopt_engine(self, engine: Engine, host: str, feed: EventFeed | None = None) -> None:
        self._engine, self._host, self._feed = engine, host, feed or EventFeed()
        self._ports: dict[str, int] = {}
        self._running = False

    # --- its life
    @classmethod
    def at(cls, url: str) -> Broker:
        """Any other broker, such as `Broker.at("mqtts://user:password@host:8883")`; `start` and `close` do nothing."""
        from mqttkit.broker.remote import RemoteBroker

        return RemoteBroker(url)

    def start(self) -> Broker:
        """Start and return this broker; nothing happens when it runs already."""
        if not self.running:
            self.stop()  # one that has ended by itself is cleared away first
            adopt(self)  # before it listens: an earlier run of this cell may have the port
            self._ports = self._engine.start()
            self._running = True
            self._feed.emit("start", text=", ".join(self.urls))
        return self

    def stop(self) -> None:
        """Stop. Ports, retained messages and sessions of clean_session=False are there again after `start`."""
        if self._running:
            self._running = False
            try:
                self._engine.stop(partial(self._feed.emit, "stop"))
            except BaseException:
                self._running = self._engine.alive()  # it can be stopped again
                raise

    close = stop

    certificate: Certificate | None = None

    def restart(self) -> Broker:
        """Stop and start: every connection is cut, what is persistent stays."""
        self.stop()
        return self.start()

    def __enter__(self) -> Broker:  # noqa: PYI034 - Self is new in Python 3.11
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            self._feed.raise_kept()

    def __repr__(self) -> str:
        kinds = ", ".join(self._ports) if self._running else "stopped"
        return f"<Broker {self.engine}: {kinds}>"

    # --- where it is
    @property
    def engine(self) -> str:
        """amqtt, mosquitto or remote."""
        return self._engine.name

    @property
    def running(self) -> bool:
        """True between start and stop, unless it has ended by itself; always for a broker elsewhere."""
        return self._running and self._engine.alive()

    @property
    def host(self) -> str:
        """The address it listens on, as a client on this machine writes it."""
        return local_address(self._host)

    @property
    def ports(self) -> dict[str, int]:
        """TCP port by kind of listener: mqtt, mqtts, ws, wss."""
        return dict(self._ports)

    @property
    def port(self) -> int:
        """Port of the first listener."""
        return next(iter(self._started().values()))

    @property
    def urls(self) -> dict[str, str]:
        """URL by kind of listener."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return {kind: f"{kind}://{host}:{self._ports[kind]}" for kind in KINDS if kind in self._ports}

    @property
    def url(self) -> str:
        """URL of the first listener, such as mqtt://127.0.0.1:43121."""
        self._started()
        return next(iter(self.urls.values()))

    @property
    def ca(self) -> Path | None:
        """The file a client verifies the TLS listeners with; None without TLS or with a public authority."""
        return self.certificate.ca if self.certificate is not None else None

    def _started(self) -> dict[str, int]:
        if not self._ports:
            raise BrokerError("This broker has no address yet: start it with broker.start() or a with block.")
        return self._ports

    # --- what it knows
    def clients(self) -> list[ConnectedClient]:
        """The clients that are connected now."""
        return Table(ConnectedClient, self._engine.clients())

    def subscriptions(self) -> list[Subscription]:
        """Who has subscribed to what."""
        return Table(Subscription, self._engine.subscriptions())

    def retained(self) -> list[RetainedMessage]:
        """The retained messages."""
        return Table(RetainedMessage, self._engine.retained())

    def sessions(self) -> list[SessionState]:
        """What is remembered of each client, with all that waits for it."""
        return Table(SessionState, self._engine.sessions())

    # --- what happens
    def on_event(self, callback: Listener) -> Callable[[], None]:
        """Call `callback(event)` with everything that happens, in the broker's thread; the result ends that.

        A callback that fails is not called again; `events`, `wait_for_event` or the end of the `with` block raises its error.
        """
        if not callable(callback):
            raise InvalidArgument(f"on_event wants a function of one argument, the event, not {callback!r}.")
        return self._feed.listen(callback)

    def events(self, kind: str | None = None, client_id: str | None = None, *, since: int = 0) -> list[BrokerEvent]:
        """What happened so far (the last 10 000, or fewer with large payloads), of a kind, of a client, after event number `since`."""
        check_kind(kind)
        self._feed.raise_kept()
        return Table(BrokerEvent, self._feed.events(kind, client_id, since))

    def wait_for_event(
        self, kind: str, client_id: str | None = None, *, count: int = 1, timeout: float = 2.0
    ) -> list[BrokerEvent]:
        """Wait until `count` events of a kind (of a client) have happened. Raises Timeout after `timeout` seconds."""
        check_kind(kind)
        found = self._feed.wait_for(kind, client_id, count, check_timeout(timeout))
        self._feed.raise_kept()
        if len(found) < count:
            seen = ", ".join(str(event) for event in self._feed.events(None, client_id)[-5:]) or "nothing"
            raise Timeout(
                f"{kind!r} happened {len(found)} times, not {count}, in {timeout:g} s ({client_id or 'any client'}). Seen last: {seen}."
            )
        return found


def _make_engine(name: str, options: Options, feed: EventFeed, off: Iterable[str]) -> Engine:
    if not options.ports:
        raise BrokerError("This broker would have no listener. Give port=0, tls=True or websocket=True.")
    if name == "amqtt":
        from mqttkit.broker.embedded import EmbeddedEngine

        return EmbeddedEngine(options, feed.emit, off)
    if name == "mosquitto":
        from mqttkit.broker.mosquitto import MosquittoEngine

        return MosquittoEngine(options, feed.emit)
    raise BrokerError(
        f'There is no engine {name!r}. Use "amqtt" or "mosquitto", or Broker.at(url) for a broker elsewhere.'
    )
