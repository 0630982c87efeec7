"""QoS 1 and 2 in both directions, with losses, reconnects and take-overs in the middle."""

from probes import probe

from support.rawmqtt import DISCONNECT, PINGREQ, ack, connect, publish, subscribe, unsubscribe


def _packets(raw):
    """What has come, with packet identifiers."""
    return ", ".join(f"{got} {got.pid}" for got in raw.fence()) or "nothing"


def _sender_comes_back(net, before, after, clean=False):
    """A publisher sends `before`, loses its link, comes back and sends `after`: (answers then, what a subscriber gets)."""
    subscriber = net.subscriber(("t", 2))
    publisher, _ = net.persistent("publisher")
    publisher.send(*before)
    publisher.fence()
    publisher.close()
    publisher = net.client("publisher", clean=clean)
    publisher.send(*after)
    return _packets(publisher), subscriber.received()


MESSAGE, AGAIN = publish("t", b"m", 2, pid=9), publish("t", b"m", 2, pid=9, dup=True)


@probe("MQTT-4.3.3-2", "PUBCOMP 9; m QoS 2", also=("MQTT-3.3.4-1",))
def pubrel_after_a_reconnect(net):
    """PUBLISH at QoS 2, the link breaks after PUBREC, the client is back and sends PUBREL?"""
    return "; ".join(_sender_comes_back(net, [MESSAGE], [ack("PUBREL", 9)]))


@probe("MQTT-4.3.3-2", "PUBREC 9, PUBCOMP 9; m QoS 2", "store_once")
def pubrec_lost_and_reconnect(net):
    """PUBLISH at QoS 2, PUBREC is lost with the link, the client is back and sends it with DUP, then PUBREL?"""
    return "; ".join(_sender_comes_back(net, [MESSAGE], [AGAIN, ack("PUBREL", 9)]))


@probe("MQTT-4.3.3-2", "PUBCOMP 9; m QoS 2", "completes_unknown")
def pubcomp_lost_and_reconnect(net):
    """PUBCOMP is lost with the link, the client is back and sends PUBREL again?"""
    return "; ".join(_sender_comes_back(net, [MESSAGE, ack("PUBREL", 9)], [ack("PUBREL", 9)]))


@probe("MQTT-3.1.2-6", "PUBCOMP 9; nothing", also=("MQTT-3.1.4-3",))
def clean_session_forgets_a_half_received_message(net):
    """PUBLISH at QoS 2, the link breaks before PUBREL, the client is back with clean_session=True and sends PUBREL?"""
    return "; ".join(_sender_comes_back(net, [MESSAGE], [ack("PUBREL", 9)], clean=True))


@probe("MQTT-2.3.1-4", "a QoS 2, b QoS 2")
def packet_identifier_is_free_after_pubcomp(net):
    """Two messages at QoS 2 one after the other, with the same packet identifier: what arrives?"""
    subscriber = net.subscriber(("t", 2))
    publisher = net.client("publisher")
    for payload in (b"a", b"b"):
        publisher.send(publish("t", payload, 2, pid=3), ack("PUBREL", 3))
        publisher.fence()
    return subscriber.received()


@probe("MQTT-4.3.3-2", "nothing before PUBREL; then m QoS 2")
def qos_2_is_passed_on_at_pubrel(net):
    """PUBLISH at QoS 2 and no PUBREL yet: has a subscriber got it?"""
    subscriber = net.subscriber(("t", 2))
    publisher = net.client("publisher")
    publisher.send(MESSAGE)
    publisher.fence()
    before = subscriber.received()
    publisher.send(ack("PUBREL", 9))
    publisher.fence()
    return f"{before} before PUBREL; then {subscriber.received()}"


@probe("MQTT-4.3.2-2", "PUBACK 4, PUBACK 4; m QoS 1, m QoS 1", also=("MQTT-2.3.1-6",))
def qos_1_again_is_a_new_message(net):
    """PUBLISH at QoS 1 twice, the second with DUP: answers, and what a subscriber gets?"""
    subscriber = net.subscriber(("t", 1))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1, pid=4), publish("t", b"m", 1, pid=4, dup=True))
    return f"{_packets(publisher)}; {subscriber.received()}"


@probe("MQTT-3.3.1-3", "m QoS 1")
def dup_is_not_passed_on(net):
    """A message that was published with DUP: does it arrive with DUP?"""
    subscriber = net.subscriber(("t", 1))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1, dup=True))
    publisher.fence()
    return subscriber.received()


def _delivery_breaks(net, answers=()):
    """A QoS 2 delivery to a persistent client that sends `answers` and is cut off: what it gets when it is back."""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 2), ack("PUBREL", 1))
    sleeper.get()
    sleeper.send(*answers)
    sleeper.fence()
    sleeper.close()
    sleeper, _ = net.persistent()
    return sleeper


@probe("MQTT-4.4.0-1", "m QoS 2 DUP 1; PUBREL 1; nothing", "resend", also=("MQTT-3.3.1-1", "MQTT-4.3.3-1"))
def qos_2_delivery_breaks_off(net):
    """A QoS 2 delivery breaks off before PUBREC: what comes when the client is back, after PUBREC, after PUBCOMP?"""
    sleeper = _delivery_breaks(net)
    again = _packets(sleeper)
    sleeper.send(ack("PUBREC", 1))
    release = _packets(sleeper)
    sleeper.send(ack("PUBCOMP", 1))
    return f"{again}; {release}; {_packets(sleeper)}"


@probe("MQTT-4.3.3-1", "PUBREL 1, PUBREL 1; nothing")
def pubrec_twice(net):
    """PUBREC twice, then PUBCOMP: what comes?"""
    subscriber = net.subscriber(("t", 2))
    net.client("publisher").send(publish("t", b"m", 2), ack("PUBREL", 1))
    subscriber.get()
    subscriber.send(ack("PUBREC", 1), ack("PUBREC", 1))
    releases = _packets(subscriber)
    subscriber.send(ack("PUBCOMP", 1))
    return f"{releases}; {_packets(subscriber)}"


@probe("MQTT-4.4.0-1", "PUBREL 1; PUBCOMP, then b QoS 1", "resend", also=("MQTT-3.1.4-2",))
def take_over_in_the_middle_of_a_delivery(net):
    """A persistent client is taken over by itself after PUBREC of a QoS 2 delivery: what does the new connection get?"""
    first, _ = net.persistent("x")
    first.subscribe(("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"a", 2), ack("PUBREL", 1))
    first.send(ack("PUBREC", first.get().pid))
    first.fence()
    second, _ = net.persistent("x")
    release = _packets(second)
    second.send(ack("PUBCOMP", 1))
    publisher.send(publish("t", b"b", 1, pid=2))
    publisher.fence()
    return f"{release}; PUBCOMP, then {second.received()}"


@probe("MQTT-2.3.1-4", "a QoS 1 DUP 1, b QoS 1 DUP 2; c QoS 1 3", "resend", also=("MQTT-3.3.1-1",))
def new_identifiers_after_a_resumption(net):
    """Two deliveries unacknowledged and resent, then a new message: which packet identifiers?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 1))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"a", 1), publish("t", b"b", 1, pid=2))
    publisher.fence()
    sleeper.fence()
    sleeper.close()
    sleeper, _ = net.persistent()
    again = _packets(sleeper)
    publisher.send(publish("t", b"c", 1, pid=3))
    publisher.fence()
    return f"{again}; {_packets(sleeper)}"


def _take(raw, count):
    """The payloads of `count` messages, each acknowledged as its QoS wants it."""
    taken = []
    while len(taken) < count:
        got = raw.get()
        if got.type == "PUBREL":
            raw.send(ack("PUBCOMP", got.pid))
        elif got.type == "PUBLISH":
            taken.append(got.payload.decode())
            raw.send(ack("PUBACK" if got.qos == 1 else "PUBREC", got.pid))
    return taken


@probe("MQTT-4.6.0-6", "in order", also=("MQTT-4.6.0-5",))
def order_behind_the_window(net):
    """60 messages at QoS 1 and 2 in turn, more than the in-flight window, to a client that was away: their order?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 2))
    sleeper.send(DISCONNECT)
    sleeper.closed_within(3)
    publisher = net.client("publisher")
    for number in range(60):
        publisher.send(publish("t", b"%d" % number, 1 + number % 2, pid=number + 1))
        if number % 2:
            publisher.send(ack("PUBREL", number + 1))
    publisher.fence()
    sleeper, _ = net.persistent()
    return "in order" if _take(sleeper, 60) == [str(number) for number in range(60)] else "mixed up"


@probe("MQTT-3.10.4-3", "PUBREL 1 after UNSUBSCRIBE", also=("MQTT-3.10.4-2",))
def unsubscribe_lets_a_delivery_end(net):
    """UNSUBSCRIBE in the middle of a QoS 2 delivery: does the handshake go on?"""
    subscriber = net.subscriber(("t", 2))
    net.client("publisher").send(publish("t", b"m", 2), ack("PUBREL", 1))
    subscriber.get()
    subscriber.send(unsubscribe("t"))
    subscriber.expect("UNSUBACK")
    subscriber.send(ack("PUBREC", 1))
    return f"{_packets(subscriber)} after UNSUBSCRIBE"


@probe(
    "MQTT-4.1.0-1",
    "both queued: a QoS 1, b QoS 2",
    "keeps_session",
    also=("MQTT-4.1.0-2", "MQTT-3.1.2-4", "MQTT-4.5.0-1"),
)
def cut_off_client_keeps_its_session(net):
    """A persistent client vanishes without DISCONNECT: what waits for it?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 2))
    sleeper.reset()
    publisher = net.client("publisher")
    publisher.send(publish("t", b"a", 1), publish("t", b"b", 2, pid=2), ack("PUBREL", 2))
    publisher.fence()
    sleeper, (present, _) = net.persistent()
    got = sleeper.received().replace(" DUP", "")  # sent before the broker knew, or after
    return f"{'both' if present else 'no session'} queued: {got}"


@probe("MQTT-2.2.2-1", "all right")
def flags_of_the_brokers_packets(net):
    """The reserved bits of CONNACK, SUBACK, UNSUBACK, PINGRESP, PUBACK, PUBREC, PUBREL and PUBCOMP from the broker?"""
    raw = net.raw()
    raw.send(
        connect("x"), subscribe(("t", 2)), publish("t", b"m", 2, pid=1), ack("PUBREL", 1), publish("u", b"m", 1, pid=2)
    )
    raw.send(ack("PUBREC", 1), ack("PUBCOMP", 1), unsubscribe("t"), PINGREQ)
    flags = {}
    while "PINGRESP" not in flags:
        got = raw.get()
        flags[got.type] = got.flags
    wanted = {"CONNACK", "SUBACK", "UNSUBACK", "PINGRESP", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "PUBLISH"}
    wrong = {name: value for name, value in flags.items() if value != {"PUBREL": 2, "PUBLISH": 4}.get(name, 0)}
    return "all right" if flags.keys() == wanted and not wrong else f"{flags}"
