"""Brokers for the client's tests: each engine in turn."""

from __future__ import annotations

import _thread
import contextlib
import itertools
import signal
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache

import pytest

from mqttkit import Broker, Client
from mqttkit.security import LessonCA
from support.labs import ENGINES, installed

_names = itertools.count(1)


@dataclass
class Running:
    """Where a broker is that runs for all tests, and the clients of one test."""

    broker: Broker
    clients: list[Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.broker.url

    def client(self, name="", **options) -> Client:
        client = Client(self.url, name or f"client{next(_names)}", **options).connect()
        self.clients.append(client)
        return client


@pytest.fixture(scope="session")
def _brokers():
    """A broker of each engine, started when it is first asked for."""
    with ExitStack() as stack:
        yield cache(lambda engine: stack.enter_context(Broker(engine=installed(engine))))


@pytest.fixture
def mosquitto(_brokers):
    """One mosquitto for all tests, for what only it can do; the clients of a test are closed after it."""
    yield from _lent(_brokers("mosquitto"))


@pytest.fixture
def broker(_brokers, engine):
    """The same on each engine in turn: the client must be right on a broker that nobody here wrote, too."""
    yield from _lent(_brokers(engine))


def _lent(broker):
    running = Running(broker)
    yield running
    for client in running.clients:
        client.close()


@dataclass
class Secured:
    """A certificate authority and the ports of TLS listeners by kind of certificate, and of a plain one."""

    ca: LessonCA
    ports: dict[str, int]


@pytest.fixture(scope="session", params=ENGINES)
def tls_broker(request, tmp_path_factory):
    """A plain listener, and TLS with a good, an expired and a wrong-host certificate and with client certificates."""
    ca = LessonCA(folder=tmp_path_factory.mktemp("ca"))
    certificates = {
        "good": ca.server(),
        "expired": ca.expired(),
        "wrong_host": ca.wrong_host(),
        "both": ca.server(require_client_certificate=True),
    }
    with ExitStack() as stack:
        started = {
            kind: stack.enter_context(Broker(tls=certificate, engine=installed(request.param)))
            for kind, certificate in certificates.items()
        }
        ports = {kind: broker.ports["mqtts"] for kind, broker in started.items()}
        yield Secured(ca, {**ports, "mqtt": started["good"].ports["mqtt"]})


@pytest.fixture(scope="session", params=ENGINES)
def strict_broker(request):
    """Wants a name and password; bob may publish and read only what is below bob/."""
    with Broker(engine=installed(request.param), users={"bob": "secret"}, access=["bob all bob/#"]) as broker:
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
