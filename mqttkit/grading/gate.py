"""A Unix socket that leads to the broker of the question being played: the only way out of a boxed kernel."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from mqttkit._sockets import accepted, shut, unix_server

CONNECTIONS = 64  # of one kernel at the same time
BOXED_PORT = 1883  # where the box shows the broker, on its own loopback


class UnixGate:
    """Passes connections on to the broker that is open now; refuses them while none is.

    Args:
        path: the Unix socket; the box forwards its loopback port to it.
    """

    def __init__(self, path: Path) -> None:
        self._target: tuple[str, int] | None = None
        self._pumps: list[threading.Thread] = []
        self._server = unix_server(path)
        threading.Thread(target=self._serve, name="mqttkit-gate", daemon=True).start()

    def open(self, host: str, port: int) -> str:
        """Lead to `host`:`port` from now on; the URL inside the box."""
        self._target = (host, port)
        return f"mqtt://127.0.0.1:{BOXED_PORT}"

    def shut(self) -> None:
        """Lead nowhere: the port of a broker that has ended may soon be somebody else's."""
        self._target = None

    def close(self) -> None:
        """Accept nothing any more."""
        self.shut()
        shut(self._server)

    def _serve(self) -> None:
        for inner in accepted(self._server):
            self._connect(inner)

    def _connect(self, inner: socket.socket) -> None:
        target = self._target
        self._pumps = [thread for thread in self._pumps if thread.is_alive()]
        try:
            if target is None or len(self._pumps) >= CONNECTIONS * 2:
                raise ConnectionRefusedError
            outer = socket.create_connection(target, timeout=2)
        except OSError:
            inner.close()
            return
        outer.settimeout(None)
        for source, sink in ((inner, outer), (outer, inner)):
            self._pumps.append(threading.Thread(target=pump, args=(source, sink), daemon=True))
            self._pumps[-1].start()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until either side ends, then end both, and close `source`: another pump closes `target`."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for link in (source, target):
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
    source.close()
