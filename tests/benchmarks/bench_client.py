"""The kit's client against raw paho on the same mosquitto: messages per second from publish to callback.

At most 20 messages are under way: with more, paho's own list of unacknowledged messages (searched for each PUBACK) would be
what is measured.

Run: python tests/benchmarks/bench_client.py [messages] [rounds]. Bar: ratio >= 0.90 at QoS 0 and 1 (median, interleaved).
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt

from mqttkit import Client
from mqttkit.broker.mosquitto import find_mosquitto

PAYLOAD = b'{"device_id": "sensor_01", "temperature": 21.5}'


@contextmanager
def mosquitto():
    """A mosquitto on a free port, that drops nothing however far its subscriber is behind."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp()
    configuration = Path(folder) / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nuser root\n")
    command = [find_mosquitto(), "-c", str(configuration)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                threading.Event().wait(0.01)
        try:
            yield port
        finally:
            process.terminate()
            shutil.rmtree(folder)


class Counter:
    """Sets `done` at the n-th message; `under_way` limits how many are."""

    def __init__(self, n):
        self.left, self.done, self.under_way = n, threading.Event(), threading.Semaphore(20)

    def __call__(self, *_):
        self.left -= 1
        self.under_way.release()
        if not self.left:
            self.done.set()


def raw(port, qos, n):
    """Seconds for n messages with paho alone."""
    ready, acknowledged, counter = threading.Semaphore(0), threading.Event(), Counter(n)
    clients = []
    for name in ("bench-sub", "bench-pub"):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
        client.on_connect = lambda *_: ready.release()
        client.on_subscribe = lambda *_: acknowledged.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        clients.append(client)
        ready.acquire(timeout=5)
    sub, pub = clients
    sub.on_message = counter
    sub.subscribe("bench", qos)
    acknowledged.wait(5)
    begin = time.perf_counter()
    for _ in range(n):
        counter.under_way.acquire()
        pub.publish("bench", PAYLOAD, qos)
    assert counter.done.wait(60)
    seconds = time.perf_counter() - begin
    for client in clients:
        client.disconnect()
        client.loop_stop()
    return seconds


def kit(port, qos, n):
    """Seconds for n messages with the kit's client."""
    url, counter = f"mqtt://127.0.0.1:{port}", Counter(n)
    with Client(url, "bench-sub") as sub, Client(url, "bench-pub") as pub:
        sub.on_message = counter
        sub.subscribe("bench", qos)
        begin = time.perf_counter()
        for _ in range(n):
            counter.under_way.acquire()
            pub.publish("bench", PAYLOAD, qos, wait=False)
        assert counter.done.wait(60)
        return time.perf_counter() - begin


def main():
    """Print the rates and the ratio."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with mosquitto() as port:
        for qos in (0, 1):
            raw(port, qos, n // 10), kit(port, qos, n // 10)
            pairs = [(raw(port, qos, n), kit(port, qos, n)) for _ in range(rounds)]
            one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"QoS {qos}: paho {n / one:7.0f}/s   mqttkit {n / other:7.0f}/s   ratio {one / other:.2f} (bar 0.90)")


if __name__ == "__main__":
    main()
