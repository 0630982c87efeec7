"""What mosquitto's log tells about clients, subscriptions and messages, in the words of the embedded engine."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, NamedTuple

from mqttkit.broker.state import ConnectedClient, NotTold, SessionState, Subscription, describe

_ARRIVED = re.compile(r"New connection from (\S+) on port (\d+)\.")
_CONNECTED = re.compile(r"New client connected from (\S+) as (.+) \(p(\d), c(\d), k(\d+)(?:, u'(.*)')?\)\.")
_WILL = re.compile(r"(Will) message specified")
_ANSWERED = re.compile(r"Sending CONNACK to (.+) \((\d), (\d+)\)")
_GONE = re.compile(r"Client (.+?) (disconnected.*|closed its connection|has exceeded timeout.*|already connected.*)\.")
_WITH_QOS = re.compile(r"(.+) \(QoS (\d)\)")
_PACKET = re.compile(r"Received (SUBSCRIBE|UNSUBSCRIBE) from (.+)$")
_PUBLISH = re.compile(r"Received PUBLISH from (.+) \(d\d, q(\d), r(\d), m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")
_DENIED = re.compile(r"Denied PUBLISH from (.+) \(d\d, q(\d), r(\d), m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")
_REASONS = {
    "disconnected": "DISCONNECT",
    "closed its connection": "connection lost",
    "has exceeded timeout, disconnecting": "silent for 1.5 times its keep alive",
    "already connected, closing old connection": "taken over by a new connection with the same client id",
}
_MOST_ARRIVED = 1000  # connections that have not said CONNECT yet; most never will
_REFUSALS = {"5": "wrong user name or password", "135": "wrong user name or password"}


class Told(NamedTuple):
    """A message as the log tells of it: without its payload."""

    topic: str
    payload: bytes | None
    qos: int
    retain: bool


class LogReader:
    """Follows the log in a thread of its own.

    Args:
        emit: called with the events the log tells; a published payload is not among what it tells.
        ended: called when the log ends, and with it mosquitto.
    """

    def __init__(self, emit: Callable[..., None], ended: Callable[[], None]) -> None:
        self._emit, self._ended = emit, ended
        self._lines: deque[str] = deque(maxlen=50)
        self._changed = threading.Condition()
        self._kinds: dict[int, str] = {}  # of listener, by its port
        self._arrived: dict[str, str] = {}  # address of a peer -> kind of listener
        self._connected: dict[str, ConnectedClient] = {}
        self._known: dict[str, bool] = {}  # client id -> clean session
        self._subscriptions: dict[tuple[str, str], int] = {}
        self._new: ConnectedClient | None = None  # accepted, its CONNACK comes next
        self._packet: tuple[str, str] | None = None  # the SUBSCRIBE, UNSUBSCRIBE or will whose topics come next
        self._running = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, stream: IO[str], ports: Mapping[str, int]) -> None:
        """Read `stream`, of a mosquitto with these listeners, until its end."""
        self._ready, self._running = threading.Event(), threading.Event()
        self._kinds = {port: kind for kind, port in ports.items()}
        self._lines.clear()
        self._thread = threading.Thread(target=self._read, args=(stream,), name="mqttkit-mosquitto-log", daemon=True)
        self._thread.start()

    def wait_until_running(self, timeout: float) -> bool:
        """True as soon as mosquitto runs; False when it ended, or after `timeout` seconds."""
        return self._ready.wait(timeout) and self._running.is_set()

    def is_telling(self) -> bool:
        """True when a listener of the event feed asks: the log cannot go on before it has its answer."""
        return threading.current_thread() is self._thread

    def wait_for_peer(self, address: str, timeout: float) -> None:
        """Wait until the log has told of a connection from `address`, and with it of all that was before."""
        with self._changed:
            self._changed.wait_for(lambda: address in self._arrived, timeout)
            self._arrived.pop(address, None)

    def last_words(self) -> str:
        """The error lines of a mosquitto that did not start."""
        lines = [line for line in self._lines if "Error" in line or "Unable" in line] or list(self._lines)[-3:]
        return " ".join(lines) or "it said nothing"

    def join(self, timeout: float) -> None:
        """Wait until the log has ended: nobody is connected then."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.append(line.strip())
                if line.rstrip().endswith("running"):
                    self._running.set()
                    self._ready.set()
                self._understand(line.rstrip("\n"))
        self._ready.set()
        for client_id in list(self._connected):
            self._leave(client_id, "the broker stops")
        self._ended()

    def _understand(self, line: str) -> None:
        if line.startswith("\t"):
            self._detail(line[1:])
            return
        for pattern, action in self._ACTIONS:
            match = pattern.match(line)
            if match:
                action(self, *match.groups())
                return
        if line.startswith("Sending"):
            self._packet = None

    # --- a client comes and goes
    def _arrive(self, address: str, port: str) -> None:
        with self._changed:
            self._arrived[address] = self._kinds.get(int(port), "mqtt")
            while len(self._arrived) > _MOST_ARRIVED:  # those that never said CONNECT
                del self._arrived[next(iter(self._arrived))]
            self._changed.notify_all()

    def _connect(self, address: str, name: str, *options: str) -> None:
        protocol, clean, keep_alive, user = options
        level = {"1": 3, "2": 4}.get(protocol, 5)
        self._new = ConnectedClient(
            name, user, clean == "1", int(keep_alive), level, self._arrived.pop(address, "mqtt")
        )

    def _specify_will(self, _: str) -> None:
        self._packet = ("WILL", "")

    def _answer(self, name: str, present: str, code: str) -> None:
        client, self._new, self._packet = self._new, None, None
        if code != "0":
            self._emit("refuse", name, _REFUSALS.get(code, f"CONNACK {code}"))
        elif client is not None:
            with self._changed:
                if client.clean_session:
                    self._forget(name)
                self._known[name] = client.clean_session
                self._connected[name] = client
            self._emit("connect", name, describe(client, present=present == "1"))

    def _leave(self, name: str, why: str) -> None:
        with self._changed:
            gone = self._connected.pop(name, None)
            if gone is not None and gone.clean_session:
                self._forget(name)
        if gone is not None:
            self._emit("disconnect", name, _REASONS.get(why, why))

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._subscriptions = {key: qos for key, qos in self._subscriptions.items() if key[0] != name}

    # --- its packets
    def _begin(self, packet: str, name: str) -> None:
        self._packet = (packet, name)

    def _detail(self, text: str) -> None:
        packet, name = self._packet or ("", "")
        wanted = _WITH_QOS.fullmatch(text)
        if packet == "WILL" and self._new is not None:
            self._new = replace(self._new, will_topic=text)
        elif packet == "SUBSCRIBE" and wanted:
            with self._changed:
                self._subscriptions[name, wanted[1]] = int(wanted[2])
            self._emit("subscribe", name, f"{wanted[1]}, QoS {wanted[2]}")
        elif packet == "UNSUBSCRIBE":
            with self._changed:
                self._subscriptions.pop((name, text), None)
            self._emit("unsubscribe", name, text)

    def _publish(self, name: str, qos: str, retain: str, topic: str) -> None:
        self._emit("publish", name, "", Told(topic, None, int(qos), retain == "1"))

    def _deny(self, name: str, qos: str, retain: str, topic: str) -> None:
        self._emit("dropped", name, "not allowed to publish here", Told(topic, None, int(qos), retain == "1"))

    _ACTIONS = (
        (_ARRIVED, _arrive), (_CONNECTED, _connect), (_WILL, _specify_will), (_ANSWERED, _answer), (_GONE, _leave),
        (_PACKET, _begin), (_DENIED, _deny), (_PUBLISH, _publish),
    )  # fmt: skip

    # --- questions
    def clients(self) -> list[ConnectedClient]:
        """Connected clients, by name."""
        with self._changed:
            return [self._connected[name] for name in sorted(self._connected)]

    def subscriptions(self) -> list[Subscription]:
        """Subscriptions, by client and in the order they were made."""
        with self._changed:
            found = [Subscription(name, topic_filter, qos) for (name, topic_filter), qos in self._subscriptions.items()]
        return sorted(found, key=lambda one: one.client_id)

    def sessions(self) -> list[SessionState]:
        """Sessions, by client, without what waits in them."""
        with self._changed:
            return [
                SessionState(
                    name,
                    connected=name in self._connected,
                    clean_session=clean,
                    subscriptions=sum(key[0] == name for key in self._subscriptions),
                    in_flight=NotTold(),
                    queued=NotTold(),
                    unreleased=NotTold(),
                )
                for name, clean in sorted(self._known.items())
            ]
