"""What other protocols put on the wire for the same reading, counted on real sockets where there is a real peer.

Lesson 9 measures MQTT against HTTP, WebSocket and AMQP with these functions. TCP's own headers are not counted: they are the
same for all.
"""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from mqttkit._sockets import shut
from mqttkit.packets import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 10.0


class Counter:
    """A one-to-one TCP relay on loopback that counts the bytes of both directions.

    Attributes:
        port: where to connect instead of the real server.
        up, down: bytes towards the server, and back.
        connections: how many were opened.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._done: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.up = self.down = self.connections = 0
        threading.Thread(target=self._accept, name="mqttkit counter", daemon=True).start()

    @property
    def total(self) -> int:
        """Bytes of both directions so far."""
        return self.up + self.down

    def wait(self) -> None:
        """Return when every connection opened so far has ended, so that all bytes are counted."""
        for both in self._done:
            both.join(_TIMEOUT)

    def close(self) -> None:
        """Take no more connections."""
        shut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self._server_port), timeout=_TIMEOUT)
            both = threading.Thread(target=self._serve, args=(near, far), daemon=True)
            self._done.append(both)
            both.start()

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on in both directions until both have ended."""
        with near, far:
            up = threading.Thread(target=self._pump, args=(near, far, "up"), daemon=True)
            up.start()
            self._pump(far, near, "down")
            up.join(_TIMEOUT)

    def _pump(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        source.settimeout(_TIMEOUT)
        try:
            while data := source.recv(65536):
                setattr(self, direction, getattr(self, direction) + len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # the other side is gone: nothing more to count
            target.close()


class _Silent(http.server.BaseHTTPRequestHandler):
    """Takes a POST and answers with the shortest legal answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(204)  # without the Date and Server lines that most servers add
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _http_server() -> Iterator[Counter]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    counter = Counter(server.server_port)
    try:
        yield counter
    finally:
        counter.close()
        server.shutdown()
        server.server_close()


def count_http(payload: bytes, *, path: str, messages: int = 10, keep: bool = True) -> dict[str, int]:
    """Send `payload` by HTTP POST and count every byte of the connection, both directions.

    The server answers with the bare minimum; real ones say more.

    Args:
        payload: the body of each POST.
        path: of the URL.
        messages: how many are sent.
        keep: True sends them over one connection; False makes a new one for each, and says "Connection: close".

    Returns:
        "each message": bytes of one POST and its answer, "total": bytes of `messages` of them,
        "connections": how many were opened.
    """
    headers = {} if keep else {"Connection": "close"}
    with _http_server() as counter:
        connection = http.client.HTTPConnection("127.0.0.1", counter.port, timeout=_TIMEOUT)
        for _ in range(messages):
            connection.request("POST", path, payload, headers)
            connection.getresponse().read()
            if not keep:
                connection.close()  # the next request opens a new one
        connection.close()
        counter.wait()
        return {"each message": counter.total // messages, "total": counter.total, "connections": counter.connections}


def count_websocket(payload: bytes) -> dict[str, int]:
    """Send `payload` once over a WebSocket of the `websockets` library, without compression.

    Returns:
        "handshake": bytes of the HTTP upgrade, both directions; "each message": bytes of one frame.
    """
    from websockets.sync.client import connect
    from websockets.sync.server import ServerConnection, serve

    def echo(connection: ServerConnection) -> None:
        for _ in connection:
            connection.send(b"")

    with serve(echo, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        counter = Counter(server.socket.getsockname()[1])
        with connect(f"ws://127.0.0.1:{counter.port}", compression=None) as client:
            handshake, before = counter.total, counter.up
            client.send(payload)
            client.recv(timeout=_TIMEOUT)
            frame = counter.up - before
        counter.close()
        server.shutdown()
    return {"handshake": handshake, "each message": frame}


def amqp_publish(payload: bytes, *, topic: str) -> bytes:
    """The three frames of an AMQP 0-9-1 publish to the exchange amq.topic (method, content header, body; section 4.2)."""
    exchange, key = b"amq.topic", topic.encode()
    method = struct.pack("!HHH", 60, 40, 0) + bytes([len(exchange)]) + exchange + bytes([len(key)]) + key + b"\0"
    header = struct.pack("!HHQH", 60, 0, len(payload), 0)
    return b"".join(_amqp_frame(kind, body) for kind, body in ((1, method), (2, header), (3, payload)))


def _amqp_frame(kind: int, body: bytes) -> bytes:
    return struct.pack("!BHI", kind, 1, len(body)) + body + b"\xce"


@dataclass(frozen=True)
class Framing:
    """Bytes per message of each protocol; shows itself as a table."""

    rows: tuple[tuple[str, int, int], ...]
    """(protocol, bytes of one message, of which are not payload)"""

    def __repr__(self) -> str:
        head = f"{'':<28}{'one message':>12}{'not payload':>13}"
        return "\n".join([head, *(f"{name:<28}{total:>12}{extra:>13}" for name, total, extra in self.rows)])


def framing(payload: bytes, *, topic: str) -> Framing:
    """Measure one message with `payload` under `topic`: MQTT, WebSocket, AMQP, HTTP; acknowledgements not counted."""
    mqtt = encode("PUBLISH", topic=topic, payload=payload, qos=0)
    websocket = count_websocket(payload)["each message"]
    web_mqtt = count_websocket(mqtt)["each message"]
    http_post = count_http(payload, path="/" + quote(topic))["each message"]
    sizes = {
        "MQTT, QoS 0": len(mqtt),
        "WebSocket, payload alone": websocket,
        "MQTT inside WebSocket": web_mqtt,
        "AMQP 0-9-1": len(amqp_publish(payload, topic=topic)),
        "HTTP POST and its answer": http_post,
    }
    return Framing(tuple((name, size, size - len(payload)) for name, size in sizes.items()))
