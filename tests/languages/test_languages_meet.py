"""Clients in other languages talk to the Python one, through the relay; their files are those that lesson 10 shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mqttkit import Lab
from support.needs import need
from support.node import node_environment

CLIENTS = Path(__file__).parents[2] / "notebooks" / "clients"
LANGUAGES = {
    "javascript": ("Hello from JavaScript", 1),
    "shell": ("Hello from C", 1),
    "php": ("Hello from PHP", 1),
    "microcontroller": ("Hello from a microcontroller", 1),
}


def command(language, lab):
    """The command line of a client, and its environment."""
    place = [lab.network.host, str(lab.network.port)]
    if language == "javascript":
        return [need("node"), str(CLIENTS / "javascript.mjs"), lab.url], node_environment()
    if language == "shell":
        need("mosquitto_pub")
        return ["sh", str(CLIENTS / "mosquitto.sh"), *place], None
    if language == "php":
        return [need("php"), str(CLIENTS / "plain_socket.php"), *place], None
    return [sys.executable, str(CLIENTS / "microcontroller.py"), *place], None


@pytest.mark.parametrize("engine", ["amqtt", "mosquitto"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_says_hello_and_hears_python(language, engine):
    if engine == "mosquitto":
        need("mosquitto")
    said, qos = LANGUAGES[language]
    with Lab(engine=engine) as lab:
        python = lab.client("python")

        @python.on("hello/+")
        def answer(message):
            if message.topic != "hello/python":
                python.publish("hello/python", "Grüße 👋", qos=1)

        python.subscribe("hello/+", qos=1)
        arguments, environment = command(language, lab)
        done = subprocess.run(
            arguments, capture_output=True, encoding="utf-8", env=environment, timeout=30, check=False
        )
        assert done.stdout.strip() == f"{language} received hello/python Grüße 👋", done.stderr
        hello = python.wait_for(1, topic=f"hello/{language}")[0]
        assert (hello.text, hello.qos) == (said, qos)
        sent = lab.trace.packets(type="PUBLISH", topic=f"hello/{language}", receiver="broker")
        assert [packet.qos for packet in sent] == [qos]  # the relay saw it like any other client's


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_broker_it_ends_with_an_error(language, monkeypatch):
    with Lab() as lab:
        arguments, environment = command(language, lab)
    done = subprocess.run(arguments, capture_output=True, encoding="utf-8", env=environment, timeout=30, check=False)
    assert done.returncode != 0


def test_the_small_client_waits_only_when_asked(monkeypatch):
    monkeypatch.syspath_prepend(str(CLIENTS))
    from umqtt_simple import MQTTClient, MQTTException

    with Lab() as lab:
        received = []
        device = MQTTClient("device", lab.network.host, lab.network.port)
        device.set_callback(lambda topic, message: received.append((topic, message)))
        device.set_last_will(b"device/status", b"gone", retain=True, qos=1)
        assert device.connect() is False
        device.subscribe(b"room/#", qos=1)
        assert device.check_msg() is None
        other = lab.client("other")
        other.subscribe("device/status")
        other.publish("room/t", b"x" * 300, qos=1)
        assert received == []
        assert device.wait_msg() == 0x30
        assert received == [(b"room/t", b"x" * 300)]
        device.sock.close()
        assert other.wait_for(1)[0].text == "gone"
    with Lab(users={"ada": "secret"}) as lab, pytest.raises(MQTTException):
        MQTTClient("device", lab.network.host, lab.network.port, user="ada", password="wrong").connect()
