"""How fast is traffic through the network, against direct? Run: python tests/benchmarks/bench_relay.py

mosquitto stands behind (without Nagle's algorithm, which would make the direct way wait for delayed acknowledgements); a raw publisher and a raw subscriber run in a process of their own, as a device or another
program would. Rounds alternate between direct and relayed, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mqttkit import Network
from mqttkit.packets import encode

MESSAGES = 20000
ROUNDS = 7
PAYLOAD = b"x" * 20
BAR = 0.70

# One publisher and one subscriber on plain sockets: as little client as possible, so that the relay is what is measured.
LOAD = r"""
import socket, sys, threading, time
sys.path[:0] = {path!r}
from mqttkit.packets import encode

def connect(port, name):
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(encode("CONNECT", client_id=name, clean_session=True, keep_alive=60))
    assert link.recv(4) == bytes([0x20, 2, 0, 0])
    return link

def read(link, size):
    while size > 0:
        size -= len(link.recv(min(size, 1 << 16)))

def round_(port, qos, count, payload, window=20):
    listener, sender = connect(port, "listener"), connect(port, "sender")
    listener.sendall(encode("SUBSCRIBE", packet_id=1, filters=[("bench/topic", qos)]))
    read(listener, 5)
    size = len(encode("PUBLISH", topic="bench/topic", payload=payload, qos=qos, packet_id=1 if qos else None))
    packets = [encode("PUBLISH", topic="bench/topic", payload=payload, qos=qos, packet_id=1 + i % 60000 if qos else None)
               for i in range(count)]
    done = threading.Event()

    def listen():
        buffer = bytearray()
        seen = 0
        while seen < count:
            buffer += listener.recv(1 << 16)
            acks = bytearray()
            while len(buffer) >= size:
                if qos:
                    acks += b"\x40\x02" + buffer[size - len(payload) - 2 : size - len(payload)]
                del buffer[:size]
                seen += 1
            if acks:
                listener.sendall(acks)
        done.set()

    thread = threading.Thread(target=listen)
    start = time.perf_counter()
    thread.start()
    for first in range(0, count, window):
        sender.sendall(b"".join(packets[first : first + window]))
        if qos:
            read(sender, 4 * len(packets[first : first + window]))
    done.wait(30)
    seconds = time.perf_counter() - start
    for link in (listener, sender):
        link.sendall(encode("DISCONNECT"))
        link.close()
    return count / seconds

for line in sys.stdin:
    port, qos, count = map(int, line.split())
    print(round_(port, qos, count, {payload!r}), flush=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_mosquitto(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nmax_inflight_messages 100\n"
    )
    process = subprocess.Popen([binary, "-c", str(config)], stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return process, port


class Load:
    """The process with publisher and subscriber."""

    def __init__(self) -> None:
        code = LOAD.replace("{path!r}", repr(sys.path)).replace("{payload!r}", repr(PAYLOAD))
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rate(self, port: int, qos: int, count: int) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{port} {qos} {count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(5)


def measure(load: Load, direct: int, network: Network, qos: int) -> tuple[float, float, float]:
    """(direct rate, relayed rate, ratio): medians of rounds that alternate."""
    load.rate(direct, qos, 500), load.rate(network.port, qos, 500)  # warm
    pairs = []
    for _ in range(ROUNDS):
        network.trace.clear()
        pairs.append((load.rate(direct, qos, MESSAGES), load.rate(network.port, qos, MESSAGES)))
    seen = len(network.trace.packets("PUBLISH"))
    assert seen == 2 * MESSAGES, f"the trace holds {seen} of {2 * MESSAGES} packets"
    ratio = statistics.median(relayed / straight for straight, relayed in pairs)
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratio


def added_delay(direct: int, network: Network) -> float:
    """Microseconds that a PINGREQ takes longer there and back."""
    links = []
    for port in (direct, network.port):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(encode("CONNECT", client_id=f"ping{port}", clean_session=True, keep_alive=60))
        link.recv(4)
        links.append(link)
    times: list[list[float]] = [[], []]
    for _ in range(500):
        for number, link in enumerate(links):
            start = time.perf_counter()
            link.sendall(b"\xc0\x00")
            link.recv(2)
            times[number].append(time.perf_counter() - start)
    for link in links:
        link.close()
    return (statistics.median(times[1]) - statistics.median(times[0])) * 1e6


def main() -> int:
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        mosquitto, port = start_mosquitto(Path(folder))
        load = Load()
        try:
            with Network(("127.0.0.1", port)) as network:
                for qos in (0, 1):
                    direct, relayed, ratio = measure(load, port, network, qos)
                    missed += ratio < BAR
                    print(
                        f"QoS {qos}: direct {direct:8.0f}/s, through the network {relayed:8.0f}/s, ratio {ratio:.2f} (bar {BAR})"
                    )
                print(f"added delay of one packet there and back: {added_delay(port, network):.0f} µs")
        finally:
            load.close()
            mosquitto.terminate()
            mosquitto.wait(5)
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
