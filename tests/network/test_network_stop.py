"""A network that stops while clients come and go leaves no socket behind."""

from __future__ import annotations

import gc
import random
import socket
import threading
import warnings
from itertools import cycle

import pytest

from mqttkit import Broker, Network
from mqttkit.packets import encode

ROUNDS, CLIENTS = 2, 3
HELLOS = (
    b"",
    encode("CONNECT", client_id="x"),
    b"\x10\xff\xff\xff\xff\xff hello",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01",
)


def come_and_go(port: int, stopped: threading.Event) -> None:
    """Connects, says something and leaves, again and again."""
    for hello in cycle(HELLOS):
        if stopped.is_set():
            return
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                link.sendall(hello)
        except OSError:  # the network has stopped
            return


def stop_in_the_rush(network: Network, moment: float) -> None:
    """Stops the network `moment` seconds after the clients began to come."""
    stopped = threading.Event()
    network.start()
    clients = [threading.Thread(target=come_and_go, args=(network.port, stopped)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    stopped.wait(moment)  # any moment will do, each shall be survived
    network.close()
    stopped.set()
    for client in clients:
        client.join()


@pytest.mark.parametrize("upstream", ["there", "there, with TLS", "away"])
def test_a_network_that_stops_in_a_rush_leaves_no_socket_open(upstream):
    moments = random.Random(upstream)
    with Broker(tls=upstream.endswith("TLS")) as broker, warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        gc.collect()  # what other tests left is not meant
        complaints.clear()
        for _ in range(ROUNDS):
            stop_in_the_rush(Network(("127.0.0.1", 1) if upstream == "away" else broker), moments.uniform(0, 0.02))
        gc.collect()
    assert [str(complaint.message) for complaint in complaints] == []
