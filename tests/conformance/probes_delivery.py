"""QoS of a delivery, retained messages, subscriptions, order."""

from probes import probe

from support.rawmqtt import ack, publish, subscribe, unsubscribe


def _deliver(net, published, granted):
    subscriber = net.subscriber(("t", granted))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", published))
    if published == 2:
        publisher.send(ack("PUBREL", 1))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-3.8.4-6", "0/0→0 0/1→0 0/2→0 1/0→0 1/1→1 1/2→1 2/0→0 2/1→1 2/2→2", "delivered_qos")
def qos_of_a_delivery(net):
    """Published at / subscribed at → delivered at which QoS?"""
    pairs = []
    for published in range(3):
        for granted in range(3):
            got = _deliver(net, published, granted)
            pairs.append(f"{published}/{granted}→{got.removeprefix('m QoS ')}")
    return " ".join(pairs)


@probe("MQTT-3.8.4-3", "m QoS 0", "granted_qos")
def second_subscribe_replaces_the_qos(net):
    """SUBSCRIBE at QoS 2, then again at QoS 0: how does a message published at QoS 1 arrive?"""
    subscriber = net.subscriber(("t", 2))
    subscriber.subscribe(("t", 0), pid=2)
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-3.3.5-1", "m QoS 2", "delivered_qos")
def overlapping_filters(net):
    """Subscribed to t at QoS 0 and to # at QoS 2: how often, and how, does a message published at QoS 2 arrive?"""
    subscriber = net.subscriber(("+", 1), ("#", 2), ("t", 0))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 2), ack("PUBREL", 1))
    publisher.fence()
    publisher.send(publish("t", b"x", 0))
    publisher.fence()
    return subscriber.received().removesuffix(", x QoS 0")


@probe("MQTT-4.6.0-6", "in order")
def order_of_messages(net):
    """200 messages at QoS 0, 1 and 2 mixed: do those of a QoS arrive in the order they were sent?"""
    subscriber = net.subscriber(("t", 2))
    publisher = net.client("publisher")
    for number in range(200):
        publisher.send(publish("t", b"%d" % number, number % 2, pid=number + 1))
    publisher.fence()
    seen = []
    while len(seen) < 200:
        got = subscriber.get()
        seen.append(int(got.payload))
        if got.qos:
            subscriber.send(ack("PUBACK", got.pid))
    odd, even = [n for n in seen if n % 2], [n for n in seen if not n % 2]
    return "in order" if odd == sorted(odd) and even == sorted(even) else "mixed up"


@probe("MQTT-2.3.1-4", "1, 2, 3", "new_packet_id")
def packet_identifiers_count_from_1(net):
    """Which packet identifiers does the broker give its first deliveries to a client?"""
    subscriber = net.subscriber(("t", 1))
    subscriber.send(publish("u", b"", 2, pid=1), publish("u", b"", 2, pid=2))
    subscriber.fence()
    publisher = net.client("publisher")
    publisher.send(*[publish("t", b"m", 1, pid=n) for n in (1, 2, 3)])
    publisher.fence()
    return ", ".join(str(got.pid) for got in subscriber.fence())


@probe("MQTT-4.3.2-1", "20, then 1 more for each PUBACK", "window")
def in_flight_window(net):
    """How many of 30 QoS 1 messages are sent to a client that acknowledges none?"""
    subscriber = net.subscriber(("t", 1))
    publisher = net.client("publisher")
    publisher.send(*[publish("t", b"m", 1, pid=n + 1) for n in range(30)])
    publisher.fence()
    first = subscriber.fence()
    subscriber.send(ack("PUBACK", first[0].pid))
    return f"{len(first)}, then {len(subscriber.fence())} more for each PUBACK"


@probe("MQTT-3.3.1-9", "m QoS 1", "delivered_qos")
def live_delivery_has_no_retain_flag(net):
    """A retained message reaches somebody who has subscribed already: with which flags?"""
    subscriber = net.subscriber(("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1, retain=True))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-3.3.1-6", "m QoS 1 RETAIN")
def late_subscriber_gets_the_retained_message(net):
    """And a late subscriber at QoS 2?"""
    publisher = net.client("publisher")
    publisher.send(publish("t", b"old", 1, retain=True), publish("t", b"m", 1, retain=True, pid=2))
    publisher.fence()
    return net.subscriber(("t", 2)).received()


@probe("MQTT-3.8.4-6", "m QoS 0 RETAIN", "retained_qos")
def qos_of_a_retained_message(net):
    """Retained at QoS 0, subscribed at QoS 1: at which QoS does it arrive?"""
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 0, retain=True))
    publisher.fence()
    return net.subscriber(("t", 1)).received()


@probe("MQTT-3.8.4-3", "m QoS 0 RETAIN")
def subscribing_again_repeats_retained_messages(net):
    """The same SUBSCRIBE again: does the retained message come again?"""
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 0, retain=True))
    publisher.fence()
    subscriber = net.subscriber(("t", 0))
    subscriber.fence()
    subscriber.subscribe(("t", 0))
    return subscriber.received()


@probe("MQTT-3.3.1-11", "live:  QoS 0; late: nothing")
def empty_payload_clears_a_retained_message(net):
    """A retained message with an empty payload: what do a present and a late subscriber get?"""
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 0, retain=True))
    publisher.fence()
    present = net.subscriber(("t", 0), client_id="present")
    present.fence()
    publisher.send(publish("t", b"", 0, retain=True))
    publisher.fence()
    return f"live: {present.received()}; late: {net.subscriber(('t', 0), client_id='late').received()}"


@probe("MQTT-3.3.1-6", "nothing", "retained_at_connect")
def retained_only_for_subscribers(net):
    """What does a client get that connects while others have subscriptions, and subscribes to nothing?"""
    net.subscriber(("t", 1))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 1, retain=True))
    publisher.fence()
    return net.client("bystander").received()


@probe("MQTT-4.7.2-1", "nothing")
def wildcards_do_not_match_dollar_topics(net):
    """A message to $x/y: does it reach a subscriber of # and +/y?"""
    subscriber = net.subscriber(("#", 0), ("+/y", 0))
    publisher = net.client("publisher")
    publisher.send(publish("$x/y", b"m"))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-4.7.2-1", "open; after nothing", "keeps_sys_topics")
def publishing_to_sys(net):
    """A client publishes below $SYS: its connection, and a subscriber of that topic?"""
    subscriber = net.subscriber(("$SYS/my/own", 0))
    publisher = net.client("publisher")
    publisher.send(publish("$SYS/my/own", b"m"))
    return f"{publisher.fate()}; after {subscriber.received()}"


@probe("MQTT-4.7.2-1", "open; m QoS 0")
def dollar_topics_work_between_clients(net):
    """A message to $x/y and a subscriber of exactly that?"""
    subscriber = net.subscriber(("$x/y", 0))
    publisher = net.client("publisher")
    publisher.send(publish("$x/y", b"m"))
    return f"{publisher.fate()}; {subscriber.received()}"


@probe("MQTT-4.7.1-2", "a a/b a//b /a")
def matching(net):
    """Which of a, a/b, a//b, /a, A and b reach a subscriber of a/#, +/a (after leading slash) and nothing else?"""
    subscriber = net.subscriber(("a/#", 0), ("+/a", 0))
    publisher = net.client("publisher")
    publisher.send(*[publish(topic) for topic in ("a", "a/b", "a//b", "/a", "A", "b", "b/a/c")])
    publisher.fence()
    return " ".join(got.topic for got in subscriber.fence())


@probe("MQTT-3.10.4-4", "UNSUBACK 7; then nothing")
def unsubscribe_ends_a_subscription(net):
    """UNSUBSCRIBE, also from what was never subscribed: the answer, and what arrives afterwards?"""
    subscriber = net.subscriber(("t", 0))
    subscriber.send(unsubscribe("t", "never", pid=7))
    answer = subscriber.expect("UNSUBACK")
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m"))
    publisher.fence()
    return f"UNSUBACK {answer.pid}; then {subscriber.received()}"


@probe("MQTT-3.8.4-5", "[0, 1, 2]", also=("MQTT-3.9.3-1", "MQTT-3.9.3-2"))
def one_return_code_per_filter(net):
    """SUBSCRIBE with three filters at QoS 0, 1, 2: the return codes?"""
    return str(net.client("subscriber").subscribe(("a", 0), ("b", 1), ("c", 2)))


@probe("MQTT-3.8.4-2", "SUBACK 9", also=("MQTT-3.8.4-1", "MQTT-2.3.1-7"))
def suback_has_the_packet_identifier(net):
    """The packet identifier of a SUBACK?"""
    client = net.client("subscriber")
    client.send(subscribe(("a", 0), pid=9))
    return f"SUBACK {client.expect('SUBACK').pid}"


@probe("MQTT-4.5.0-1", "m QoS 0")
def own_messages_come_back(net):
    """Does a publisher that subscribes to its own topic get its messages?"""
    client = net.subscriber(("t", 0))
    client.send(publish("t", b"m"))
    return client.received()


@probe("MQTT-3.8.4-4", "[0, 2], m QoS 2", "granted_qos")
def the_same_filter_twice_in_one_packet(net):
    """SUBSCRIBE with t at QoS 0 and t at QoS 2: return codes, and a message at QoS 2?"""
    subscriber = net.client("subscriber")
    codes = subscriber.subscribe(("t", 0), ("t", 2))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"m", 2), ack("PUBREL", 1))
    publisher.fence()
    return f"{codes}, {subscriber.received()}"


@probe("MQTT-3.10.4-1", "m QoS 0", also=("MQTT-3.10.4-5",))
def unsubscribe_compares_character_by_character(net):
    """Subscribed to a/b, UNSUBSCRIBE from a/+ and A/b: does a message to a/b still come?"""
    subscriber = net.subscriber(("a/b", 0))
    subscriber.send(unsubscribe("a/+", "A/b"))
    subscriber.expect("UNSUBACK")
    publisher = net.client("publisher")
    publisher.send(publish("a/b", b"m"))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-3.10.4-2", "UNSUBACK 7; t only", also=("MQTT-3.10.4-4", "MQTT-3.10.4-6", "MQTT-2.3.1-7"))
def unsubscribe_leaves_other_filters(net):
    """Subscribed to #, a/+ and t, UNSUBSCRIBE from # and a/+ in one packet: which of a/b and t still come?"""
    subscriber = net.subscriber(("#", 0), ("a/+", 0), ("t", 0))
    subscriber.send(unsubscribe("#", "a/+", pid=7))
    answer = subscriber.expect("UNSUBACK")
    publisher = net.client("publisher")
    publisher.send(publish("a/b", b"m"), publish("t", b"m"))
    publisher.fence()
    return f"UNSUBACK {answer.pid}; {' '.join(got.topic for got in subscriber.fence())} only"


@probe("MQTT-4.2.0-1", "300 and 1", also=("MQTT-4.3.1-1",))
def segments_are_no_packets(net):
    """300 packets in one write, then one packet byte by byte: how many messages arrive?"""
    subscriber = net.subscriber(("t", 0))
    publisher = net.client("publisher")
    publisher.send(*[publish("t", b"m")] * 300)
    publisher.fence()
    first = len(subscriber.fence())
    for byte in publish("t", bytes(300)):
        publisher.send(bytes((byte,)))
    publisher.fence()
    return f"{first} and {len(subscriber.fence())}"


@probe(
    "MQTT-4.7.1-1", "a/b/c: # a/# a/b/# a/+/c +/b/# +/+/+; /b: # +/b +/b/# /b", also=("MQTT-4.7.1-3", "MQTT-3.3.2-3")
)
def every_kind_of_wildcard(net):
    """Which of 14 filters match a/b/c, and which match /b?"""
    filters = (
        "#",
        "+",
        "a",
        "a/#",
        "a/b/#",
        "a/b/c/d",
        "a/+",
        "a/+/c",
        "+/b",
        "+/b/#",
        "/b",
        "/+/b",
        "+/+/+",
        "a/b/c/+",
    )
    matched = {"a/b/c": [], "/b": []}
    for topic_filter in filters:
        subscriber = net.subscriber((topic_filter, 0), client_id=f"s{filters.index(topic_filter)}")
        publisher = net.client("publisher")
        publisher.send(*[publish(topic) for topic in matched])
        publisher.fence()
        for got in subscriber.fence():
            matched[got.topic].append(topic_filter)
    return "; ".join(f"{topic}: {' '.join(found)}" for topic, found in matched.items())


@probe("MQTT-4.7.2-1", "1 message, RETAIN", also=("MQTT-4.5.0-1",))
def sys_topics_are_told(net):
    """SUBSCRIBE to $SYS/broker/version: what comes at once?"""
    got = net.subscriber(("$SYS/broker/version", 0)).fence()
    return f"{len(got)} message{'s' * (len(got) != 1)}{', RETAIN' * all(message.retain for message in got)}"


@probe("MQTT-2.3.1-5", "no packet identifier", also=("MQTT-3.3.1-2", "MQTT-4.3.1-1"))
def qos_0_has_no_packet_identifier(net):
    """A message of two bytes published at QoS 1 to a subscriber at QoS 0: has it a packet identifier?"""
    subscriber = net.subscriber(("t", 0))
    publisher = net.client("publisher")
    publisher.send(publish("t", b"\0\1", 1))
    publisher.fence()
    (got,) = subscriber.fence()
    return "no packet identifier" if (got.body, got.dup) == (b"\0\1t\0\1", False) else got.body.hex()
