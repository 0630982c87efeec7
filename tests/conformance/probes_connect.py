"""CONNECT and its answers."""

from probes import probe

from support.rawmqtt import connect, packet, publish, text


def _answer(raw):
    try:
        got = raw.get(1)
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
    return _answer(raw)


@probe("MQTT-3.1.0-2", "closed", "refuse_second_connect")
def second_connect(net):
    """A second CONNECT on a connection?"""
    client = net.client("x")
    client.send(connect("x"))
    return client.fate()


@probe("MQTT-3.1.3-8", "CONNACK 0002, closed")
def empty_client_id_persistent(net):
    """An empty client id with clean_session=False?"""
    raw = net.raw()
    raw.send(connect("", clean=False))
    return _answer(raw)


@probe("MQTT-3.1.3-6", "CONNACK 0000, open; both stay")
def empty_client_id_clean(net):
    """An empty client id with clean_session=True, twice?"""
    first, second = net.raw(), net.raw()
    first.send(connect(""))
    second.send(connect(""))
    answer = _answer(first)
    second.expect("CONNACK")
    return f"{answer}; {'both stay' if first.fate() == second.fate() == 'open' else 'one is gone'}"


@probe("MQTT-3.1.2-2", "CONNACK 0084, closed", "refuse_protocol")
def mqtt_5(net):
    """An MQTT 5 CONNECT?"""
    raw = net.raw()
    body = text("MQTT") + b"\x05\x02\x00\x3c" + b"\x00" + text("five")
    raw.send(packet(0x10, body))
    return _answer(raw)


@probe("MQTT-3.1.2-2", "CONNACK 0001, closed")
def unknown_level(net):
    """Protocol level 9?"""
    raw = net.raw()
    raw.send(connect("x", level=9))
    return _answer(raw)


@probe("MQTT-3.1.2-1", "CONNACK 0000, open", "mqtt_31")
def mqtt_31(net):
    """An MQTT 3.1 CONNECT (MQIsdp, level 3)?"""
    raw = net.raw()
    raw.send(connect("old", level=3, name="MQIsdp"))
    return _answer(raw)


@probe("MQTT-3.1.2-1", "closed without answer")
def wrong_protocol_name(net):
    """Protocol name HTTP?"""
    raw = net.raw()
    raw.send(connect("x", name="HTTP"))
    return _answer(raw)


@probe("MQTT-3.1.2-3", "closed without answer", "refuse_connect_flags")
def reserved_connect_flag(net):
    """The reserved connect flag is set?"""
    raw = net.raw()
    raw.send(connect("x", flags=1))
    return _answer(raw)


@probe("MQTT-3.1.2-14", "closed without answer", "refuse_connect_flags")
def will_qos_3(net):
    """Will QoS 3?"""
    raw = net.raw()
    raw.send(connect("x", will=("w", b"", 3, False)))
    return _answer(raw)


@probe("MQTT-3.1.2-11", "closed without answer", "refuse_connect_flags")
def will_flags_without_will(net):
    """Will retain without a will?"""
    raw = net.raw()
    raw.send(connect("x", flags=0x20))
    return _answer(raw)


@probe("MQTT-3.1.2-22", "closed without answer", "refuse_connect_flags")
def password_without_user(net):
    """A password without a user name?"""
    raw = net.raw()
    raw.send(connect("x", password="p"))
    return _answer(raw)


@probe("MQTT-3.1.3-10", "closed without answer")
def will_topic_with_wildcard(net):
    """A wildcard in the will topic?"""
    raw = net.raw()
    raw.send(connect("x", will=("w/#", b"", 0, False)))
    return _answer(raw)


@probe("MQTT-3.1.3-4", "closed without answer", "utf8")
def client_id_not_utf8(net):
    """A client id that is not UTF-8?"""
    raw = net.raw()
    raw.send(connect(b"\xff\xfe"))
    return _answer(raw)


@probe("MQTT-1.5.3-2", "closed without answer", "refuse_nul")
def nul_in_the_client_id(net):
    """U+0000 in the client id?"""
    raw = net.raw()
    raw.send(connect("a\0b"))
    return _answer(raw)


@probe("MQTT-4.8.0-1", "closed without answer", "refuse_left_over")
def connect_too_long(net):
    """Bytes after the last field of CONNECT?"""
    raw = net.raw()
    good = connect("x")
    raw.send(packet(0x10, good[2:] + b"more"))
    return _answer(raw)


@probe("MQTT-3.1.3-5", "CONNACK 0000, open")
def long_client_id(net):
    """A client id of 100 characters with spaces and ü?"""
    raw = net.raw()
    raw.send(connect("ü b" * 30))
    return _answer(raw)


@probe("MQTT-3.1.2-2", "CONNACK 0000, open")
def trickling_connect(net):
    """A CONNECT that arrives byte by byte?"""
    raw = net.raw()
    for byte in connect("slow"):
        raw.send(bytes([byte]))
    return _answer(raw)
