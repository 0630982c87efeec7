"""How many packets a second mqttkit decodes, against amqtt's packet classes and the `mqtt5` package (written in Rust);
and how long a ladder of 300 and of 3000 packets takes.

    python tests/benchmarks/bench_packets.py [--rounds 7] [--packets 20000]

All decoders take turns on the same bytes in this process; read the ratios. "fields" is what a learner's click on a
packet costs: every field with its meaning. `mqtt5` is optional: python -m pip install mqtt5
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

from amqtt.adapters import BufferReader
from amqtt.mqtt import packet_class
from amqtt.mqtt.packet import MQTTFixedHeader

from mqttkit.packets import Splitter, decode, encode
from mqttkit.packets.decoder import _decode_strictly
from mqttkit.trace import Link, Trace, Wire
from mqttkit.trace.ladder import as_html

CASES = {
    "PUBLISH QoS 0, 20 bytes": ("PUBLISH", {"topic": "home/kitchen/t", "payload": "x" * 20}),
    "PUBLISH QoS 1, 20 bytes": ("PUBLISH", {"topic": "home/kitchen/t", "payload": "x" * 20, "qos": 1}),
    "PUBLISH QoS 1, 10 kB": ("PUBLISH", {"topic": "home/kitchen/t", "payload": "x" * 10_000, "qos": 1}),
    "PUBACK": ("PUBACK", {"packet_id": 7}),
    "SUBSCRIBE, 2 filters": ("SUBSCRIBE", {"packet_id": 7, "filters": [("home/+/t", 1), ("home/#", 2)]}),
    "CONNECT": ("CONNECT", {"client_id": "bob", "username": "ann", "password": "secret"}),
}
PROPERTIES = {"message_expiry_interval": 60, "content_type": "text/plain", "user_property": [("room", "kitchen")]}
CASES_5 = CASES | {
    "PUBLISH QoS 1, 3 properties": (
        "PUBLISH",
        {"topic": "home/kitchen/t", "payload": "x" * 20, "qos": 1, "properties": PROPERTIES},
    )
}


def main() -> None:
    """Prints one table for MQTT 3.1.1 and one for MQTT 5."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--packets", type=int, default=20_000)
    options = parser.parse_args()
    _table("MQTT 3.1.1, against amqtt", 4, CASES, _amqtt, options)
    if importlib.util.find_spec("mqtt5"):
        _table("MQTT 5, against mqtt5 (Rust)", 5, CASES_5, _mqtt5, options)
    else:
        print("\nMQTT 5: the package mqtt5 is not installed")
    _ladders(options)


def _ladders(options: argparse.Namespace) -> None:
    """Milliseconds from a recorded trace to the HTML of its ladder, with every packet decoded anew."""
    print("\nladder: from the recorded bytes to HTML")
    for count in (300, 3000):
        times, size = [], 0
        for _ in range(options.rounds):
            trace = _recorded(count)
            begin = time.perf_counter()
            size = len(as_html(trace.story()))
            times.append(time.perf_counter() - begin)
        print(f"{count:5} packets: {statistics.median(times) * 1000:7.1f} ms, {size / 1000:6.0f} kB")


def _recorded(count: int) -> Trace:
    """QoS 1 from bob over the broker to alice, `count` packets."""
    trace, alice, bob = Trace(), Link(1, "alice"), Link(2, "bob")
    trace.links.update({1: alice, 2: bob})
    for number in range(count // 4):
        values = {"topic": "home/kitchen/t", "payload": f"{number}", "qos": 1, "packet_id": 1 + number}
        publish, ack = encode("PUBLISH", **values), encode("PUBACK", packet_id=1 + number)
        for link, raw, up in ((bob, publish, True), (bob, ack, False), (alice, publish, False), (alice, ack, True)):
            trace.record(Wire(time.monotonic(), link, raw, to_broker=up))
    return trace


def _table(
    title: str, protocol: int, cases: dict, other: Callable[[bytes], object], options: argparse.Namespace
) -> None:
    print(
        f"\n{title}\n{'packet':30}{'decode/s':>12}{'other/s':>12}{'ratio':>8}{'strict':>8}{'split+decode':>14}{'fields':>8}"
    )
    for name, (packet_type, values) in cases.items():
        raw = encode(packet_type, protocol, **values)
        ways = {
            "decode": lambda raw=raw: decode(raw, protocol),
            "other": lambda raw=raw: other(raw),
            "strict": lambda raw=raw: _decode_strictly(raw, protocol),
            "split": _split_and_decode(raw, protocol),
            "fields": lambda raw=raw: decode(raw, protocol).fields,
        }
        rates = _take_turns(ways, options)
        ratio = {way: rate / rates["other"] for way, rate in rates.items()}
        print(
            f"{name:30}{rates['decode']:12,.0f}{rates['other']:12,.0f}{ratio['decode']:8.2f}{ratio['strict']:8.2f}"
            f"{ratio['split']:14.2f}{ratio['fields']:8.2f}"
        )


def _take_turns(ways: dict[str, Callable[[], object]], options: argparse.Namespace) -> dict[str, float]:
    """Median rate of each way; the rounds of all ways are interleaved."""
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, run in ways.items():
            count = options.packets // (10 if way == "fields" else 1)
            begin = time.perf_counter()
            for _ in range(count):
                run()
            rates[way].append(count / (time.perf_counter() - begin))
    return {way: statistics.median(rate) for way, rate in rates.items()}


def _split_and_decode(raw: bytes, protocol: int) -> Callable[[], object]:
    splitter = Splitter()
    return lambda: [decode(packet, protocol) for packet in splitter.feed(raw)]


def _amqtt(raw: bytes) -> object:
    """Reads as amqtt's broker does; its coroutines never wait on a buffer, so no event loop slows them down."""
    try:
        _read_with_amqtt(BufferReader(raw)).send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("amqtt waited for more bytes")


async def _read_with_amqtt(reader: BufferReader) -> object:
    header = await MQTTFixedHeader.from_stream(reader)
    return await packet_class(header).from_stream(reader, fixed_header=header)


def _mqtt5(raw: bytes) -> object:
    import mqtt5

    return mqtt5.read(raw)


if __name__ == "__main__":
    main()
