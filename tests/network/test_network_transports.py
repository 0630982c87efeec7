"""WebSocket, TLS towards the broker, and TLS that the relay cannot read."""

from __future__ import annotations

import socket

import pytest

from mqttkit import Broker, BrokerError, Client, ConnectError, Lab, Network, Will
from mqttkit.network.framing import WebSocket
from mqttkit.packets import encode

SECRET = "the door code is 4711"


@pytest.fixture
def web():
    with Lab(websocket=True) as lab:
        yield lab


def test_websocket_clients_are_recorded_and_faults_work(web):
    alice = web.client("alice", transport="websockets")
    alice.subscribe("home/#", qos=1)
    bob = web.client("bob")  # over TCP, through the same port
    with web.record() as story:
        bob.publish("home/t", "1", qos=1)
        with web.network.lose("PUBLISH", to="alice"):
            bob.publish("home/t", "2", qos=1)
        alice.publish("home/t", "3", qos=1)
    assert [m.text for m in alice.wait_for(2)] == ["1", "3"]
    assert [p.text for p in story.packets("PUBLISH", receiver="alice", delivered=False)] == ["2"]
    assert [p.text for p in story.packets("PUBLISH", sender="alice")] == ["3"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("masked", [True, False])
def test_websocket_frames_of_every_length_are_taken_apart_again(size, masked):
    packet = encode("PUBLISH", topic="t", payload=bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    sender, reader = WebSocket(masked=masked), WebSocket(masked=masked)
    wire = b"GET / HTTP/1.1\r\nSec-WebSocket-Extensions: permessage-deflate\r\nHost: x\r\n\r\n" + sender.wrap(packet)
    mqtt, other = b"", b""
    for start in range(0, len(wire), 1000):  # in pieces, as TCP may deliver it
        handshake, more, control = reader.unwrap(wire[start : start + 1000])
        mqtt, other = mqtt + more, other + handshake + control
    assert mqtt == packet
    assert other == b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"  # nobody agrees to compress


def test_control_frames_pass_unchanged():
    reader = WebSocket(masked=True)
    reader.unwrap(b"GET / HTTP/1.1\r\n\r\n")
    ping = b"\x89\x80abcd"
    assert reader.unwrap(ping) == (b"", b"", ping)


def test_a_close_frame_does_not_overtake_the_packets_before_it(web):
    """A browser sends DISCONNECT and the close frame at once: the other way round, the broker would send the will."""
    alice = web.client("alice")
    alice.subscribe("home/#")
    frames, will = WebSocket(masked=True), Will("home/page", "gone")
    hello = (
        b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    with socket.create_connection((web.network.host, web.network.port), timeout=5) as page:
        page.sendall(hello + frames.wrap(encode("CONNECT", client_id="page", will=will)))
        web.trace.wait_for(type="CONNACK", receiver="page")
        page.sendall(frames.wrap(encode("DISCONNECT")) + b"\x88\x80abcd")
        while page.recv(1000):
            pass
    alice.publish("home/fence", "the end")
    assert alice.wait_for(1)[0].text == "the end"


def test_plain_clients_reach_a_tls_broker_and_every_packet_is_seen(engine):
    with Broker(tls=True, port=None, engine=engine) as broker, Network(broker) as network:
        assert broker.url.startswith("mqtts://")
        with Client(network, "alice") as alice:
            alice.publish("home/door", SECRET, qos=1)
        assert network.trace.packets("PUBLISH")[0].text == SECRET


def test_a_polite_end_leaves_nothing_unsent_on_the_way_to_a_tls_broker():
    """TLS has no half of an end; to reset in place of it would throw away what waits to be encrypted."""
    with Broker(tls=True, port=None) as broker, Network(broker) as network, Client(network, "alice") as alice:
        alice.subscribe("bulk")
        with socket.create_connection((network.host, network.port)) as sender:
            bulk = encode("PUBLISH", topic="bulk", payload=bytes(500_000))
            sender.sendall(encode("CONNECT", client_id="sender") + 6 * bulk + encode("DISCONNECT"))
        assert len(alice.wait_for(6, timeout=10)) == 6


def test_a_certificate_that_cannot_be_verified_ends_the_connection(engine):
    with (
        Broker(tls=True, port=None, engine=engine) as broker,
        Network(broker.url) as network,
    ):  # the URL alone: no authority known
        with pytest.raises(ConnectError):
            Client(network, "alice").connect()
        assert "the broker cannot be reached" in network.trace.events("closed")[0].text


def test_an_eavesdropper_reads_plain_traffic_and_not_tls(engine):
    with Broker(tls=True, engine=engine) as broker, Network(broker) as network:
        with Client(network, "alice") as alice:
            alice.publish("home/door", SECRET, qos=1)
        plain = network.trace.eavesdrop()
        network.trace.clear()
        with Client(network, "alice", tls=str(broker.ca)) as alice:
            alice.publish("home/door", SECRET, qos=1)
        secret = network.trace.eavesdrop()
    assert plain.knows(SECRET)
    assert SECRET in plain.text(rows=99).replace("\n", "") or any(SECRET in word for word in plain.words)
    assert not secret.knows(SECRET)
    assert len(secret.data) > 1000
    assert "encrypted with TLS" in secret.text()
    assert not network.trace.packets("PUBLISH")


def test_bytes_that_are_not_mqtt_pass_and_are_told(engine):

    with Broker(engine=engine) as broker, Network(broker) as network:
        with socket.create_connection((network.host, network.port)) as link:
            link.sendall(b"\x10\xff\xff\xff\xff\xff hello")
            network.trace.wait_for_change(0, 2)
        assert any("what is not MQTT" in event.text for event in network.trace.events("malformed"))


def test_a_broker_that_is_away_ends_the_connection_and_is_named():
    with Broker() as broker:
        address = (broker.host, broker.port)
    with Network(address) as network:
        with pytest.raises(ConnectError, match=f"Nothing listens on 127.0.0.1 port {address[1]}"):
            Client(network, "alice").connect()
        assert f"the broker cannot be reached: nothing listens on 127.0.0.1 port {address[1]}" in network.trace.text()
        assert len(network.trace.links) == 1  # nobody had to look again


def test_a_broker_whose_host_can_be_no_name_is_named():
    """Two dots in a row: such a name is not even looked up."""
    with Network("mqtt://test..mosquitto.org") as network:
        with pytest.raises(ConnectError, match=r'There is no host "test\.\.mosquitto\.org"'):
            Client(network, "alice").connect(timeout=2)
        assert "the broker cannot be reached: this can be no name of a host" in network.trace.text()


def test_the_path_of_a_websocket_broker_is_kept_behind_a_lab():
    """Some brokers take one path only, such as /ws."""
    with Lab("ws://127.0.0.1:1/ws") as lab:
        client = Client(lab, "alice", transport="websockets")
        assert (client.address.path, client.address.port) == ("/ws", lab.port)


def test_a_client_of_a_lab_is_told_what_is_wrong_behind_it():
    with Broker() as broker:
        address = (broker.host, broker.port)
    refused = f"Nothing listens on 127.0.0.1 port {address[1]}"
    with Lab(f"mqtt://{address[0]}:{address[1]}") as lab, pytest.raises(ConnectError, match=refused):
        Client(lab, "alice").connect()


def test_a_client_that_the_network_refuses_is_told_so():
    with Broker() as broker, Network(broker) as network:
        with network.refuse("carol"), pytest.raises(ConnectError, match="The network refuses the connection of carol"):
            Client(network, "carol").connect()
        assert len(network.trace.links) == 1
        with Client(network, "carol") as carol:
            assert carol.connected


def test_a_lab_whose_broker_is_away_says_where_it_should_be(monkeypatch):
    with Broker() as broker:
        url = broker.url
    monkeypatch.setenv("MQTTKIT_BROKER", url)
    with Lab() as lab, pytest.raises(ConnectError, match=f"Nothing listens on 127.0.0.1 port {url.rsplit(':', 1)[1]}"):
        lab.client("alice")


@pytest.mark.parametrize("host", ["::1", "::"])
def test_an_ipv6_address_stands_in_brackets(host):
    with Broker() as broker:
        try:
            network = Network(broker, listen_host=host).start()
        except BrokerError:
            pytest.skip("this machine has no IPv6")
        with network:
            assert network.url == f"mqtt://[::1]:{network.port}" == network.urls["mqtt"]
            with Client(network, "alice") as alice:
                assert alice.connected


def test_what_is_left_of_a_frame_can_be_passed_on():
    """A client that sends what is not MQTT: the broker shall see that, and not a broken WebSocket."""
    reader = WebSocket(masked=True)
    half = b"\x82\x85abcdhe"
    assert reader.unwrap(b"GET / HTTP/1.1\r\n\r\n" + half) == (b"GET / HTTP/1.1\r\n\r\n", b"", b"")
    assert reader.rest() == half
