"""A real mosquitto for the client's tests: the client must be right on a broker that nobody here wrote."""

from __future__ import annotations

import _thread
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mqttkit import Client
from mqttkit.security import LessonCA
from support import need

_names = itertools.count(1)


@dataclass
class Mosquitto:
    """The URLs of its listeners, by kind."""

    ports: dict[str, int]
    ca: LessonCA | None = None
    clients: list[Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.ports['mqtt']}"

    def client(self, name="", **options) -> Client:
        client = Client(self.url, name or f"client{next(_names)}", **options).connect()
        self.clients.append(client)
        return client


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_until_listening(port: int, process: subprocess.Popen, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.01)
    pytest.fail(f"mosquitto does not listen on {port}")


@contextlib.contextmanager
def running(folder: Path, kinds: dict[str, list[str]], ca: LessonCA | None = None, more: tuple[str, ...] = ()):
    ports = {kind: free_port() for kind in kinds}
    lines = ["persistence false", *(more or ("allow_anonymous true",))]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        lines.append("user root")  # else it gives up root, and may not read the files of this test
    for kind, options in kinds.items():
        lines += [f"listener {ports[kind]} 127.0.0.1", *options]
    config = folder / f"mosquitto-{ports.get('mqtt', 0)}.conf"
    config.write_text("\n".join(lines) + "\n")
    command = [need("mosquitto"), "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for port in ports.values():
                wait_until_listening(port, process)
            yield Mosquitto(ports, ca)
        finally:
            process.terminate()


def tls_options(certificate) -> list[str]:
    return [f"cafile {certificate.ca}", f"certfile {certificate.certificate}", f"keyfile {certificate.key}"]


@pytest.fixture(scope="session")
def _mosquitto(tmp_path_factory):
    with running(tmp_path_factory.mktemp("mosquitto"), {"mqtt": []}) as broker:
        yield broker


@pytest.fixture
def mosquitto(_mosquitto):
    """One mosquitto for all tests; the clients of a test are closed after it."""
    _mosquitto.clients = []
    yield _mosquitto
    for client in _mosquitto.clients:
        client.close()


@pytest.fixture(scope="session")
def tls_broker(tmp_path_factory):
    """A plain listener, and TLS with a good, an expired and a wrong-host certificate and with client certificates."""
    ca = LessonCA(folder=tmp_path_factory.mktemp("ca"))
    good = tls_options(ca.server())
    kinds = {
        "mqtt": [],
        "good": good,
        "expired": tls_options(ca.expired()),
        "wrong_host": tls_options(ca.wrong_host()),
        "both": [*good, "require_certificate true"],
    }
    with running(tmp_path_factory.mktemp("tls"), kinds, ca) as broker:
        yield broker


@pytest.fixture(scope="session")
def strict_broker(tmp_path_factory):
    """Wants a name and password; bob may read only what is below bob/."""
    folder = tmp_path_factory.mktemp("strict")
    passwords, access = folder / "passwords", folder / "access"
    passwords.write_text("bob:secret\n")
    subprocess.run([shutil.which("mosquitto_passwd") or need("mosquitto_passwd"), "-U", passwords], check=True)
    access.write_text("user bob\ntopic readwrite bob/#\n")
    more = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {access}")
    with running(folder, {"mqtt": []}, more=more) as broker:
        yield broker


@pytest.fixture
def topic():
    """A topic that no other test uses."""
    return f"test/{next(_names)}"


@pytest.fixture
def answering():
    """`answering(function)` starts a server that is not a broker: function(sock) gets each connection; returns the port."""
    servers = []

    def serve_one(sock, answer):
        with sock, contextlib.suppress(OSError):
            sock.settimeout(3)
            answer(sock)

    def serve(server, answer):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = server.accept()
                threading.Thread(target=serve_one, args=(sock, answer), daemon=True).start()

    def start(answer) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(server, answer), daemon=True)
        thread.start()
        servers.append((server, thread))
        return server.getsockname()[1]

    yield start
    for server, thread in servers:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def interrupt_main_in(seconds: float) -> threading.Timer:
    """Ctrl-C in the main thread, as a notebook's interrupt button does it."""

    def interrupt():
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        else:
            _thread.interrupt_main()

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    return timer


@pytest.fixture
def ctrl_c():
    """`ctrl_c(seconds)` interrupts the main thread then."""
    return interrupt_main_in
