"""The same with the client that learners use: paho, against the embedded engine and mosquitto."""

from __future__ import annotations

import queue
import threading

import paho.mqtt.client as mqtt
import pytest

from mqttkit import Broker


@pytest.fixture
def broker(engine):
    with Broker(engine=engine) as running:
        yield running


class Paho:
    """A connected paho client; `inbox` holds (payload, qos, retain) of what came."""

    def __init__(self, broker, client_id, *, clean=True, will=None):
        self.inbox: queue.Queue = queue.Queue()
        self.gone = threading.Event()
        self._done = threading.Event()
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id, clean_session=clean, reconnect_on_failure=False
        )
        if will:
            self.client.will_set(*will)
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: self.gone.set()
        self.client.on_subscribe = lambda *_: self._done.set()
        self.client.on_message = lambda _c, _u, m: self.inbox.put((m.payload, m.qos, m.retain))
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        self._wait()

    def _connected(self, _client, _data, flags, reason, _properties):
        self.session_present, self.reason = flags.session_present, reason
        self._done.set()

    def _wait(self):
        assert self._done.wait(5)
        self._done.clear()

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        self._wait()

    def publish(self, topic, payload, qos, *, retain=False):
        self.client.publish(topic, payload, qos, retain).wait_for_publish(5)

    def get(self):
        return self.inbox.get(timeout=5)

    def kill(self):
        """The socket closes; no DISCONNECT."""
        self.client.loop_stop()
        self.client.socket().close()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def paho(broker):
    opened = []

    def connect(client_id, **options):
        opened.append(Paho(broker, client_id, **options))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.mark.parametrize("published", range(3))
@pytest.mark.parametrize("granted", range(3))
def test_qos_is_the_minimum(paho, published, granted):
    subscriber, publisher = paho("subscriber"), paho("publisher")
    subscriber.subscribe("t", granted)
    publisher.publish("t", b"m", published)
    assert subscriber.get() == (b"m", min(published, granted), False)


def test_retained_will_reaches_a_late_subscriber(paho):
    watcher = paho("watcher")
    watcher.subscribe("state", 1)
    paho("dying", will=("state", b"gone", 1, True)).kill()
    assert watcher.get() == (b"gone", 1, False)
    late = paho("late")
    late.subscribe("state", 1)
    assert late.get() == (b"gone", 1, True)


def test_a_sleeper_gets_what_it_missed_in_order(paho):
    sleeper = paho("sleeper", clean=False)
    sleeper.subscribe("t", 2)
    sleeper.close()
    publisher = paho("publisher")
    for number in range(50):
        publisher.publish("t", b"%d" % number, 1)
    sleeper = paho("sleeper", clean=False)
    assert sleeper.session_present
    assert [sleeper.get() for _ in range(50)] == [(b"%d" % n, 1, False) for n in range(50)]


def test_the_same_name_twice(paho):
    first = paho("x")
    second = paho("x")
    assert first.gone.wait(5)
    assert second.client.is_connected()


def test_many_messages_at_every_qos(paho):
    """More than the in-flight window, at once, in both directions: none is lost, doubled or out of order."""
    subscriber, publisher = paho("subscriber"), paho("publisher")
    subscriber.subscribe("t/#", 2)
    for qos in range(3):
        last = [publisher.client.publish(f"t/{qos}", b"%d" % number, qos) for number in range(300)][-1]
        last.wait_for_publish(10)
        assert [subscriber.get()[0] for _ in range(300)] == [b"%d" % number for number in range(300)]
