"""Rate, delay, processor time and memory of the embedded engine against stock amqtt and mosquitto, each in a process.

    python tests/benchmarks/bench_broker.py [--seconds 1] [--rounds 3]

The load comes from raw sockets in this process, the same for all, in rounds that take turns; read the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests/

from mqttkit.broker.mosquitto import find_mosquitto
from support.rawmqtt import Raw, ack, publish

ENGINES = ("embedded", "stock amqtt", "mosquitto")
_EMBEDDED = "import sys; from mqttkit import Broker; b = Broker().start(); print(b.port, flush=True); sys.stdin.read()"
_STOCK = """
import asyncio, logging, sys
logging.getLogger("amqtt").setLevel(logging.CRITICAL)
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
async def main():
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}}
    broker = Broker(BrokerConfig(listeners={"default": ListenerConfig(bind="127.0.0.1:0")}, plugins=plugins))
    await broker.start()
    print(broker._servers["default"].instance.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


@contextlib.contextmanager
def process_of(engine: str) -> Iterator[tuple[int, psutil.Process]]:
    """(port, process) of a broker that runs in a process of its own."""
    port = free_port()
    commands = {
        "embedded": [sys.executable, "-c", _EMBEDDED],
        "stock amqtt": [sys.executable, "-c", _STOCK],
        "mosquitto": [
            find_mosquitto(),
            "-p",
            str(port),
        ],  # as it comes: no log of packets, which costs half of its rate
    }
    child = subprocess.Popen(
        commands[engine], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        if engine == "mosquitto":
            wait_for_port(port)
        else:
            port = int(child.stdout.readline())
        yield port, psutil.Process(child.pid)
    finally:
        child.kill()
        child.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
    raise TimeoutError


def one_to_one(port: int, qos: int, seconds: float) -> tuple[float, float]:
    """(messages a second, p99 delay in ms) with at most 20 messages on their way."""
    subscriber, publisher = Raw("127.0.0.1", port), Raw("127.0.0.1", port)
    subscriber.connect("sub")
    subscriber.subscribe(("bench/room/temperature", qos))
    publisher.connect("pub")
    sent: dict[bytes, float] = {}
    delays: list[float] = []
    number = 0
    selector = selectors.DefaultSelector()
    selector.register(subscriber.socket, selectors.EVENT_READ, subscriber)
    selector.register(publisher.socket, selectors.EVENT_READ, publisher)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or sent:
        while len(sent) < 20 and time.perf_counter() < end:
            number += 1
            payload = b"%020d" % number
            sent[payload] = time.perf_counter()
            publisher.send(publish("bench/room/temperature", payload, qos, pid=number % 65535 + 1))
        if not selector.select(5):
            break
        _answer(subscriber, sent, delays)
        _answer(publisher, sent, delays)
    subscriber.close(), publisher.close()
    delays.sort()
    return len(delays) / seconds, 1000 * delays[int(len(delays) * 0.99)] if delays else float("nan")


def _answer(raw: Raw, sent: dict[bytes, float], delays: list[float]) -> None:
    """Take what has come and play the other half of the handshakes."""
    answers = []
    with contextlib.suppress(TimeoutError, BlockingIOError):
        while True:
            got = raw.get(0)
            if got.type == "PUBLISH":
                if got.payload in sent:
                    delays.append(time.perf_counter() - sent.pop(got.payload))
                answers += [ack(("", "PUBACK", "PUBREC")[got.qos], got.pid)] if got.qos else []
            elif got.type == "PUBREC":
                answers.append(ack("PUBREL", got.pid))
            elif got.type == "PUBREL":
                answers.append(ack("PUBCOMP", got.pid))
    if answers:
        raw.send(*answers)


def chat(port: int, clients: int, lines: int) -> float:
    """Deliveries a second when each client sends `lines` to all, as fast as they are taken."""
    room = [Raw("127.0.0.1", port) for _ in range(clients)]
    for number, raw in enumerate(room):
        raw.connect(f"c{number}")
        raw.subscribe(("chat/room/message/+", 0))
    selector = selectors.DefaultSelector()
    for raw in room:
        raw.socket.setblocking(False)
        selector.register(raw.socket, selectors.EVENT_READ)
    line = publish("chat/room/message/me", b'{"name": "somebody", "text": "Hello, everybody!"}')
    expected = clients * clients * lines * len(line)
    began, taken = time.perf_counter(), 0
    for raw in room:
        raw.socket.sendall(line * lines)
    while taken < expected:
        ready = selector.select(5)
        if not ready:
            break
        for key, _ in ready:
            taken += len(key.fileobj.recv(1 << 20))
    seconds = time.perf_counter() - began
    for raw in room:
        raw.close()
    return taken / len(line) / seconds


def memory(port: int, process: psutil.Process, count: int = 200) -> float:
    """KiB of the process per idle connection with one subscription."""
    before = process.memory_info().rss
    room = []
    for number in range(count):
        raw = Raw("127.0.0.1", port)
        raw.connect(f"idle{number}")
        raw.subscribe((f"idle/{number}", 0))
        room.append(raw)
    after = process.memory_info().rss
    for raw in room:
        raw.close()
    return (after - before) / count / 1024


def measure(brokers: dict[str, tuple[int, psutil.Process]], seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """Median of each figure, by figure and engine."""
    tasks = {
        f"one to one, QoS {qos}, messages/s": (lambda port, q=qos: one_to_one(port, q, seconds)) for qos in range(3)
    }
    tasks |= {
        f"chat of {n}, deliveries/s": (lambda port, n=n: (chat(port, n, max(1, 6000 // n // n)), None))
        for n in (30, 100)
    }
    table: dict[str, dict[str, float]] = {}
    for task, run in tasks.items():
        rates = {engine: [] for engine in brokers}
        delays = {engine: [] for engine in brokers}
        costs = {engine: [] for engine in brokers}
        for _ in range(rounds):
            for engine, (port, process) in brokers.items():
                before = sum(process.cpu_times()[:2])
                rate, delay = run(port)
                used = sum(process.cpu_times()[:2]) - before
                rates[engine].append(rate)
                if delay is not None:
                    delays[engine].append(delay)
                    costs[engine].append(used / (rate * seconds) * 1e6 if rate else float("nan"))
        table[task] = {engine: statistics.median(values) for engine, values in rates.items()}
        if delays["embedded"]:
            table[task.replace("messages/s", "p99 ms")] = {e: statistics.median(v) for e, v in delays.items()}
            table[task.replace("messages/s", "CPU µs each")] = {e: statistics.median(v) for e, v in costs.items()}
    table["memory, KiB per idle connection"] = {e: memory(port, process) for e, (port, process) in brokers.items()}
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        brokers = {engine: stack.enter_context(process_of(engine)) for engine in ENGINES}
        table = measure(brokers, arguments.seconds, arguments.rounds)
    print(f"{'':36}{''.join(f'{engine:>14}' for engine in ENGINES)}   embedded / stock   embedded / mosquitto")
    for figure, row in table.items():
        ours, stock, mosquitto = (row[engine] for engine in ENGINES)
        print(f"{figure:36}{ours:14.1f}{stock:14.1f}{mosquitto:14.1f}{ours / stock:16.2f}{ours / mosquitto:20.2f}")


if __name__ == "__main__":
    main()
