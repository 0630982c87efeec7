"""Lab: a broker, the network before it and clients, with one lifetime."""

from __future__ import annotations

import time
from contextlib import ExitStack
from inspect import signature
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from mqttkit._lifetime import adopt
from mqttkit._words import did_you_mean
from mqttkit.broker import Broker
from mqttkit.broker.remote import RemoteBroker
from mqttkit.client import Client
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.network import Network
from mqttkit.trace.records import BROKER
from mqttkit.url import environment_url, parse_url
from mqttkit.witness import WitnessedBroker

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from mqttkit.network.relay import Trouble
    from mqttkit.trace import Trace

FLUSH_SECONDS = 1.0


class Lab:
    """A laboratory for MQTT: it runs as soon as it is made, and ends with `close()` or its `with` block.

    ```python
    with Lab() as lab:
        alice = lab.client("alice")
        alice.subscribe("home/#")
        lab.client("bob").publish("home/kitchen/temperature", "21.5")
        print(alice.wait_for())
    ```

    Run again in the same notebook cell, it closes what its earlier run left open.

    Args:
        broker: a running Broker, or the URL of one; it is left running. None starts one of its own, unless the environment
            variable MQTTKIT_BROKER names one and no option below asks for more than that one can give.
        engine: "amqtt" (embedded) or "mosquitto" (a process, where installed; it also speaks MQTT 5).
        users: names and passwords of an own broker.
        access: rules of an own broker, who may publish and read what.
        tls: TLS listener of an own broker, see Broker; clients then use `lab.client(name, tls=lab.broker.ca)`.
        websocket: WebSocket listener of an own broker; clients then use `lab.client(name, transport="websockets")`.
        seed: of what the network does by chance.

    Attributes:
        broker: the broker.
        network: the relay that all clients of this lab go through, and that can be broken on purpose.
    """

    def __init__(
        self,
        broker: Broker | str | None = None,
        *,
        engine: str = "amqtt",
        users: Any = None,
        access: Any = None,
        tls: Any = None,
        websocket: bool = False,
        seed: int = 0,
    ) -> None:
        options = {"users": users, "access": access, "tls": tls, "websocket": websocket}
        own = engine != "amqtt" or any(options.values())
        if broker is not None and own:
            raise InvalidArgument(
                "A broker that is given has its own options. Leave out engine, users, access, tls and websocket."
            )
        given = broker or (None if own else environment_url())
        self._owns_broker = given is None
        self._clients: dict[str, Client] = {}
        self._closed = False
        self.broker: Broker = Broker(engine=engine, **options) if given is None else _as_broker(given)
        self.network = Network(self.broker, seed=seed)
        if isinstance(self.broker, WitnessedBroker):
            self.broker.trace = self.network.trace
        try:
            if self._owns_broker:
                self.broker.start()
            self.network.start()
        except BaseException:
            self.close()
            raise
        self.network.before_settling(self._flush)
        adopt(self)

    # --- what is in it
    @property
    def trace(self) -> Trace:
        """Every packet of every client of this lab; displays as a ladder."""
        return self.network.trace

    @property
    def url(self) -> str:
        """Where clients connect so that their packets are seen: the address of the network."""
        return self.network.url

    @property
    def urls(self) -> dict[str, str]:
        """That address by what clients speak: "mqtt", "mqtts", "ws", "wss", as far as the broker speaks it."""
        return self.network.urls

    @property
    def trouble(self) -> Trouble | None:
        """Why the newest connection did not reach the broker; None where it did. See `Network.trouble`."""
        return self.network.trouble

    @property
    def host(self) -> str:
        """Host name of that address, for a client that is not made by `client`."""
        return self.network.host

    @property
    def port(self) -> int:
        """Port of that address."""
        return self.network.port

    @property
    def closed(self) -> bool:
        """Whether `close` was called. A closed lab does not open again."""
        return self._closed

    @property
    def clients(self) -> list[Client]:
        """The clients made by `client`, those that were closed, too."""
        return list(self._clients.values())

    def client(self, name: str, **options: Any) -> Client:
        """A connected client `name`; an earlier client of that name in this lab is closed first.

        Args:
            name: its client id.
            options: as for Client; user and password of the broker's URL are used where none are given.
        """
        self._check_open()
        if name == BROKER:
            raise InvalidArgument(f'"{BROKER}" is what ladder and trace call the broker. Choose another client id.')
        _check_options(options)
        made = Client(self.network, name, **self._login(options))
        earlier = self._clients.pop(name, None)
        if earlier is not None:
            earlier.close()
        self._clients[name] = made
        try:
            return made.connect()
        except BaseException:
            self._clients.pop(name, None)
            raise

    def _check_open(self) -> None:
        if self._closed:
            raise MqttKitError("This lab is closed. Make a new one: lab = Lab().")

    def _login(self, options: dict[str, Any]) -> dict[str, Any]:
        """`options` with the user that the URL of a broker elsewhere holds."""
        if self._owns_broker or "username" in options:
            return options
        address = parse_url(self.broker.url)
        return {"username": address.username, "password": address.password, **options}

    def record(self) -> AbstractContextManager[Trace]:
        """`with lab.record() as story:` a trace of what happens in the block only, numbered from 1.

        Before the block and at its end, handshakes under way may finish (up to a second).
        """
        self._check_open()
        return self.network.record()

    def ladder(self) -> Any:
        """The trace as a live ladder: a widget that follows the packets, can pause, filter and explain them."""
        from mqttkit.widgets import Ladder

        return Ladder(self.trace)

    def _flush(self) -> None:
        """Return when every client has sent what it was asked to send, or after a second for all of them."""
        end = time.monotonic() + FLUSH_SECONDS
        for client in self.clients:
            client.flush(max(0.0, end - time.monotonic()))

    # --- its end
    def close(self) -> None:
        """Close the clients, the network and the broker (unless it was given); may be called again."""
        self.network.check_outside()
        self._closed = True
        with ExitStack() as rest:  # each part is closed, whatever another one says
            if self._owns_broker:
                rest.callback(self.broker.close)
            rest.callback(self.network.close)
            for client in reversed(self.clients):
                rest.callback(client.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            for client in self.clients:
                client.raise_kept()

    def __repr__(self) -> str:
        if self._closed:
            return "Lab, closed"
        names = [name for name, client in self._clients.items() if client.connected]
        return f"Lab, {self.broker.engine} broker, {'clients ' + ', '.join(names) if names else 'no clients'}"


def _check_options(options: dict[str, Any]) -> None:
    """Refuses what Client does not take, and names the nearest word that it does."""
    known = [*signature(Client).parameters][2:]  # after broker and client_id
    for word in options:
        if word not in known:
            hint = did_you_mean(word, known) or f" It takes {', '.join(known)}."
            raise InvalidArgument(f"A client has no option {word!r}.{hint}")


def _as_broker(given: Broker | str) -> Broker:
    """The broker of a lab; one that is known by its URL only answers from what the lab's network has seen."""
    if isinstance(given, RemoteBroker):
        return given if isinstance(given, WitnessedBroker) else WitnessedBroker(given.url)
    return WitnessedBroker(given) if isinstance(given, str) else given
