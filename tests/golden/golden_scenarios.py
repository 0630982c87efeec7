"""The scenarios the course rests on. Each takes a running Lab, plays, and returns the trace of what happened."""

from __future__ import annotations

from mqttkit import Will

TOPIC = "home/kitchen/temperature"
STATUS = "home/bob/status"
WILL = Will(STATUS, "gone", qos=1)


def _alice_and_bob(lab, qos, **bob):
    alice = lab.client("alice")
    alice.subscribe(TOPIC, qos=qos)
    return alice, lab.client("bob", **bob)


def _clean(lab, qos):
    alice, bob = _alice_and_bob(lab, qos)
    with lab.record() as story:
        bob.publish(TOPIC, "21.5", qos=qos)
        alice.wait_for(1)
    return story


def qos0_clean(lab):
    """QoS 0: one packet on each hop, no acknowledgement."""
    return _clean(lab, 0)


def qos1_clean(lab):
    """QoS 1: PUBLISH and PUBACK on each hop."""
    return _clean(lab, 1)


def qos2_clean(lab):
    """QoS 2: four packets on each hop."""
    return _clean(lab, 2)


def _lost_then_again(lab, type_, qos, **where):
    """A packet gets lost; bob's link is cut; bob comes back with his session and finishes."""
    alice, bob = _alice_and_bob(lab, qos, clean_session=False)
    with lab.record() as story:
        with lab.network.lose(type_, **where):
            bob.publish(TOPIC, "21.5", qos=qos, wait=False)
        lab.network.cut("bob")
        bob.connect()
        alice.wait_for(1)
    return story


def lost_publish(lab):
    """QoS 1, the PUBLISH got lost: it is sent again after the reconnect and arrives once."""
    return _lost_then_again(lab, "PUBLISH", 1, sender="bob")


def lost_puback(lab):
    """QoS 1, the PUBACK got lost: the message arrives twice."""
    return _lost_then_again(lab, "PUBACK", 1, to="bob")


def lost_pubrec(lab):
    """QoS 2, the PUBREC got lost: the PUBLISH is sent again, the message arrives once."""
    return _lost_then_again(lab, "PUBREC", 2, to="bob")


def lost_pubrel(lab):
    """QoS 2, the PUBREL got lost: it is sent again, the message arrives once."""
    return _lost_then_again(lab, "PUBREL", 2, sender="bob")


def lost_pubcomp(lab):
    """QoS 2, the PUBCOMP got lost: the PUBREL is sent again, the message arrives once."""
    return _lost_then_again(lab, "PUBCOMP", 2, to="bob")


def _watcher(lab):
    watcher = lab.client("alice")
    watcher.subscribe(STATUS, qos=1)
    return watcher


def will_by_cut(lab):
    """The link is cut: the will is published."""
    alice = _watcher(lab)
    with lab.record() as story:
        lab.client("bob", will=WILL)
        lab.network.cut("bob")
        alice.wait_for(1)
    return story


def will_by_silence(lab):
    """The link falls silent: after 1.5 times the keep alive the broker publishes the will."""
    alice = _watcher(lab)
    with lab.record() as story:
        lab.client("bob", will=WILL, keep_alive=1)
        lab.network.silence("bob")
        alice.wait_for(1, timeout=10)
    lab.network.heal()
    return story


def no_will_after_disconnect(lab):
    """DISCONNECT: the will is thrown away; alice gets the next message only."""
    alice = _watcher(lab)
    carol = lab.client("carol")
    with lab.record() as story:
        lab.client("bob", will=WILL).disconnect()
        carol.publish(STATUS, "not the will", qos=1)
        alice.wait_for(1)
    return story


def offline_queue(lab):
    """A persistent session: what was published while alice was away comes when she is back, but QoS 0 does not."""
    alice = lab.client("alice", clean_session=False)
    alice.subscribe(TOPIC, qos=1)
    bob = lab.client("bob")
    with lab.record() as story:
        alice.disconnect()
        bob.publish(TOPIC, "21.0", qos=1)
        bob.publish(TOPIC, "21.5", qos=0)
        bob.publish(TOPIC, "22.0", qos=1)
        alice.connect()
        alice.wait_for(2)
    return story


def take_over(lab):
    """A second connection with the same client id: the broker ends the first one."""
    from mqttkit import Client

    first = lab.client("alice")
    with lab.record() as story:
        second = Client(lab.network, "alice").connect()
        first.wait_closed()
    second.close()
    return story


SCENARIOS = (
    qos0_clean,
    qos1_clean,
    qos2_clean,
    lost_publish,
    lost_puback,
    lost_pubrec,
    lost_pubrel,
    lost_pubcomp,
    will_by_cut,
    will_by_silence,
    no_will_after_disconnect,
    offline_queue,
    take_over,
)
