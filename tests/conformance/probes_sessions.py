"""Sessions, take-over, wills, keep alive."""

import time

from probes import probe

from support.rawmqtt import DISCONNECT, PINGREQ, ack, connect, publish, subscribe


def _pair(present):
    return "session present" if present else "new session"


_FAIR = 1.2  # seconds between two packets that a client with keep alive 1 s may take
_ATTEMPTS = 5


@probe("MQTT-3.2.2-2", "new session; session present")
def session_present(net):
    """clean_session=False twice: the session present flag of the two CONNACKs?"""
    first, (present, _) = net.persistent()
    first.send(DISCONNECT)
    first.closed_within(3)
    _, (again, _) = net.persistent()
    return f"{_pair(present)}; {_pair(again)}"


@probe("MQTT-3.1.2-6", "new session; nothing", "forget_at_once")
def clean_session_is_forgotten(net):
    """A client with clean_session=True leaves and comes back at once with False: what does it find?"""
    first = net.subscriber(("t", 1), client_id="x")
    first.send(DISCONNECT)
    first.closed_within(3)
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1))
    publisher.fence()
    back, (present, _) = net.persistent("x")
    return f"{_pair(present)}; {back.received()}"


@probe("MQTT-3.1.2-5", "session present; b QoS 1, c QoS 2", "keeps_session", "queued_retain", "delivered_qos")
def offline_queue(net):
    """QoS 0, 1 and 2 messages (the second retained) for a sleeping client: what does it get when it is back?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 2))
    sleeper.send(DISCONNECT)
    sleeper.closed_within(3)
    publisher = net.client("publisher")
    publisher.send(publish("t", b"a", 0), publish("t", b"b", 1, retain=True, pid=1))
    publisher.send(publish("t", b"c", 2, pid=2), ack("PUBREL", 2))
    publisher.fence()
    sleeper, (present, _) = net.persistent()
    return f"{_pair(present)}; {sleeper.received()}"


@probe("MQTT-4.4.0-1", "m QoS 1 pid 1; resumed: m QoS 1 DUP pid 1", "resend")
def unacknowledged_message_is_resent(net):
    """A QoS 1 delivery is not acknowledged, the connection breaks, the client comes back: what comes at once?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 1))
    net.client("publisher").send(publish("t", b"m", 1))
    first = sleeper.get()
    sleeper.close()
    sleeper, _ = net.persistent()
    again = sleeper.get()
    return f"{first} pid {first.pid}; resumed: {again} pid {again.pid}"


@probe("MQTT-4.4.0-1", "nothing")
def nothing_is_resent_while_connected(net):
    """A QoS 1 delivery is not acknowledged for 1.5 s and the connection stays: does it come again?"""
    subscriber = net.subscriber(("t", 1))
    net.client("publisher").send(publish("t", b"m", 1))
    subscriber.expect("PUBLISH")
    try:
        return str(subscriber.get(1.5))
    except TimeoutError:
        return "nothing"


@probe(
    "MQTT-4.3.3-1", "PUBLISH QoS 2 pid 1; after PUBREC: PUBREL 1; resumed: PUBREL 1; after PUBCOMP: nothing", "resend"
)
def released_message_continues_with_pubrel(net):
    """A QoS 2 delivery breaks off after PUBREC: what comes when the client is back?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 2), ack("PUBREL", 1))
    first = sleeper.get()
    sleeper.send(ack("PUBREC", first.pid))
    release = sleeper.get()
    sleeper.close()
    sleeper, _ = net.persistent()
    again = sleeper.get()
    sleeper.send(ack("PUBCOMP", again.pid))
    return (
        f"PUBLISH QoS {first.qos} pid {first.pid}; after PUBREC: {release.type} {release.pid}; "
        f"resumed: {again.type} {again.pid}; after PUBCOMP: {sleeper.received()}"
    )


@probe("MQTT-4.6.0-1", "a QoS 1 DUP, b QoS 1 DUP, c QoS 1", "resend")
def resent_before_new_in_order(net):
    """Two messages unacknowledged, one queued while away: in which order do they come?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 1))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"a", 1), publish("t", b"b", 1, pid=2))
    sleeper.get(), sleeper.get()
    sleeper.send(DISCONNECT)
    sleeper.closed_within(3)
    publisher.send(publish("t", b"c", 1, pid=3))
    publisher.fence()
    sleeper, _ = net.persistent()
    return sleeper.received()


def _take_over(net, first_clean, second_clean):
    first = net.raw()
    first.connect("x", clean=first_clean, will=("will", b"gone", 0, False))
    first.subscribe(("t", 1))
    second = net.raw()
    present, _ = second.connect("x", clean=second_clean)
    closed = first.closed_within(3)
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1))
    publisher.fence()
    return f"{'first closed' if closed else 'BOTH OPEN'}, {_pair(present)}, second gets {second.received()}"


@probe("MQTT-3.1.4-2", "first closed, new session, second gets nothing", "replaces")
def take_over_clean_by_clean(net):
    """Second connection with the same client id, both clean?"""
    return _take_over(net, True, True)


@probe("MQTT-3.1.4-2", "first closed, new session, second gets nothing", "replaces")
def take_over_persistent_by_clean(net):
    """Second connection with the same client id, persistent then clean?"""
    return _take_over(net, False, True)


@probe("MQTT-3.1.4-2", "first closed, new session, second gets nothing")
def take_over_clean_by_persistent(net):
    """Second connection with the same client id, clean then persistent?"""
    return _take_over(net, True, False)


@probe("MQTT-3.1.4-2", "first closed, session present, second gets m QoS 1", "keeps_session")
def take_over_persistent_by_persistent(net):
    """Second connection with the same client id, both persistent?"""
    return _take_over(net, False, False)


@probe("MQTT-3.1.2-8", "old QoS 0")
def will_at_take_over(net):
    """Whose will is sent at a take-over, the old connection's or the new one's?"""
    watcher = net.subscriber(("will", 0), client_id="watcher")
    net.persistent("x", will=("will", b"old", 0, False))
    second, _ = net.persistent("x", will=("will", b"new", 0, False))
    second.fence()
    return watcher.received()


def _will(net, end, qos=1, retain=False, granted=2):
    watcher = net.subscriber(("will", granted), client_id="watcher")
    client = net.client("x", will=("will", b"gone", qos, retain))
    end(client)
    try:
        return str(watcher.get(3))
    except TimeoutError:
        return "no will"


@probe("MQTT-3.1.2-8", "EOF: gone QoS 1; reset: gone QoS 1")
def will_when_the_connection_breaks(net):
    """End of file or TCP reset without DISCONNECT: which will arrives?"""
    return f"EOF: {_will(net, lambda c: c.close())}; reset: {_will(net, lambda c: c.reset())}"


@probe("MQTT-3.14.4-3", "no will")
def no_will_after_disconnect(net):
    """DISCONNECT, then the connection is closed: is the will sent?"""
    watcher = net.subscriber(("will", 1), client_id="watcher")
    client = net.client("x", will=("will", b"gone", 1, False))
    client.send(DISCONNECT)
    client.closed_within(3)
    return "no will" if watcher.received() == "nothing" else "will"


@probe("MQTT-3.1.2-8", "gone QoS 1")
def will_after_a_protocol_error(net):
    """A malformed packet makes the broker close the connection: is the will sent?"""
    return _will(net, lambda client: client.send(b"\x00\x00"))


@probe("MQTT-3.1.2-9", "gone QoS 0")
def qos_of_a_will(net):
    """Will at QoS 2, subscriber at QoS 0: how does it arrive?"""
    return _will(net, lambda client: client.close(), qos=2, granted=0)


@probe("MQTT-3.1.2-17", "live gone QoS 1; late gone QoS 1 RETAIN")
def retained_will(net):
    """A will with will retain: with which flags does it reach a present and a late subscriber?"""
    live = _will(net, lambda client: client.close(), retain=True)
    return f"live {live}; late {net.subscriber(('will', 1), client_id='late').received()}"


@probe("MQTT-3.1.2-24", "closed in time; gone QoS 1", "silence_limit")
def silent_link(net):
    """A client with keep alive 1 s falls silent: is it cut off after 1.5 s, and is its will sent?"""
    watcher = net.subscriber(("will", 2), client_id="watcher")
    client = net.client("x", keep_alive=1, will=("will", b"gone", 1, False))
    began = time.monotonic()
    closed = client.closed_within(7)
    in_time = 1.4 < time.monotonic() - began < 4
    return f"{('closed in time' if in_time else 'closed late') if closed else 'open'}; {watcher.received()}"


@probe("MQTT-3.1.2-24", "open")
def pings_keep_a_link_alive(net):
    """A client with keep alive 1 s that sends a PINGREQ every half second for 2.5 s?"""
    return _kept_alive(net, PINGREQ, 0.5, 5)


def _kept_alive(net, data, pause, times):
    """What becomes of a client with keep alive 1 s that sends `data` so often; asked again where we could not send in time."""
    for attempt in range(_ATTEMPTS):
        client = net.client(f"x{attempt}", keep_alive=1)
        for _ in range(times):
            began = time.monotonic()
            client.send(data)
            if client.closed_within(pause):
                if time.monotonic() - began > _FAIR:  # the machine held us up: it was right to close
                    break
                return "closed"
        else:
            return client.fate()
    return "never asked in time"


@probe("MQTT-3.14.4-1", "no will; 3 messages: a QoS 0, b QoS 1, c QoS 2", "store_once")
def all_in_one_segment(net):
    """CONNECT, three PUBLISH and DISCONNECT in one TCP segment: is anything lost, is the will sent?"""
    watcher = net.subscriber(("t", 2), ("will", 0), client_id="watcher")
    client = net.raw()
    client.send(
        connect("x", will=("will", b"gone", 0, False)), publish("t", b"a"), publish("t", b"b", 1),
        publish("t", b"c", 2, pid=2), publish("t", b"c", 2, pid=2, dup=True), ack("PUBREL", 2), DISCONNECT,
    )  # fmt: skip
    client.closed_within(3)
    got = watcher.received()
    return f"{'WILL' if 'gone' in got else 'no will'}; {got.count('QoS')} messages: {got}"


@probe("MQTT-4.3.3-2", "PUBREC 5 twice; PUBCOMP 5 twice; m QoS 2", "store_once", "completes_unknown")
def qos_2_arrives_once(net):
    """PUBLISH at QoS 2 twice (the second with DUP), then PUBREL twice: answers, and what the subscriber gets?"""
    subscriber = net.subscriber(("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 2, pid=5), publish("t", b"m", 2, pid=5, dup=True))
    first = [f"{publisher.get()}" for _ in range(2)]
    publisher.send(ack("PUBREL", 5), ack("PUBREL", 5))
    second = [f"{publisher.get()}" for _ in range(2)]
    return (
        f"{first[0]} 5 {'twice' if first[0] == first[1] else first[1]}; "
        f"{second[0]} 5 {'twice' if second[0] == second[1] else second[1]}; {subscriber.received()}"
    )


@probe("MQTT-4.3.3-1", "PUBREL 77", "pubrec")
def unknown_pubrec(net):
    """PUBREC for a delivery that is not in flight: is it answered?"""
    client = net.client("x")
    client.send(ack("PUBREC", 77))
    got = client.get(3)
    return f"{got} {got.pid}"


@probe("MQTT-4.3.3-2", "new session: m QoS 2 once")
def lost_pubrel_and_reconnect(net):
    """QoS 2 publisher loses the link after PUBREC, comes back and sends only PUBREL: does the message arrive once?"""
    subscriber = net.subscriber(("t", 2))
    publisher, (present, _) = net.persistent("publisher")
    publisher.send(publish("t", b"m", 2, pid=9))
    publisher.expect("PUBREC")
    publisher.close()
    publisher, _ = net.persistent("publisher")
    publisher.send(publish("t", b"m", 2, pid=9, dup=True))
    publisher.expect("PUBREC")
    publisher.send(ack("PUBREL", 9))
    publisher.expect("PUBCOMP")
    return f"{_pair(present)}: {subscriber.received()} once"


@probe("MQTT-3.1.2-6", "nothing; then fresh QoS 0")
def clean_session_drops_subscriptions(net):
    """A persistent client comes back with clean_session=True, then subscribes anew: what does it get?"""
    sleeper, _ = net.persistent("x")
    sleeper.subscribe(("t", 1))
    sleeper.send(DISCONNECT)
    sleeper.closed_within(3)
    publisher = net.client("publisher")
    publisher.send(publish("t", b"old", 1))
    publisher.fence()
    back = net.client("x")
    before = back.received()
    back.send(subscribe(("t", 0)))
    back.expect("SUBACK")
    publisher.send(publish("t", b"fresh", 1, pid=2))
    publisher.fence()
    return f"{before}; then {back.received()}"


@probe("MQTT-3.1.2-24", "open")
def keep_alive_zero(net):
    """A client with keep alive 0 is silent for two seconds?"""
    client = net.client("x", keep_alive=0)
    return "closed" if client.closed_within(2) else client.fate()


@probe("MQTT-3.1.2-24", "open", also=("MQTT-3.12.4-1",))
def any_packet_keeps_a_link_alive(net):
    """A client with keep alive 1 s that publishes every 0.7 s for 2.8 s, and sends no PINGREQ?"""
    return _kept_alive(net, publish("t", b"m"), 0.7, 4)
