"""What mosquitto's log tells about clients, subscriptions and messages."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

from mqttkit.broker.state import Client, SessionState, Subscription
from mqttkit.message import Message

_CONNECTED = re.compile(r"New client connected from \S+ as (.+) \(p(\d), c(\d), k(\d+)(?:, u'(.*)')?\)\.")
_REFUSED = re.compile(r"Sending CONNACK to (.+) \(0, (?!0\))(\d+)\)")
_GONE = re.compile(r"Client (.+?) (disconnected.*|closed its connection|has exceeded timeout.*|already connected.*)\.")
_SUBSCRIBED = re.compile(r"\t(.+) \(QoS (\d)\)$")
_UNSUBSCRIBED = re.compile(r"\t(.+)$")
_PACKET = re.compile(r"Received (SUBSCRIBE|UNSUBSCRIBE) from (.+)$")
_PUBLISH = re.compile(r"Received PUBLISH from (.+) \(d\d, q(\d), r(\d), m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")
_DENIED = re.compile(r"Denied PUBLISH from (.+) \(d\d, q(\d), r(\d), m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)")


class LogReader:
    """Follows the log in a thread of its own.

    Args:
        emit: called with the events the log tells; a published payload is not among what it tells.
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._lines: deque[str] = deque(maxlen=50)
        self._lock = threading.Lock()
        self._connected: dict[str, Client] = {}
        self._known: dict[str, bool] = {}  # client id -> clean session
        self._subscriptions: dict[tuple[str, str], int] = {}
        self._packet: tuple[str, str] | None = None  # the SUBSCRIBE or UNSUBSCRIBE whose filters come next
        self._running = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, stream: IO[str]) -> None:
        """Read `stream` until its end."""
        self._ready, self._running = threading.Event(), threading.Event()
        self._lines.clear()
        self._thread = threading.Thread(target=self._read, args=(stream,), name="mqttkit-mosquitto-log", daemon=True)
        self._thread.start()

    def wait_until_running(self, timeout: float) -> bool:
        """True as soon as mosquitto runs; False when it ended, or after `timeout` seconds."""
        return self._ready.wait(timeout) and self._running.is_set()

    def last_words(self) -> str:
        """The error lines of a mosquitto that did not start."""
        lines = [line for line in self._lines if "Error" in line or "Unable" in line] or list(self._lines)[-3:]
        return " ".join(lines) or "it said nothing"

    def join(self, timeout: float) -> None:
        """Wait until the log has ended: nobody is connected then."""
        if self._thread is not None:
            self._thread.join(timeout)
        for client_id in list(self._connected):
            self._leave(client_id, "the broker stops")

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.append(line.strip())
                if line.rstrip().endswith("running"):
                    self._running.set()
                    self._ready.set()
                self._understand(line.rstrip("\n"))
        self._ready.set()

    def _understand(self, line: str) -> None:
        for pattern, action in self._ACTIONS:
            match = pattern.match(line)
            if match:
                action(self, *match.groups())
                return
        if line.startswith("Sending"):
            self._packet = None

    def _connect(self, name: str, protocol: str, clean: str, keep_alive: str, user: str | None) -> None:
        level = {"1": 3, "2": 4}.get(protocol, 5)
        with self._lock:
            if clean == "1":
                self._forget(name)
            self._known[name] = clean == "1"
            self._connected[name] = Client(name, user, clean == "1", int(keep_alive), level)
        self._emit("connect", name, f"keep alive {keep_alive} s")

    def _leave(self, name: str, why: str) -> None:
        with self._lock:
            gone = self._connected.pop(name, None)
            if gone is not None and gone.clean_session:
                self._forget(name)
        if gone is not None:
            self._emit("disconnect", name, "DISCONNECT" if why == "disconnected" else why)

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._subscriptions = {key: qos for key, qos in self._subscriptions.items() if key[0] != name}

    def _begin(self, packet: str, name: str) -> None:
        self._packet = (packet, name)

    def _filter(self, topic_filter: str, qos: str | None = None) -> None:
        if self._packet is None:
            return
        packet, name = self._packet
        with self._lock:
            if packet == "SUBSCRIBE" and qos is not None:
                self._subscriptions[name, topic_filter] = int(qos)
            elif packet == "UNSUBSCRIBE":
                self._subscriptions.pop((name, topic_filter), None)
        self._emit(packet.lower(), name, topic_filter + (f", QoS {qos}" if qos else ""))

    def _publish(self, name: str, qos: str, retain: str, topic: str) -> None:
        self._emit("publish", name, "", Message(topic, b"", int(qos), retain=retain == "1"))

    def _deny(self, name: str, qos: str, retain: str, topic: str) -> None:
        message = Message(topic, b"", int(qos), retain=retain == "1")
        self._emit("dropped", name, "not allowed to publish here", message)

    def _refuse(self, name: str, code: str) -> None:
        self._emit("refuse", name, f"CONNACK {code}")

    _ACTIONS = (
        (_CONNECTED, _connect), (_GONE, _leave), (_PACKET, _begin), (_SUBSCRIBED, _filter), (_UNSUBSCRIBED, _filter),
        (_DENIED, _deny), (_PUBLISH, _publish), (_REFUSED, _refuse),
    )  # fmt: skip

    # --- questions
    def clients(self) -> list[Client]:
        """Connected clients, by name."""
        with self._lock:
            return [self._connected[name] for name in sorted(self._connected)]

    def subscriptions(self) -> list[Subscription]:
        """Subscriptions, by client and in the order they were made."""
        with self._lock:
            found = [Subscription(name, topic_filter, qos) for (name, topic_filter), qos in self._subscriptions.items()]
        return sorted(found, key=lambda one: one.client_id)

    def sessions(self) -> list[SessionState]:
        """Sessions, by client."""
        with self._lock:
            return [
                SessionState(
                    name,
                    connected=name in self._connected,
                    clean_session=clean,
                    subscriptions=sum(key[0] == name for key in self._subscriptions),
                )
                for name, clean in sorted(self._known.items())
            ]
