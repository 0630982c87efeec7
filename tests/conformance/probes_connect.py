"""CONNECT and its answers."""

from probes import probe

from support.rawmqtt import DISCONNECT, PINGREQ, connect, packet, publish, subscribe, text


def answer(raw):
    try:
        got = raw.get(3)
    except EOFError:
        return "closed without answer"
    except TimeoutError:
        return "no answer"
    return f"CONNACK {got.body.hex()[:4]}, {raw.fate()}"


@probe("MQTT-3.1.0-1", "closed without answer")
def first_packet_must_be_connect(net):
    """The first packet is PUBLISH?"""
    raw = net.raw()
    raw.send(publish("t", b"m"))
    return answer(raw)


@probe("MQTT-3.1.0-2", "closed", "refuse_second_connect")
def second_connect(net):
    """A second CONNECT on a connection?"""
    client = net.client("x")
    client.send(connect("x"))
    return client.fate()


@probe("MQTT-3.1.3-8", "CONNACK 0002, closed", also=("MQTT-3.1.3-9",))
def empty_client_id_persistent(net):
    """An empty client id with clean_session=False?"""
    raw = net.raw()
    raw.send(connect("", clean=False))
    return answer(raw)


@probe("MQTT-3.1.3-6", "CONNACK 0000, open; both stay")
def empty_client_id_clean(net):
    """An empty client id with clean_session=True, twice?"""
    first, second = net.raw(), net.raw()
    first.send(connect(""))
    second.send(connect(""))
    told = answer(first)
    second.expect("CONNACK")
    return f"{told}; {'both stay' if first.fate() == second.fate() == 'open' else 'one is gone'}"


@probe("MQTT-3.1.2-2", "CONNACK 0084, closed", "refuse_protocol")
def mqtt_5(net):
    """An MQTT 5 CONNECT?"""
    raw = net.raw()
    body = text("MQTT") + b"\x05\x02\x00\x3c" + b"\x00" + text("five")
    raw.send(packet(0x10, body))
    return answer(raw)


@probe("MQTT-3.1.2-2", "CONNACK 0001, closed")
def unknown_level(net):
    """Protocol level 9?"""
    raw = net.raw()
    raw.send(connect("x", level=9))
    return answer(raw)


@probe("MQTT-3.1.2-1", "CONNACK 0000, open", "mqtt_31")
def mqtt_31(net):
    """An MQTT 3.1 CONNECT (MQIsdp, level 3)?"""
    raw = net.raw()
    raw.send(connect("old", level=3, name="MQIsdp"))
    return answer(raw)


@probe("MQTT-3.1.2-1", "closed without answer")
def wrong_protocol_name(net):
    """Protocol name HTTP?"""
    raw = net.raw()
    raw.send(connect("x", name="HTTP"))
    return answer(raw)


@probe("MQTT-3.1.2-3", "closed without answer", "refuse_connect_flags")
def reserved_connect_flag(net):
    """The reserved connect flag is set?"""
    raw = net.raw()
    raw.send(connect("x", flags=1))
    return answer(raw)


@probe("MQTT-3.1.2-14", "closed without answer", "refuse_connect_flags")
def will_qos_3(net):
    """Will QoS 3?"""
    raw = net.raw()
    raw.send(connect("x", will=("w", b"", 3, False)))
    return answer(raw)


@probe("MQTT-3.1.2-11", "closed without answer", "refuse_connect_flags", also=("MQTT-3.1.2-15",))
def will_flags_without_will(net):
    """Will retain without a will?"""
    raw = net.raw()
    raw.send(connect("x", flags=0x20))
    return answer(raw)


@probe("MQTT-3.1.2-22", "closed without answer", "refuse_connect_flags")
def password_without_user(net):
    """A password without a user name?"""
    raw = net.raw()
    raw.send(connect("x", password="p"))
    return answer(raw)


@probe("MQTT-4.7.1-1", "closed without answer")
def will_topic_with_wildcard(net):
    """A wildcard in the will topic?"""
    raw = net.raw()
    raw.send(connect("x", will=("w/#", b"", 0, False)))
    return answer(raw)


@probe("MQTT-3.1.3-4", "closed without answer", "utf8")
def client_id_not_utf8(net):
    """A client id that is not UTF-8?"""
    raw = net.raw()
    raw.send(connect(b"\xff\xfe"))
    return answer(raw)


@probe("MQTT-1.5.3-2", "closed without answer", "refuse_nul")
def nul_in_the_client_id(net):
    """U+0000 in the client id?"""
    raw = net.raw()
    raw.send(connect("a\0b"))
    return answer(raw)


@probe("MQTT-4.8.0-1", "closed without answer", "refuse_left_over", also=("MQTT-3.1.2-18", "MQTT-3.1.2-20"))
def connect_too_long(net):
    """Bytes after the last field of CONNECT?"""
    raw = net.raw()
    good = connect("x")
    raw.send(packet(0x10, good[2:] + b"more"))
    return answer(raw)


@probe("MQTT-3.1.3-5", "CONNACK 0000, open")
def long_client_id(net):
    """A client id of 100 characters with spaces and ü?"""
    raw = net.raw()
    raw.send(connect("ü b" * 30))
    return answer(raw)


@probe("MQTT-4.2.0-1", "CONNACK 0000, open")
def trickling_connect(net):
    """A CONNECT that arrives byte by byte?"""
    raw = net.raw()
    for byte in connect("slow"):
        raw.send(bytes([byte]))
    return answer(raw)


@probe("MQTT-3.1.0-1", "PINGREQ: closed without answer; DISCONNECT: closed without answer", also=("MQTT-3.2.2-6",))
def other_first_packets(net):
    """The first packet is PINGREQ, or DISCONNECT?"""
    answers = []
    for name, data in (("PINGREQ", PINGREQ), ("DISCONNECT", DISCONNECT)):
        raw = net.raw()
        raw.send(data)
        answers.append(f"{name}: {answer(raw)}")
    return "; ".join(answers)


@probe(
    "MQTT-3.1.4-1", "all closed without answer", also=("MQTT-3.1.2-19", "MQTT-3.1.3-1", "MQTT-3.2.2-6", "MQTT-2.2.2-2")
)
def broken_connects(net):
    """CONNECT that is empty, ends early, lacks its user name, its password or its will, or has wrong flags?"""
    good = connect("x")
    broken = {
        "empty": packet(0x10), "early": packet(0x10, good[2:-2]), "user": connect("x", flags=0x80),
        "password": connect("x", user="u", flags=0x40), "will": connect("x", flags=0x04), "flags": b"\x11" + good[1:],
    }  # fmt: skip
    answers = {}
    for name, data in broken.items():
        raw = net.raw()
        raw.send(data)
        answers[name] = answer(raw)
    wrong = {name: text for name, text in answers.items() if text != "closed without answer"}
    return str(wrong) if wrong else "all closed without answer"


@probe("MQTT-3.1.2-1", "closed without answer")
def protocol_name_in_small_letters(net):
    """Protocol name mqtt?"""
    raw = net.raw()
    raw.send(connect("x", name="mqtt"))
    return answer(raw)


@probe("MQTT-3.1.3-5", "all let in", also=("MQTT-3.1.3-2", "MQTT-3.1.3-3", "MQTT-3.1.4-4"))
def plain_client_ids(net):
    """Client ids of 1 to 23 digits and letters?"""
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = [letters[start : start + size] for start, size in ((0, 1), (0, 23), (23, 23), (46, 16))]
    return "all let in" if all(net.raw().connect(name) == (0, 0) for name in names) else "not all let in"


@probe("MQTT-3.1.4-5", "nothing")
def nothing_is_done_for_a_refused_client(net):
    """CONNECT of protocol level 9 and a PUBLISH in one segment: does the message reach a subscriber?"""
    subscriber = net.subscriber(("t", 0))
    raw = net.raw()
    raw.send(connect("x", level=9), publish("t", b"m"))
    raw.closed_within(3)
    return subscriber.received()


@probe("MQTT-3.2.2-4", "CONNACK 0001, closed", also=("MQTT-3.2.2-5",))
def no_session_present_in_a_refusal(net):
    """A client whose session is kept comes with protocol level 9: the flags of CONNACK?"""
    net.persistent("x")[0].close()
    raw = net.raw()
    raw.send(connect("x", clean=False, level=9))
    return answer(raw)


@probe("MQTT-3.2.2-1", "CONNACK 0000, open", also=("MQTT-3.2.2-3",))
def no_session_present_with_a_clean_session(net):
    """A client whose session is kept comes with clean_session=True: the flags of CONNACK?"""
    net.persistent("x")[0].close()
    raw = net.raw()
    raw.send(connect("x"))
    return answer(raw)


@probe("MQTT-3.2.0-1", "CONNACK, then m QoS 1", also=("MQTT-3.2.2-2", "MQTT-3.1.2-4"))
def connack_comes_first(net):
    """A client comes back to a queued message: which packet comes first?"""
    sleeper, _ = net.persistent()
    sleeper.subscribe(("t", 1))
    sleeper.send(DISCONNECT)
    sleeper.closed_within(3)
    net.client("publisher").send(publish("t", b"m", 1))
    net.client("fence").fence()
    raw = net.raw()
    raw.send(connect("sleeper", clean=False))
    first = raw.get()
    return f"{first}, then {raw.get()}"


@probe("MQTT-3.1.4-4", "CONNACK, SUBACK, m QoS 0")
def packets_before_connack(net):
    """CONNECT, SUBSCRIBE and PUBLISH in one segment, without waiting for CONNACK?"""
    raw = net.raw()
    raw.send(connect("x"), subscribe(("t", 0)), publish("t", b"m"))
    return raw.received()


@probe("MQTT-3.14.4-2", "nothing; closed")
def packets_after_disconnect(net):
    """DISCONNECT and a PUBLISH in one segment: is the message delivered?"""
    subscriber = net.subscriber(("t", 0))
    client = net.client("x")
    client.send(DISCONNECT, publish("t", b"m"))
    fate = "closed" if client.closed_within(3) else "open"
    return f"{subscriber.received()}; {fate}"


@probe("MQTT-3.1.2-13", "closed without answer", "refuse_connect_flags", also=("MQTT-3.1.2-11",))
def will_qos_without_will(net):
    """Will QoS 1 without a will?"""
    raw = net.raw()
    raw.send(connect("x", flags=0x08))
    return answer(raw)
