"""A corner of one's own on a broker that others use, too: nobody in it hears the others, and it is left as it was found."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from mqttkit._sockets import accepted, shut
from mqttkit.client import Client
from mqttkit.errors import MqttKitError
from mqttkit.grading.prefix import Prefix
from mqttkit.packets import Splitter
from mqttkit.url import Address, environment_url, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

TIMEOUT = 5.0  # seconds for the broker to accept a connection
FAREWELL = 2.0  # seconds for the broker to end its sides of all connections
CHUNK = 65536  # bytes


class Corner:
    """Passes connections on to a broker, and gives every topic and client identifier a prefix that nobody else has.

    Where the broker of a school serves many learners at the same time, each check has its own corner: equal topics and client
    identifiers do not meet. At the end it takes back what was retained in it, and ends the sessions.

    Args:
        url: the broker: mqtt:// or mqtts://; its user and password are used for clients that have none.

    Attributes:
        url: where to connect, on this machine only.
    """

    def __init__(self, url: str) -> None:
        self._outside = url
        self._broker = parse_url(url)
        self._name = f"mqttkit-check-{secrets.token_hex(6)}"
        self._prefixes: list[Prefix] = []
        self._links: list[tuple[socket.socket, socket.socket]] = []  # (client's side, broker's side)
        self._carriers: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = str(Address(*self._server.getsockname()))

    def __enter__(self) -> Self:
        try:
            self._client("look").connect(timeout=TIMEOUT).disconnect()
        except BaseException:
            self._server.close()
            raise
        threading.Thread(target=self._serve, name="mqttkit-corner", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        shut(self._server)
        self._end_connections()
        with contextlib.suppress(MqttKitError):  # a broker that has gone, or refuses, cannot be tidied
            self._tidy()

    def _end_connections(self) -> None:
        """End the clients' sides, and see the broker end its own: then the wills are out, too."""
        for inner, _ in self._links:
            with contextlib.suppress(OSError):
                inner.shutdown(socket.SHUT_RDWR)
        end = time.monotonic() + FAREWELL
        for carrier in self._carriers:
            carrier.join(max(0.0, end - time.monotonic()))
        for _, outer in self._links:
            shut(outer)

    def _client(self, client_id: str) -> Client:
        return Client(self._outside, f"{self._name}-{client_id}")

    def _tidy(self) -> None:
        """Takes back retained messages with an empty one [MQTT-3.3.1-10], and sessions with a clean one [MQTT-3.1.2-6]."""
        retained = sorted({topic for prefix in self._prefixes for topic in prefix.retained})
        if retained:
            with self._client("tidy") as client:
                for topic in retained:
                    client.publish(topic, b"", qos=1, retain=True)
        for session in sorted({prefix.session for prefix in self._prefixes if prefix.session}):
            with Client(self._outside, session, clean_session=True):
                pass

    def _serve(self) -> None:
        for inner in accepted(self._server):
            carrier = threading.Thread(target=self._carry, args=(inner,), name="mqttkit-corner", daemon=True)
            self._carriers.append(carrier)
            carrier.start()

    def _carry(self, inner: socket.socket) -> None:
        """Both ways of one connection, until both sides have ended."""
        try:
            outer = self._dial()
        except OSError:
            shut(inner)
            return
        self._links.append((inner, outer))
        prefix = Prefix(self._name, self._broker.username, self._broker.password)
        self._prefixes.append(prefix)
        back = threading.Thread(target=_pump, args=(outer, inner, prefix.to_client), name="mqttkit-corner", daemon=True)
        back.start()
        _pump(inner, outer, prefix.to_broker)
        back.join()
        inner.close()
        outer.close()

    def _dial(self) -> socket.socket:
        at = self._broker
        link = socket.create_connection((at.host, at.port), timeout=TIMEOUT)
        if at.tls:
            link = ssl.create_default_context().wrap_socket(link, server_hostname=at.host)
        link.settimeout(None)
        if self._server.fileno() < 0:
            link.close()
            raise OSError("the corner has ended meanwhile")
        return link


def _pump(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
    """Carry packets until `source` ends; then `sink` is told that nothing more comes, and may still answer."""
    splitter = Splitter()
    with contextlib.suppress(OSError, MqttKitError):  # MqttKitError: what comes is no MQTT, as nobody could carry on
        while data := source.recv(CHUNK):
            sink.sendall(b"".join(map(change, splitter.feed(data))))
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def corner_of_the_named_broker() -> contextlib.AbstractContextManager[Corner | None]:
    """A corner on the broker that MQTTKIT_BROKER names; nothing where none is named, or one that speaks WebSocket only.

    Raises (on entry):
        ConnectError: no broker answers there, or it refuses; says what to try.
    """
    url = environment_url()
    return contextlib.nullcontext() if not url or parse_url(url).websocket else Corner(url)
