"""A two-node cluster of an existing engine on this machine: two aedes brokers that share what they know through Redis.

    with Cluster() as cluster:
        print(cluster.urls)         # {"a": "mqtt://127.0.0.1:…", "b": "mqtt://127.0.0.1:…"}
        cluster.kill("a")           # node b still has the sessions and the retained messages

From a terminal: `python -m mqttkit.classroom.cluster`. Needs node 20, npm and redis-server. Redis keeps everything in memory
and listens on a socket in a folder that only this user may enter; it is then the single point of failure.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mqttkit._lifetime import adopt
from mqttkit.classroom.cluster.node import HERE, node_root, program
from mqttkit.classroom.cluster.part import Part
from mqttkit.errors import BrokerError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Cluster"]


class Cluster:
    """Two brokers, "a" and "b", that act as one. Use it in a `with` statement, or call `start` and `close`.

    Attributes:
        urls: address of each node that runs or ran; a node that is started again keeps its address.
        web_urls: the same for MQTT over WebSocket.
    """

    def __init__(self, *, timeout: float = 20.0) -> None:
        self.urls: dict[str, str] = {}
        self.web_urls: dict[str, str] = {}
        self._timeout = timeout
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._redis: Part | None = None
        self._nodes: dict[str, Part] = {}

    def start(self) -> Cluster:
        """Start Redis and both nodes. Raises BrokerError where a program is missing or does not start in time."""
        if self._folder is not None:
            return self
        adopt(self)
        try:
            self._start_redis()
            for name in ("a", "b"):
                self.start_node(name)
        except BaseException:
            self.close()
            raise
        return self

    def start_node(self, name: str) -> None:
        """Start node `name`, under its old address if it had one. Raises BrokerError where it runs already."""
        if name in self._nodes:
            raise BrokerError(f"Node {name} runs already.")
        ports = [url.rpartition(":")[2] for url in (self.urls.get(name, ":0"), self.web_urls.get(name, ":0"))]
        options = ["--id", name, "--port", ports[0], "--ws-port", ports[1], "--redis", self._socket]
        command = [program("node"), str(HERE / "broker.js"), *options]
        node = Part(command, env={**os.environ, "NODE_ROOT": str(node_root())})
        try:
            ready = json.loads(node.line_with('{"id"', self._timeout))
        except BaseException:
            node.end(at_once=True)
            raise
        self._nodes[name] = node
        self.urls[name] = f"mqtt://127.0.0.1:{ready['port']}"
        self.web_urls[name] = f"ws://127.0.0.1:{ready['ws_port']}"

    def kill(self, name: str) -> None:
        """End node `name` at once, as a power cut would: it says goodbye to nobody. Raises BrokerError where it does not run."""
        if name not in self._nodes:
            raise BrokerError(f"Node {name} does not run.")
        self._nodes.pop(name).end(at_once=True)

    def check(self) -> None:
        """Raises BrokerError where a part has ended by itself: which, its exit code, and what it said last."""
        parts = {} if self._redis is None else {"Redis": self._redis}  # first: nodes suffer from its end
        parts |= {f"Node {name}": node for name, node in self._nodes.items()}
        for name, part in parts.items():
            if (code := part.exit_code()) is not None:
                raise BrokerError(
                    f"{name} of the cluster has ended by itself (exit code {code}). It said: {part.said()}"
                )

    def close(self) -> None:
        """End both nodes and Redis."""
        for node in self._nodes.values():
            node.end()
        self._nodes.clear()
        if self._redis is not None:
            self._redis.end()
            self._redis = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cluster: {', '.join(f'node {name}' for name in sorted(self._nodes)) or 'stopped'}>"

    @property
    def _socket(self) -> str:
        if self._folder is None:
            raise BrokerError("The cluster is not running: call start() first.")
        return str(Path(self._folder.name) / "redis")

    def _start_redis(self) -> None:
        server = program("redis-server")
        self._folder = tempfile.TemporaryDirectory(prefix="mqttkit-")  # mode 0700: nobody else reaches the socket
        options = ["--port", "0", "--unixsocket", self._socket, "--save", "", "--appendonly", "no"]
        options += ["--dir", self._folder.name]
        self._redis = Part([server, *options], env=dict(os.environ))
        self._redis.line_with("ready to accept connections", self._timeout)
