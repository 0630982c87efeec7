"""Retained messages: replacing, clearing, who gets them; wills that are retained or not."""

from probes import probe

from support.rawmqtt import DISCONNECT, ack, publish


def _late(net, *wanted, name="late"):
    return net.subscriber(*(wanted or (("t", 2),)), client_id=name).received()


def _publish(net, *packets):
    publisher = net.client("publisher")
    publisher.send(*packets)
    publisher.fence()
    return publisher


def keep(payload, qos=0, pid=1, topic="t"):
    return publish(topic, payload, qos, retain=True, pid=pid)


@probe("MQTT-3.3.1-7", "new QoS 0 RETAIN", "retained_qos", also=("MQTT-3.3.1-5", "MQTT-3.3.1-8"))
def retained_at_qos_0_replaces(net):
    """A retained message at QoS 1 is followed by one at QoS 0: what does a late subscriber get?"""
    _publish(net, keep(b"old", 1), keep(b"new"))
    return _late(net)


@probe("MQTT-3.3.1-5", "before PUBREL old QoS 1 RETAIN; then new QoS 2 RETAIN; cleared nothing")
def retained_at_qos_2(net):
    """A retained message is replaced at QoS 2, then cleared at QoS 2: what do late subscribers get, and from when?"""
    publisher = _publish(net, keep(b"old", 1), keep(b"new", 2, 2))
    before = _late(net, name="one")
    publisher.send(ack("PUBREL", 2))
    publisher.fence()
    then = _late(net, name="two")
    publisher.send(keep(b"", 2, 3), ack("PUBREL", 3))
    publisher.fence()
    return f"before PUBREL {before}; then {then}; cleared {_late(net, name='three')}"


@probe("MQTT-3.3.1-12", "kept QoS 0 RETAIN", "retained_qos")
def ordinary_message_replaces_nothing(net):
    """After a retained message come ordinary ones, the last one empty: what does a late subscriber get?"""
    _publish(net, keep(b"kept"), publish("t", b"other"), publish("t", b"", 1))
    return _late(net)


@probe("MQTT-3.3.1-10", "live:  QoS 1; late: nothing", also=("MQTT-3.3.1-11",))
def clearing_at_qos_1_what_was_never_there(net):
    """An empty retained message where nothing was retained: what do a present and a late subscriber get?"""
    present = net.subscriber(("t", 1), client_id="present")
    _publish(net, keep(b"", 1))
    return f"live: {present.received()}; late: {_late(net)}"


@probe("MQTT-3.3.1-6", "a b; not $x c")
def retained_through_a_wildcard(net):
    """Retained on r/a, r/b and $x/c: which does a new subscriber of # get?"""
    _publish(net, keep(b"a", topic="r/a"), keep(b"b", topic="r/b"), keep(b"c", topic="$x/c"))
    got = sorted(message.payload.decode() for message in net.subscriber(("#", 0), client_id="late").fence())
    direct = _late(net, ("$x/c", 0), name="direct")
    return f"{' '.join(got)}; not $x {direct.split()[0]}"


@probe("MQTT-3.1.2-7", "m QoS 1 RETAIN", also=("MQTT-3.3.1-8",))
def retained_message_outlives_its_publisher(net):
    """A client retains a message and leaves, its session with it: is the message still there?"""
    publisher = _publish(net, keep(b"m", 1))
    publisher.send(DISCONNECT)
    publisher.closed_within(3)
    return _late(net)


def _dies(net, payload, qos, retain):
    watcher = net.subscriber(("t", 2), client_id="watcher")
    net.client("x", will=("t", payload, qos, retain)).close()
    try:
        live = str(watcher.get(3))
    except TimeoutError:
        live = "nothing"
    return f"live {live}; late {_late(net)}"


@probe("MQTT-3.1.2-16", "live gone QoS 1; late nothing")
def will_that_is_not_retained(net):
    """A will without will retain: what do a present and a late subscriber get?"""
    return _dies(net, b"gone", 1, False)


@probe("MQTT-3.1.2-17", "live gone QoS 0; late gone QoS 0 RETAIN", "retained_qos")
def retained_will_at_qos_0(net):
    """A will with will retain at QoS 0, to subscribers at QoS 2?"""
    return _dies(net, b"gone", 0, True)


@probe("MQTT-3.3.1-11", "live  QoS 1; late nothing")
def empty_retained_will_clears(net):
    """A retained message, then a will with will retain and an empty payload: what is left?"""
    _publish(net, keep(b"here", 1))
    watcher = net.subscriber(("t", 2), client_id="watcher")
    watcher.send(ack("PUBACK", watcher.get().pid))
    net.client("x", will=("t", b"", 1, True)).close()
    return f"live {watcher.get(3)}; late {_late(net)}"


@probe("MQTT-3.1.2-12", "nothing")
def no_will_no_message(net):
    """A client without a will is cut off: does anybody hear of it?"""
    watcher = net.subscriber(("#", 0), client_id="watcher")
    net.client("x").reset()
    net.client("y").fence()
    return watcher.received()


@probe("MQTT-3.1.2-10", "nothing", also=("MQTT-3.14.4-3",))
def will_does_not_outlive_its_connection(net):
    """A persistent client with a will says DISCONNECT, comes back without one and is cut off: is the old will sent?"""
    watcher = net.subscriber(("t", 0), client_id="watcher")
    first, _ = net.persistent("x", will=("t", b"old", 0, False))
    first.send(DISCONNECT)
    first.closed_within(3)
    second, _ = net.persistent("x")
    second.close()
    net.client("y").fence()
    return watcher.received()


def _will_at_take_over(net, first_clean, second_clean):
    name = f"x{first_clean}{second_clean}"
    watcher = net.subscriber((name, 0), client_id="watcher")
    net.client(name, clean=first_clean, will=(name, b"old", 0, False))
    net.client(name, clean=second_clean, will=(name, b"new", 0, False)).fence()
    return watcher.received()


@probe("MQTT-3.1.2-8", "clean by clean: old QoS 0; clean by persistent: old QoS 0; persistent by clean: old QoS 0")
def will_at_each_take_over(net):
    """Whose will is sent when a clean session takes part in the take-over?"""
    kinds = {"clean by clean": (True, True), "clean by persistent": (True, False), "persistent by clean": (False, True)}
    return "; ".join(f"{name}: {_will_at_take_over(net, *kind)}" for name, kind in kinds.items())
