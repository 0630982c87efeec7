"""Each correction matters: switched off alone, a probe that guards it gets a wrong answer."""

from __future__ import annotations

import re
import time

import pytest
from engines import PROBES, ask_embedded

from mqttkit import Broker
from mqttkit.broker.embedded import handler
from mqttkit.broker.embedded.corrections import CORRECTIONS
from support.rawmqtt import Raw, connect, publish

GUARDS = {name: [probe for probe in PROBES.values() if name in probe.guards] for name in CORRECTIONS}


def refused_login_harms_nobody(off=()):
    with Broker(users={"anna": "right"}, _off=off) as broker:
        anna = Raw(broker.host, broker.port)
        anna.connect("anna", user="anna", password="right")
        intruder = Raw(broker.host, broker.port)
        code = intruder.connect("anna", user="anna", password="wrong")
        fate = anna.fate()
        anna.close(), intruder.close()
        return code == (0, 5) and fate == "open"


def connection_without_connect_is_closed(off=()):
    with Broker(_off=off) as broker:
        raw = Raw(broker.host, broker.port)
        closed = raw.closed_within(1.0)
        raw.close()
        return closed


def client_that_does_not_read_loses_qos_0(off=()):
    with Broker(_off=off) as broker:
        deaf, talker = Raw(broker.host, broker.port), Raw(broker.host, broker.port, timeout=10)
        deaf.connect("deaf")
        deaf.subscribe(("t", 0))
        talker.connect("talker")
        for _ in range(40):
            talker.send(publish("t", bytes(500_000)))
            talker.fence()
        dropped = broker.events("dropped", "deaf")
        deaf.close(), talker.close()
        return 0 < len(dropped) < 40


SCENARIOS = {
    "login_before_takeover": refused_login_harms_nobody,
    "connect_timeout": connection_without_connect_is_closed,
    "sheds_load": client_that_does_not_read_loses_qos_0,
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch, request):
    """Only where the time-out is the question: on a busy machine an honest CONNECT may take as long."""
    if any(word in request.node.name for word in ("connect_timeout", "after_the_time_out")):
        monkeypatch.setattr(handler, "CONNECT_TIMEOUT", 0.3)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios(name):
    """What needs more than one question."""
    assert SCENARIOS[name]()


@pytest.mark.parametrize("name", CORRECTIONS)
def test_correction_is_needed(name):
    """Fails when a correction does nothing, or nothing would notice its loss."""
    if name in SCENARIOS:
        assert not SCENARIOS[name](off=(name,))
    else:
        assert GUARDS[name], "no probe guards this correction"
        for probe in GUARDS[name]:
            assert ask_embedded(probe, off=(name,)) != probe.expected


@pytest.mark.parametrize("name", CORRECTIONS)
def test_correction_names_its_statement_and_says_what_is_right(name):
    correction = CORRECTIONS[name]
    assert re.fullmatch(r"MQTT-\d(\.\d+)+(-\d+)?", correction.statement)
    assert correction.sentence.endswith(".")
    assert callable(correction.stock)


def test_connect_after_the_time_out_is_too_late():
    """The time-out is about CONNECT: a client that has sent one may be silent."""
    with Broker() as broker:
        raw = Raw(broker.host, broker.port)
        raw.send(connect("x", keep_alive=0))
        raw.expect("CONNACK")
        began = time.monotonic()
        assert not raw.closed_within(0.6)
        assert time.monotonic() - began >= 0.6
        raw.close()
