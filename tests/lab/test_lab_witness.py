"""A broker elsewhere, seen through the network: the same answers as the broker itself would give."""

import pytest

from mqttkit import Broker, BrokerError, Client, Lab, Will
from mqttkit.broker.state import RetainedMessage, Table
from support.labs import ENGINES, installed


@pytest.fixture(params=ENGINES)
def elsewhere(request):
    """A broker that the lab knows by its URL only; yields it so that its own answers can be compared."""
    with Broker(engine=installed(request.param)) as broker:
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


def handed_out(broker):
    """The retained messages as a new subscriber gets them: mosquitto does not list them."""
    with Client(broker, "late") as late:
        late.subscribe("#", 2)
        late.publish("fence", "", 2)
        late.wait_for(topic="fence")
        kept = [RetainedMessage(m.topic, m.payload, m.qos) for m in late.messages if m.retain]
    return Table(RetainedMessage, sorted(kept, key=lambda message: message.topic))


@pytest.mark.parametrize("question", ["clients", "subscriptions", "retained"])
def test_witness_says_what_the_broker_says(elsewhere, question):
    with Lab(elsewhere.url) as lab:
        scene(lab)
        told = getattr(lab.broker, question)()
        known = handed_out(elsewhere) if question == "retained" else getattr(elsewhere, question)()
        assert told == known
        assert str(told) == str(known)
        assert told, "nothing to compare"


@pytest.mark.parametrize("question", ["clients", "retained", "sessions"])
def test_witness_does_not_forget_with_the_trace(elsewhere, question):
    """Packets are shown no more after `clear()`, or once there are too many; the broker has forgotten nothing."""
    with Lab(elsewhere.url) as lab:
        scene(lab)
        told = getattr(lab.broker, question)()
        assert told
        lab.trace.clear()
        assert getattr(lab.broker, question)() == told


def test_witness_counts_what_waits_for_a_sleeping_session(elsewhere):
    with Lab(elsewhere.url) as lab:
        scene(lab)
        waiting = {session.client_id: len(session.queued) for session in lab.broker.sessions()}
        if elsewhere.engine == "amqtt":  # mosquitto does not tell
            assert waiting == {session.client_id: len(session.queued) for session in elsewhere.sessions()}
        ours, theirs = (
            [(s.client_id, s.connected, s.clean_session, s.subscriptions) for s in broker.sessions()]
            for broker in (lab.broker, elsewhere)
        )
        assert ours == theirs
        assert ours[1] == ("sleeper", False, False, 1)
        assert waiting["sleeper"] == 4


def test_witness_sees_a_will_that_was_retained(elsewhere):
    with Lab(elsewhere.url) as lab:
        lab.client("pump", will=Will("home/pump", "gone", qos=1, retain=True))
        lab.network.cut("pump")
        assert [(r.topic, r.payload, r.qos) for r in lab.broker.retained()] == [("home/pump", b"gone", 1)]
        assert "pump" not in [client.client_id for client in lab.broker.clients()]


def test_without_a_network_nobody_has_looked():
    with Broker() as broker, pytest.raises(BrokerError, match="does not tell"):
        Broker.at(broker.url).clients()
