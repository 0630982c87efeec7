"""Lab: one lifetime for broker, network and clients."""

from __future__ import annotations

import gc
import threading
import time

import psutil
import pytest

from mqttkit import Broker, Client, ConnectError, InvalidArgument, Lab, MqttKitError, Timeout, Will
from support import need


def test_the_lab_of_the_design(new_lab):
    """The learner's interface, as DESIGN.md writes it."""
    with new_lab() as lab:
        alice = lab.client("alice")
        assert alice.subscribe("home/+/temperature", qos=1) == 1
        bob = lab.client("bob", will=Will("home/bob/status", "gone", qos=1, retain=True))
        bob.publish("home/kitchen/temperature", "21.5", qos=1)
        (message,) = alice.wait_for(1, timeout=2)
        assert (message.topic, message.text, message.qos) == ("home/kitchen/temperature", "21.5", 1)
        with lab.network.lose("PUBACK", to="bob"):
            bob.publish("home/kitchen/temperature", "22.0", qos=1, wait=False)
            assert alice.wait_for()[0].text == "22.0"
        watcher = lab.client("watcher")
        watcher.subscribe("home/bob/status", 1)
        lab.network.cut("bob")
        assert watcher.wait_for()[0].text == "gone"
        assert bob.wait_closed()
        assert repr(bob) == 'Client "bob", connection lost, 0 subscriptions'
        (first, *_) = lab.trace.packets(type="PUBLISH", sender="bob")
        assert first.anatomy() is not None


def test_everything_goes_through_the_network(new_lab):
    """Both sides of every client are in the trace."""
    with new_lab() as lab:
        alice = lab.client("alice")
        alice.subscribe("a", 1)
        alice.publish("a", "x", 1)
        alice.wait_for()
        alice.disconnect()
        lab.network.settle()
        types = {p.type for p in lab.trace.packets(sender="alice")} | {
            p.type for p in lab.trace.packets(receiver="alice")
        }
        assert types >= {"CONNECT", "CONNACK", "SUBSCRIBE", "SUBACK", "PUBLISH", "PUBACK", "DISCONNECT"}


def test_record_holds_what_happens_in_its_block_and_nothing_else(new_lab):
    """Numbered from 1, and complete although nobody waited for the acknowledgement."""
    with new_lab() as lab:
        alice, bob = lab.client("alice"), lab.client("bob")
        alice.subscribe("a", 1)
        for _ in range(20):
            with lab.record() as story:
                bob.publish("a", "x", 1, wait=False)
            bob.publish("a", "outside", 0)
            assert next(p.number for p in story) == 1
            assert sorted(p.type for p in story) == ["PUBACK", "PUBACK", "PUBLISH", "PUBLISH"]


def test_record_sees_a_qos_0_message_that_nobody_waits_for(new_lab):
    """The client may not have written it when the block ends: the lab asks first."""
    with new_lab() as lab:
        bob = lab.client("bob")
        for n in range(30):
            with lab.record() as story:
                bob.publish("nobody/reads", n, wait=False)
            assert [(p.type, p.text) for p in story] == [("PUBLISH", str(n))]


def test_a_client_of_the_same_name_replaces_the_earlier_one(new_lab):
    """A cell that makes alice may be run twice; the first one said goodbye."""
    with new_lab() as lab:
        first = lab.client("alice")
        second = lab.client("alice")
        assert not first.connected
        assert second.connected
        assert lab.clients == [second]
        assert lab.trace.packets(type="DISCONNECT", sender="alice")


def test_close_ends_everything_and_may_be_called_twice():
    """Clients, network and broker; the next use says so."""
    lab = Lab()
    alice = lab.client("alice")
    assert repr(lab) == "Lab, amqtt broker, clients alice"
    lab.close()
    lab.close()
    assert repr(lab) == "Lab, closed"
    assert not alice.connected
    assert not lab.broker.running
    with pytest.raises(MqttKitError, match="closed"):
        lab.client("bob")
    with pytest.raises(ConnectError):
        alice.publish("a", "x")


def test_a_given_broker_is_left_running():
    """The lab owns only what it made."""
    with Broker() as broker:
        for given in (broker, broker.url, Broker.at(broker.url)):
            with Lab(given) as lab:
                lab.client("alice").publish("a", "x", 1)
                assert [client.client_id for client in lab.broker.clients()] == ["alice"]
            assert broker.running
        with pytest.raises(InvalidArgument, match="own options"):
            Lab(broker, users={"a": "b"})
        Client(broker, "carol").connect().close()


def test_environment_names_the_broker(monkeypatch):
    """MQTTKIT_BROKER, with a user in the URL; options that only an own broker can give still get one."""
    with Broker(users={"bob": "s/cret"}) as broker:
        monkeypatch.setenv("MQTTKIT_BROKER", broker.url.replace("mqtt://", "mqtt://bob:s%2Fcret@"))
        with Lab() as lab:
            assert lab.broker.engine == "remote"
            assert "cret" not in repr(lab) + repr(lab.broker)
            alice = lab.client("alice")
            alice.publish("a", "x", 1)
            assert len(broker.clients()) == 1
            with pytest.raises(ConnectError, match='user "eve"'):
                lab.client("alice2", username="eve", password="x")
        assert broker.running
        with Lab(users={"carol": "x"}) as lab:
            assert lab.broker is not broker
            lab.client("carol", username="carol", password="x")


def test_mosquitto_engine():
    """The same lab on the real thing, MQTT 5 too."""
    need("mosquitto")
    with Lab(engine="mosquitto") as lab:
        alice = lab.client("alice", protocol=5)
        alice.subscribe("a", 1)
        alice.publish("a", "x", 1, properties={"content_type": "text/plain"})
        assert alice.wait_for()[0].properties == {"content_type": "text/plain"}
        assert lab.trace.packets(type="PUBLISH", sender="alice")


def test_a_lab_that_its_own_network_is_asked_to_close_says_so_and_can_be_closed_afterwards():
    before = set(threading.enumerate())
    lab = Lab()
    alice = lab.client("alice")
    fault = lab.network.lose("PUBLISH", where=lambda _: lab.close())
    alice.publish("a", "1")
    lab.network.settle()
    with pytest.raises(InvalidArgument, match="cannot be closed by a function that it calls itself"):
        fault.heal()
    assert alice.connected
    lab.close()
    assert not {t for t in threading.enumerate() if t.name.startswith("mqttkit")} - before


def test_every_part_of_a_lab_is_closed_whatever_another_part_says(monkeypatch):
    lab = Lab()
    lab.client("alice")
    monkeypatch.setattr(lab.clients[0], "close", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lab.close()
    assert not lab.network.is_running
    assert not lab.broker.running


def test_tls_and_websocket_clients_go_through_the_network_too():
    """What they speak passes; TLS hides it, WebSocket does not."""
    with Lab(tls=True, websocket=True) as lab:
        secret = lab.client("secret", tls=lab.broker.ca)
        web = lab.client("web", transport="websockets")
        web.subscribe("a", 1)
        secret.publish("a", "x", 1)
        assert web.wait_for()[0].text == "x"
        assert lab.trace.packets(sender="web", type="SUBSCRIBE")
        assert not lab.trace.packets(sender="secret", type="PUBLISH")


def test_error_of_a_callback_is_raised_at_the_end_of_the_block(new_lab):
    """Even when nobody calls the client again, and everything is closed."""
    with pytest.raises(ZeroDivisionError), new_lab() as lab:  # noqa: PT012 - the end of the block raises
        alice, bob = lab.client("alice"), lab.client("bob")
        alice.on_message = lambda message: 1 / 0
        alice.subscribe("a", 1)
        with lab.record():
            bob.publish("a", "x", 1)
    assert lab.broker.running == (lab.broker.engine == "remote")


def test_failed_start_leaves_nothing(monkeypatch):
    """The broker is stopped again when the network cannot start."""
    from mqttkit.network import Network

    def fail(self):
        raise OSError("no")

    threads = threading.active_count()
    monkeypatch.setattr(Network, "start", fail)
    with pytest.raises(OSError, match="no"):
        Lab()
    settle(lambda: threading.active_count() <= threads)
    assert threading.active_count() <= threads


def test_refused_client_leaves_the_lab_as_it_was():
    """A client that cannot connect is not one of the lab's."""
    with Lab(users={"bob": "x"}) as lab:
        with pytest.raises(ConnectError, match="user name"):
            lab.client("eve")
        assert lab.clients == []
        assert lab.client("bob", username="bob", password="x").connected


def test_silent_link_is_told_apart(new_lab):
    """A publish whose answer never comes says that the connection is still up."""
    with new_lab() as lab:
        bob = lab.client("bob")
        with lab.network.silence("bob"), pytest.raises(Timeout, match="does not resend while connected"):
            bob.publish("a", "x", 1, timeout=0.2)


def test_close_is_quick_with_silent_and_delayed_links(new_lab):
    """A link that carries nothing must not hold up the end."""
    lab = new_lab()
    bob = lab.client("bob")
    lab.network.silence()
    bob.publish("a", "x", 1, wait=False)
    begin = time.monotonic()
    lab.close()
    assert time.monotonic() - begin < 5


def settle(done, seconds=5):
    """Wait for what ends a moment after close() has returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not done():
        threading.Event().wait(0.01)


def held():
    """(sockets, threads, files) of this process."""
    gc.collect()
    process = psutil.Process()
    files = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
    return len(process.net_connections()), threading.active_count(), files


@pytest.mark.parametrize("make", [Broker, Lab])
def test_fifty_cycles_leak_nothing(make):
    """No thread, no socket, no file; with a client that has talked."""

    def cycle():
        thing = make()
        if make is Broker:
            thing.start()
        with Client(thing, "alice") as alice:
            alice.subscribe("a", 1)
            alice.publish("a", "x", 1)
            alice.wait_for()
        thing.close()

    for _ in range(3):
        cycle()
    before = held()
    for _ in range(50):
        cycle()
    settle(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
    assert held() <= before or all(now <= then for now, then in zip(held(), before, strict=True)), (before, held())


def test_two_labs_at_once_do_not_know_each_other(new_lab):
    """A second broker in the same kernel works."""
    with new_lab() as one, new_lab() as two:
        a, b = one.client("alice"), two.client("alice")
        a.subscribe("t", 1)
        two.client("bob").publish("t", "x", 1)
        with pytest.raises(Timeout):
            a.wait_for(timeout=0.1)
        assert b.connected


def test_no_client_can_be_called_broker():
    """Ladder, trace and faults use that name for the broker."""
    with Lab() as lab, pytest.raises(InvalidArgument, match='"broker" is what ladder and trace call the broker'):
        lab.client("broker")


def test_a_misspelt_option_of_a_client_names_the_right_one():
    with Lab() as lab:
        with pytest.raises(InvalidArgument, match=r"no option 'clean_sesion'\. Did you mean 'clean_session'\?"):
            lab.client("alice", clean_sesion=False)
        with pytest.raises(InvalidArgument, match=r"no option 'x'\. It takes clean_session, will, "):
            lab.client("alice", x=1)
