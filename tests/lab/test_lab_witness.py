"""A broker elsewhere, seen through the network: the same answers as the broker itself would give."""

import pytest

from mqttkit import Broker, BrokerError, Lab, Will
from support import need


@pytest.fixture
def elsewhere():
    """A broker that the lab knows by its URL only; yields it so that its own answers can be compared."""
    with Broker() as broker:
        yield broker


def scene(lab):
    """Clients that subscribe, keep a session, retain, leave a will and vanish."""
    sleeper = lab.client("sleeper", clean_session=False)
    sleeper.subscribe("home/#", qos=1)
    sleeper.disconnect()
    lab.client("pump", will=Will("home/pump", "gone", qos=1, retain=True), keep_alive=30)
    speaker = lab.client("speaker")
    speaker.publish("home/door", "open", qos=1, retain=True)
    speaker.publish("home/door", "closed", qos=1, retain=True)
    speaker.publish("home/window", "open", qos=1, retain=True)
    speaker.publish("home/window", b"", qos=1, retain=True)


@pytest.mark.parametrize("question", ["clients", "subscriptions", "retained"])
def test_witness_says_what_the_broker_says(elsewhere, question):
    with Lab(elsewhere.url) as lab:
        scene(lab)
        told, known = getattr(lab.broker, question)(), getattr(elsewhere, question)()
        assert told == known
        assert str(told) == str(known)
        assert told, "nothing to compare"


def test_witness_counts_what_waits_for_a_sleeping_session(elsewhere):
    with Lab(elsewhere.url) as lab:
        scene(lab)
        ours = {
            s.client_id: (s.connected, s.clean_session, s.subscriptions, len(s.queued)) for s in lab.broker.sessions()
        }
        theirs = {
            s.client_id: (s.connected, s.clean_session, s.subscriptions, len(s.queued)) for s in elsewhere.sessions()
        }
        assert ours == theirs
        assert ours["sleeper"] == (False, False, 1, 4)


def test_witness_sees_a_will_that_was_retained(elsewhere):
    with Lab(elsewhere.url) as lab:
        lab.client("pump", will=Will("home/pump", "gone", qos=1, retain=True))
        lab.network.cut("pump")
        assert [(r.topic, r.payload, r.qos) for r in lab.broker.retained()] == [("home/pump", b"gone", 1)]
        assert "pump" not in [client.client_id for client in lab.broker.clients()]


def test_without_a_network_nobody_has_looked():
    with Broker() as broker, pytest.raises(BrokerError, match="does not tell"):
        Broker.at(broker.url).clients()


def test_witness_on_mosquitto():
    need("mosquitto")
    with Broker(engine="mosquitto") as broker, Lab(broker.url) as lab:
        scene(lab)
        assert [r.topic for r in lab.broker.retained()] == ["home/door"]
        assert [s.client_id for s in lab.broker.sessions() if s.queued] == ["sleeper"]
