"""A Unix socket that leads to the broker of the question being played: the only way out of a boxed kernel."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

BOXED_PORT = 1883  # where the box shows the broker, on its own loopback


class UnixGate:
    """Passes connections on to the broker that is open now; refuses them while none is.

    Args:
        path: the Unix socket; the box forwards its loopback port to it.
    """

    def __init__(self, path: Path) -> None:
        self._target: tuple[str, int] | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, name="mqttkit-gate", daemon=True).start()

    def open(self, host: str, port: int) -> str:
        """Lead to `host`:`port` from now on; the URL inside the box."""
        self._target = (host, port)
        return f"mqtt://127.0.0.1:{BOXED_PORT}"

    def close(self) -> None:
        """Accept nothing any more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                inner, _ = self._server.accept()
            except OSError:
                return
            self._connect(inner)

    def _connect(self, inner: socket.socket) -> None:
        try:
            assert self._target is not None, "no question is open"
            outer = socket.create_connection(self._target, timeout=2)
        except (OSError, AssertionError):
            inner.close()
            return
        outer.settimeout(None)
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=pump, args=(source, target), daemon=True).start()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until either side ends, then end both."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for link in (source, target):
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
