"""Sessions with a real mosquitto, recorded packet by packet, and written as a capture file."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

from mqttkit.message import Will
from mqttkit.packets import Splitter, encode

CLIENT, BROKER = 0, 1  # who sent a packet


@contextlib.contextmanager
def running_mosquitto(program, folder):
    """A broker on a free port of loopback; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def wait_for_port(port):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    raise TimeoutError(f"nothing listens on port {port}")


class Talk:
    """A raw connection that sends packets one by one, waits for an answer to each, and keeps all of them."""

    def __init__(self, port, protocol):
        self.protocol = protocol
        self.packets = []
        self.splitter = Splitter()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def say(self, name, *, answers=1, **values):
        raw = encode(name, self.protocol, **values)
        self.packets.append((CLIENT, raw))
        self.socket.sendall(raw)
        wanted = len(self.packets) + answers
        while len(self.packets) < wanted:
            self.packets += [(BROKER, packet) for packet in self.splitter.feed(self.socket.recv(65536))]

    def end(self):
        self.say("DISCONNECT", answers=0)
        self.socket.close()
        return self.packets


def raw_session(port, protocol):
    """Every packet type a client sends, with every option it has, and what mosquitto answers."""
    five = protocol == 5
    talk = Talk(port, protocol)
    will = Will("home/raw/status", "gone", qos=2, retain=True)
    extra = {"properties": {"session_expiry_interval": 30, "receive_maximum": 9, "user_property": (("k", "ü"),)}}
    extra["will_properties"] = {"will_delay_interval": 5, "content_type": "text/plain"}
    talk.say("CONNECT", client_id="raw", will=will, username="ann", password="secret", **(extra if five else {}))
    options = {"options": [0x2D, 0x02]} if five else {}
    talk.say("SUBSCRIBE", packet_id=7, filters=[("home/+/temperature", 1), ("home/#", 2)], **options)
    talk.say("PUBLISH", topic="other/a", payload="21.5", qos=1, packet_id=300)
    talk.say("PUBLISH", topic="other/a", payload=b"\0\xff", qos=1, packet_id=301, dup=True, retain=True)
    talk.say("PUBLISH", topic="other/ü", payload="x" * 300, qos=2, packet_id=2)
    talk.say("PUBREL", packet_id=2)
    message = {
        "message_expiry_interval": 60,
        "correlation_data": b"\1\2",
        "response_topic": "r",
        "user_property": (("a", "b"),),
    }
    talk.say("PUBLISH", topic="home/raw/x", payload="", qos=0, properties=message)
    talk.say("UNSUBSCRIBE", packet_id=9, filters=["home/#", "nothing/here"])
    talk.say("PINGREQ")
    return talk.end()


class RecordingClient(mqtt.Client):
    """A paho client that keeps the bytes it sends and receives."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.streams, self.packets = (Splitter(), Splitter()), []

    def _sock_send(self, buf):
        sent = super()._sock_send(buf)
        self._keep(CLIENT, bytes(buf[:sent]))
        return sent

    def _sock_recv(self, bufsize):
        data = super()._sock_recv(bufsize)
        self._keep(BROKER, data)
        return data

    def _keep(self, sender, data):
        self.packets += [(sender, packet) for packet in self.streams[sender].feed(data)]


def paho_session(port, protocol):
    """What paho writes by itself: QoS 0, 1 and 2 to its own subscription."""
    client = RecordingClient(mqtt.CallbackAPIVersion.VERSION2, "paho", protocol=protocol)
    subscribed, arrived = threading.Event(), threading.Semaphore(0)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda *_: arrived.release()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("paho/#", 2)
    assert subscribed.wait(5)
    for qos in (0, 1, 2):
        client.publish("paho/x", f"message {qos}", qos, properties=_paho_properties(protocol)).wait_for_publish(5)
        assert arrived.acquire(timeout=5)
    client.disconnect()
    client.loop_stop()
    return client.packets


def _paho_properties(protocol):
    if protocol != 5:
        return None
    properties = Properties(mqtt.PacketTypes.PUBLISH)
    properties.PayloadFormatIndicator = 1
    properties.UserProperty = [("room", "kitchen"), ("room", "bath")]
    return properties


def write_pcap(path, packets, port):
    """A capture file with one TCP segment per packet, between made-up addresses."""
    sequence, ports = [1, 1], [50000, port]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # link type 101: raw IP
        for number, (sender, data) in enumerate(packets):
            other = 1 - sender
            tcp = struct.pack(
                ">HHIIBBHHH", ports[sender], ports[other], sequence[sender], sequence[other], 0x50, 0x18, 65535, 0, 0
            )
            addresses = [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])]
            ip = (
                struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), number, 0, 64, 6, 0)
                + addresses[sender]
                + addresses[other]
            )
            frame = ip + tcp + data
            file.write(struct.pack("<IIII", 0, number * 1000, len(frame), len(frame)) + frame)
            sequence[sender] += len(data)
