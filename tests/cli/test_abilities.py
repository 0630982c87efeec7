"""`mqttkit doctor --broker URL` finds out what a broker really does."""

from __future__ import annotations

from mqttkit import Broker, Network
from mqttkit.cli import main
from mqttkit.doctor import abilities as module
from mqttkit.doctor.abilities import PROBES, abilities
from support import need

ONLY_V5 = {"MQTT 5", "shared subscriptions"}


def answers(url: str) -> dict[str, str]:
    """The answer to each question."""
    return {one.name: one.answer for one in abilities(url)}


def test_the_embedded_broker_does_all_of_mqtt_3_1_1():
    with Broker() as broker:
        found = answers(broker.url)
        assert {name for name, answer in found.items() if answer == "no"} == {*ONLY_V5, "WebSocket"}
        assert found.keys() == PROBES.keys()
        assert broker.retained() == []
        assert broker.sessions() == []
        assert broker.clients() == []


def test_mosquitto_does_mqtt_5_too():
    need("mosquitto")
    with Broker(engine="mosquitto") as broker:
        found = answers(broker.url)
    assert {name for name, answer in found.items() if answer == "no"} == {"WebSocket"}


def test_over_websocket_it_asks_the_same():
    with Broker(port=None, websocket=True) as broker:
        found = answers(broker.urls["ws"])
    assert {name for name, answer in found.items() if answer == "no"} == ONLY_V5


def test_a_password_that_was_meant_for_tls_is_not_sent_in_the_open(monkeypatch):
    """Not even to ports where others keep WebSocket without TLS."""
    with Broker(tls=True, websocket=True, users={"anna": "secret"}) as broker, Network(broker) as listener:
        monkeypatch.setattr(module, "_USUAL_WEBSOCKET_PORTS", (listener.port,))
        monkeypatch.setattr(module, "PROBES", {"WebSocket": PROBES["WebSocket"]})
        monkeypatch.setenv("SSL_CERT_FILE", str(broker.ca))
        answers(broker.urls["mqtts"].replace("://", "://anna:secret@"))
        assert listener.trace.links  # it was asked there
        assert not listener.trace.eavesdrop().knows("secret")


def test_a_broker_without_quality_2_or_wildcards_is_found_out(monkeypatch):
    """The network in front takes away what some real brokers do not have."""
    monkeypatch.setattr(module, "_WAIT", 0.3)
    chosen = (
        "QoS 1",
        "QoS 2",
        "retained message",
        "retained message through a wildcard",
        "queue for a sleeping client",
    )
    monkeypatch.setattr(module, "PROBES", {name: PROBES[name] for name in chosen})
    with Broker() as broker, Network(broker) as network:
        network.lose("PUBREC")
        network.lose("PUBLISH", where=lambda packet: packet.payload == b"kept", sender="broker")
        found = answers(network.url)
    assert [found[name] for name in chosen] == ["yes", "no", "no", "no", "yes"]


def test_the_terminal_shows_answers_and_never_the_password(capsys):
    with Broker(users={"ann": "top-secret"}) as broker:
        url = broker.url.replace("://", "://ann:top-secret@")
        assert main(["doctor", "--broker", url]) == 0
    shown = capsys.readouterr().out
    assert "top-secret" not in shown
    assert all(name in shown for name in PROBES)


def test_nobody_there_and_no_way_in_are_one_sentence(capsys):
    assert main(["doctor", "--broker", "mqtt://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with Broker(users={"ann": "secret"}) as broker:
        assert main(["doctor", "--broker", broker.url]) == 1
    assert "mqttkit: " in capsys.readouterr().err
    assert main(["doctor", "--broker", "htp://x"]) == 2
