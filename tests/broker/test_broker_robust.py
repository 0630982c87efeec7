"""Whatever a client sends, or does not send: the broker runs on, others are unharmed, memory is given back.

MQTTKIT_FUZZ=100000 sends that many mutated packets (the usual run: 4000).
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

import psutil
import pytest

from mqttkit import Broker
from mqttkit.broker.embedded import handler, session
from mqttkit.errors import BrokerError
from support import need
from support.rawmqtt import PINGREQ, Raw, ack, connect, publish, subscribe, unsubscribe

FUZZ = int(os.environ.get("MQTTKIT_FUZZ", "4000"))
SEEDS = [
    connect("f", will=("w", b"x", 1, True), user="u", password="p"), publish("a/b", b"payload"), publish("a/b", b"p", 1),
    publish("a/b", b"p", 2, retain=True), subscribe(("a/#", 1), ("+/b", 2)), unsubscribe("a/#"), ack("PUBACK", 1),
    ack("PUBREC", 1), ack("PUBREL", 1), ack("PUBCOMP", 1), PINGREQ, b"\xe0\x00", b"\xf0\x00", b"\x20\x02\x00\x00",
]  # fmt: skip


def mutate(chance: random.Random, packet: bytes) -> bytes:
    data = bytearray(packet)
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(4)
        where = chance.randrange(len(data)) if data else 0
        if kind == 0 and data:
            data[where] = chance.randrange(256)
        elif kind == 1 and data:
            data[where] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[where : where + chance.randint(1, 3)]
        else:
            data[where:where] = chance.randbytes(chance.randint(1, 3))
    return bytes(data)


def fuzz(broker, count: int, seed: int) -> int:
    """Send `count` mutated packets; returns over how many connections."""
    chance, connections, link = random.Random(seed), 0, None
    for number in range(count):
        data = mutate(chance, chance.choice(SEEDS))
        if link is None or chance.random() < 0.1:
            if link is not None:
                link.close()
            link = socket.create_connection((broker.host, broker.port), 5)
            connections += 1
            if chance.random() < 0.8:
                link.sendall(connect(f"f{number % 50}", clean=chance.random() < 0.7))
        try:
            link.sendall(data)
            link.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if not link.recv(65536):
                    raise ConnectionResetError  # noqa: TRY301
            link.settimeout(5)
        except (BrokenPipeError, ConnectionResetError):
            link.close()
            link = None
    if link is not None:
        link.close()
    return connections


def test_a_broker_that_was_held_up_reads_before_it_calls_a_client_silent(monkeypatch):
    """A cell that keeps every thread busy must not cost a client its connection."""
    monkeypatch.setattr(handler.Handler, "silence_limit", lambda _self, _keep_alive: 1.0)
    held_up = threading.Event()

    def hold_up(event):
        if event.kind == "publish":
            held_up.set()
            time.sleep(1.2)  # in the broker's thread

    with Broker() as broker:
        broker.on_event(hold_up)
        client = Raw(broker.host, broker.port)
        client.connect("x", keep_alive=1)
        client.send(publish("t", b"m"))
        assert held_up.wait(5)
        client.send(PINGREQ)
        client.expect("PINGRESP")
        client.close()


def test_mutated_packets_harm_nobody(client):
    """Fails when a packet stops the broker, disturbs a bystander or makes an error inside the broker."""
    with Broker() as broker:
        bystander, talker = client(broker, "bystander"), client(broker, "talker")
        bystander.subscribe(("quiet/place", 1))
        assert fuzz(broker, FUZZ, seed=7) > FUZZ / 20
        talker.send(publish("quiet/place", b"still here", 1))
        talker.fence()
        assert "still here QoS 1" in bystander.received()
        assert broker.events("error") == []


def half_open(broker, count):
    links = []
    for number in range(count):
        link = socket.create_connection((broker.host, broker.port), 5)
        link.sendall((b"", b"\x10", connect(f"h{number}"), connect(f"h{number}") + b"\x30\x7f\x00")[number % 4])
        links.append(link)
    return links


def test_a_thousand_half_open_connections(client):
    """Half of them say nothing or half a CONNECT, half are connected: others are served, and all is given back."""
    count = 1000 if sys.platform != "darwin" else 200  # macOS lets a process open 256 files
    with Broker() as broker:
        bystander = client(broker, "bystander")
        bystander.subscribe(("t", 0))
        for _ in range(2):  # what the first round leaves, the second must not add to
            links = half_open(broker, count)
            broker.wait_for_event("connect", count=count // 2, timeout=10)
            bystander.send(publish("t", b"m"))
            assert bystander.received() == "m QoS 0"
            for link in links:
                link.close()
            broker.wait_for_event("disconnect", count=count // 2, timeout=10)
            broker._feed._events.clear()
        assert [c.client_id for c in broker.clients()] == ["bystander"]
        assert [s.client_id for s in broker.sessions()] == ["bystander"]


def test_memory_is_given_back(client):
    """Fails when anything of a finished connection is kept: 4 rounds of 150 connections with data."""
    with Broker() as broker:
        sizes = []
        for _ in range(4):
            for number in range(150):
                one = client(broker, f"m{number}")
                one.send(subscribe((f"m/{number}/#", 1)), publish(f"m/{number}/x", bytes(2000), 1))
                one.close()
            broker.wait_for_event("disconnect", count=150, timeout=10)
            broker._feed._events.clear()
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)
        assert sizes[-1] - sizes[1] < 2_000_000
        assert len(broker._engine._broker.handlers) == 0


def test_a_client_that_never_reads_holds_up_nobody(client):
    """QoS 0 to it is shed, QoS 1 waits within bounds; a reader beside it gets everything."""
    with Broker() as broker:
        deaf, reader, talker = client(broker, "deaf"), client(broker, "reader"), client(broker, "talker")
        deaf.subscribe(("t/+", 1))
        reader.subscribe(("t/0", 0))
        for number in range(60):
            talker.send(publish("t/0", bytes(200_000)), publish("t/1", b"%d" % number, 1, pid=number + 1))
            assert len(reader.expect("PUBLISH").payload) == 200_000
        talker.fence()
        state = next(session for session in broker.sessions() if session.client_id == "deaf")
        assert (len(state.in_flight), len(state.queued)) == (20, 40)
        assert broker.events("dropped", "deaf")


def test_a_sleeping_client_cannot_fill_the_memory(client):
    with Broker() as broker:
        sleeper = client(broker, "sleeper", clean=False)
        sleeper.subscribe(("t", 1))
        sleeper.close()
        broker.wait_for_event("disconnect", "sleeper")
        talker = client(broker, "talker")
        for number in range(1100):
            talker.send(publish("t", b"m", 1, pid=number + 1))
        talker.fence()
        assert len(broker.sessions()[0].queued) == 1000
        assert broker.wait_for_event("dropped", "sleeper", count=100)[0].text == "the queue of this client is full"


def test_what_waits_is_bounded_in_bytes_too(client, monkeypatch):
    """Fails when few large messages fill the memory: for a sleeper, or of one that never sends PUBREL."""
    monkeypatch.setattr(session, "MOST_WAITING", 1_000_000)
    with Broker() as broker:
        sleeper = client(broker, "sleeper", clean=False)
        sleeper.subscribe(("t", 1))
        sleeper.close()
        broker.wait_for_event("disconnect", "sleeper")
        talker = client(broker, "talker")
        for number in range(6):
            talker.send(publish("t", bytes(300_000), 1, pid=number + 1))
        talker.fence()
        assert len(broker.sessions()[0].queued) == 3
        assert [event.text for event in broker.events("dropped")] == ["the queue of this client is full"] * 3
        sleeper = client(broker, "sleeper", clean=False)
        for _ in range(3):
            sleeper.send(ack("PUBACK", sleeper.expect("PUBLISH").pid))
        sleeper.fence()
        talker.send(publish("t", b"again", 1))
        talker.fence()
        assert sleeper.received() == "again QoS 1"
        for number in range(9):  # what is released makes room
            talker.send(publish("u", bytes(300_000), 2, pid=number + 1), ack("PUBREL", number + 1))
        assert talker.fate() == "open"
        for number in range(4):
            talker.send(publish("u", bytes(300_000), 2, pid=number + 1))
        assert talker.closed_within(2)
        assert broker.wait_for_event("disconnect", "talker")[0].text == "too much waits for its PUBREL"


def test_one_that_reads_nothing_of_too_much_is_cut_off(client, monkeypatch):
    """Its window of QoS 1 deliveries alone is more than the broker keeps for it."""
    monkeypatch.setattr(handler, "_TOO_MUCH", 5_000_000)
    with Broker() as broker:
        deaf, talker = client(broker, "deaf"), client(broker, "talker")
        deaf.subscribe(("t", 1))
        for number in range(20):
            talker.send(publish("t", bytes(1_000_000), 1, pid=number + 1))
        talker.fence()
        assert broker.wait_for_event("disconnect", "deaf")[0].text == "it does not read, and too much waits for it"
        assert [one.client_id for one in broker.clients()] == ["talker"]


@pytest.mark.parametrize("engine", ["amqtt", "mosquitto"])
def test_so_many_messages_are_under_way_to_one_client(client, engine):
    if engine == "mosquitto":
        need("mosquitto")
    with Broker(engine=engine, max_inflight=3) as broker:
        reader, talker = client(broker, "reader"), client(broker, "talker")
        reader.subscribe(("t", 1))
        for number in range(9):
            talker.send(publish("t", bytes([number]), 1, pid=number + 1))
        talker.fence()
        first = reader.fence()
        assert [got.payload[0] for got in first] == [0, 1, 2]
        reader.send(*[ack("PUBACK", got.pid) for got in first])
        assert [got.payload[0] for got in reader.fence()][:3] == [3, 4, 5]


def test_more_messages_under_way_than_packet_identifiers(client, monkeypatch):
    """Fails when the broker looks for a free packet identifier for ever. A client has 65 535 of them; here ten."""
    monkeypatch.setattr(session, "_PACKET_IDS", 10)
    with Broker(max_inflight=65_535) as broker:
        reader, talker = client(broker, "reader"), client(broker, "talker")
        reader.subscribe(("t", 1))
        talker.send(*[publish("t", b"m", 1, pid=number) for number in range(1, 13)])
        talker.fence()
        assert sorted(got.pid for got in reader.fence()) == list(range(1, 11))
        assert len(broker.events("dropped", "reader")) == 2
        reader.send(ack("PUBACK", 7))
        reader.fence()
        talker.send(publish("t", b"m", 1))
        talker.fence()
        assert [got.pid for got in reader.fence()] == [7]


@pytest.mark.parametrize("number", [0, 65536, True, "20", 2.5])
def test_a_window_that_cannot_be(number):
    with pytest.raises(BrokerError, match=f"max_inflight is a whole number from 1 to 65535, not {number!r}"):
        Broker(max_inflight=number)


def test_leaving_during_the_login_leaves_nothing(raw, client):
    """A reset while the password is being checked: no error, no session, no connection that stays."""
    with Broker(users={"anna": "right"}) as broker:
        for number in range(20):
            one = raw(broker)
            one.send(connect(f"x{number}", user="anna", password="right"))
            one.reset()
        client(broker, "last", user="anna", password="right")
        came = broker.events("connect")
        broker.wait_for_event("disconnect", count=len(came) - 1)
        assert [known.client_id for known in broker.clients()] == ["last"]
        assert [known.client_id for known in broker.sessions()] == ["last"]
        assert broker.events("error") == []


def test_stopping_during_logins_is_quick_and_lets_nobody_in(raw):
    with Broker(users={"anna": "right"}) as broker:
        for number in range(40):
            raw(broker).send(connect(f"x{number}", user="anna", password="right"))
        began = time.monotonic()
        broker.stop()
        assert time.monotonic() - began < 2
        assert broker.events("error") == []
        broker.start()
        assert broker.clients() == broker.sessions() == []


def test_an_announced_giant_is_refused_before_it_comes(client):
    with Broker() as broker:
        giant = client(broker, "giant")
        giant.send(b"\x30\xff\xff\xff\x7f")
        assert giant.closed_within(1)
        assert "larger" in broker.wait_for_event("disconnect", "giant")[0].text


def test_before_connect_only_little_is_taken(raw):
    with Broker() as broker:
        stranger = raw(broker)
        stranger.send(b"\x10\xff\xff\x7f")
        assert stranger.closed_within(1)


STOP_QUICKLY = """
import socket, sys, time
from mqttkit import Broker
from mqttkit.broker.embedded import handler, session
broker = Broker(tls=True, websocket=True).start()
upgrade = ("GET /mqtt HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\nSec-WebSocket-Version: 13\\r\\n"
           "Sec-WebSocket-Protocol: mqtt\\r\\n\\r\\n").encode()
links = []
for kind, port in broker.ports.items():
    for data in (b"", b"\\x10", upgrade):
        link = socket.create_connection((broker.host, port), 5)
        link.sendall(data)
        links.append(link)
broker.wait_for_event("start")
began = time.monotonic()
broker.close()
print(round(time.monotonic() - began, 3))
"""


@pytest.mark.parametrize("python", [sys.executable])
def test_stop_is_quick_with_half_open_peers(python):
    """TCP, TLS, WebSocket and secure WebSocket peers that are in the middle of something."""
    done = subprocess.run([python, "-c", STOP_QUICKLY], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert float(done.stdout) < 1.5


def test_reset_in_the_middle_of_everything(client):
    """TCP resets while the broker is sending: no error inside, no session left."""
    with Broker() as broker:
        talker = client(broker, "talker")
        for number in range(30):
            one = client(broker, f"r{number}")
            one.subscribe(("t", 1))
            talker.send(publish("t", bytes(50_000), 1, pid=1), publish("t", bytes(50_000)))
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
        broker.wait_for_event("disconnect", count=30, timeout=5)
        talker.fence()
        assert broker.events("error") == []
        assert [session.client_id for session in broker.sessions()] == ["talker"]


def test_a_listener_of_the_event_feed_that_fails_stops_nothing(client):
    with Broker() as broker:
        broker.on_event(lambda event: 1 / 0)
        began = time.monotonic()
        assert client(broker, "x").fate() == "open"
        assert time.monotonic() - began < 1
        with pytest.raises(ZeroDivisionError):
            broker.wait_for_event("connect")
        assert broker.wait_for_event("connect")
