"""What the standard forbids is refused, with the place and the number of the statement."""

from __future__ import annotations

import pytest

from mqttkit.errors import InvalidArgument, MalformedPacket
from mqttkit.message import Will
from mqttkit.packets import Splitter, decode, encode, packet_length

# (why, bytes in hex, protocol, offset, statement)
WRONG = [
    ("reserved type 0", "00 00", 4, 0, "MQTT-4.8.0-1"),
    ("AUTH in 3.1.1", "f0 00", 4, 0, "MQTT-4.8.0-1"),
    ("PUBACK flags", "41 02 0001", 4, 0, "MQTT-2.2.2-1"),
    ("PUBACK flags", "41 02 0001", 5, 0, "MQTT5-2.1.3-1"),
    ("PUBREL flags", "60 02 0001", 4, 0, "MQTT-3.6.1-1"),
    ("SUBSCRIBE flags", "80 06 0001 0001 61 00", 4, 0, "MQTT-3.8.1-1"),
    ("UNSUBSCRIBE flags", "a0 05 0001 0001 61", 4, 0, "MQTT-3.10.1-1"),
    ("DISCONNECT flags", "e1 00", 4, 0, "MQTT-3.14.1-1"),
    ("SUBSCRIBE with DUP", "8a 06 0001 0001 61 00", 4, 0, "MQTT-3.8.1-1"),
    ("QoS 3", "36 05 0001 61 0001", 4, 0, "MQTT-3.3.1-4"),
    ("DUP at QoS 0", "38 03 0001 61", 4, 0, "MQTT-3.3.1-2"),
    ("DUP and RETAIN at QoS 0", "39 03 0001 61", 4, 0, "MQTT-3.3.1-2"),
    ("packet id 0", "32 05 0001 61 0000", 4, 5, "MQTT-2.3.1-1"),
    ("packet id 0", "32 06 0001 61 0000 00", 5, 5, "MQTT5-2.2.1-3"),
    ("packet id 0", "40 02 0000", 4, 2, "MQTT-2.3.1-1"),
    ("no UTF-8 in a topic", "30 05 0003 61c328", 4, 5, "MQTT-1.5.3-1"),
    ("a surrogate in a topic", "30 05 0003 eda080", 5, 4, "MQTT5-1.5.4-1"),
    ("overlong UTF-8", "30 04 0002 c0af", 4, 4, "MQTT-1.5.3-1"),
    ("NUL in a topic", "30 05 0003 610062", 4, 5, "MQTT-1.5.3-2"),
    ("wildcard in a topic", "30 05 0003 612f2b", 4, 6, "MQTT-3.3.2-2"),
    ("wildcard in a topic", "30 05 0003 232f61", 4, 4, "MQTT-3.3.2-2"),
    ("empty topic", "30 02 0000", 4, 2, "MQTT-4.7.3-1"),
    ("empty topic without alias", "30 03 0000 00", 5, 2, "MQTT5-4.7.3-1"),
    ("topic longer than the packet", "30 03 0009 61", 4, 5, "MQTT-4.8.0-1"),
    ("five bytes of length", "30 ff ff ff ff 01", 4, 1, "MQTT-4.8.0-1"),
    ("length in too many bytes", "c0 80 00", 5, 1, "MQTT5-1.5.5-1"),
    ("packet cut short", "30 09 0001 61", 4, 5, ""),
    ("bytes after the packet", "c0 00 c0 00", 4, 2, ""),
    ("bytes after the last field", "40 03 0001 00", 4, 4, "MQTT-4.8.0-1"),
    ("payload in PINGREQ", "c0 01 00", 4, 2, "MQTT-4.8.0-1"),
    ("wrong protocol name", "10 0c 0004 4d515458 04 02 0000 0000", 4, 4, "MQTT-3.1.2-1"),
    ("unknown protocol level", "10 0c 0004 4d515454 06 02 0000 0000", 4, 8, "MQTT-3.1.2-2"),
    ("level 3 with the new name", "10 0c 0004 4d515454 03 02 0000 0000", 4, 8, "MQTT-3.1.2-2"),
    ("reserved connect flag", "10 0c 0004 4d515454 04 03 0000 0000", 4, 9, "MQTT-3.1.2-3"),
    ("will QoS 3", "10 12 0004 4d515454 04 1e 0000 0000 0001 61 0001 62", 4, 9, "MQTT-3.1.2-14"),
    ("will QoS 3", "10 0d 0004 4d515454 05 1e 0000 00 0000", 4, 9, "MQTT5-3.1.2-12"),
    ("will QoS without a will", "10 0c 0004 4d515454 04 0a 0000 0000", 4, 9, "MQTT-3.1.2-13"),
    ("will retain without a will", "10 0c 0004 4d515454 04 22 0000 0000", 4, 9, "MQTT-3.1.2-15"),
    ("password without user name", "10 0e 0004 4d515454 04 42 0000 0000 0000", 4, 9, "MQTT-3.1.2-22"),
    ("will flag without a will", "10 0c 0004 4d515454 04 06 0000 0000", 4, 14, "MQTT-4.8.0-1"),
    ("wildcard in the will topic", "10 11 0004 4d515454 04 06 0000 0000 0001 23 0000", 4, 16, "MQTT-3.3.2-2"),
    ("reserved acknowledge flags", "20 02 02 00", 4, 2, "MQTT-4.8.0-1"),
    ("reserved acknowledge flags", "20 03 02 00 00", 5, 2, "MQTT5-3.2.2-1"),
    ("session present, yet refused", "20 02 01 05", 4, 2, "MQTT-3.2.2-4"),
    ("unknown return code", "20 02 00 06", 4, 3, "MQTT-3.2.2-6"),
    ("unknown reason code", "20 03 00 06 00", 5, 3, "MQTT5-3.2.2-8"),
    ("reason code of another packet", "40 03 0001 92", 5, 4, "MQTT5-3.4.2-1"),
    ("empty SUBSCRIBE", "82 02 0001", 4, 4, "MQTT-3.8.3-3"),
    ("empty SUBSCRIBE", "82 03 0001 00", 5, 5, "MQTT5-3.8.3-2"),
    ("empty UNSUBSCRIBE", "a2 02 0001", 4, 4, "MQTT-3.10.3-2"),
    ("empty SUBACK", "90 02 0001", 4, 4, "MQTT-3.8.4-5"),
    ("subscription QoS 3", "82 06 0001 0001 61 03", 4, 7, "MQTT-3.8.3-4"),
    ("subscription QoS 3", "82 07 0001 00 0001 61 03", 5, 8, "MQTT5-4.13.1-1"),
    ("reserved bits of QoS", "82 06 0001 0001 61 04", 4, 7, "MQTT-3.8.3-4"),
    ("reserved bits of options", "82 07 0001 00 0001 61 40", 5, 8, "MQTT5-3.8.3-5"),
    ("retain handling 3", "82 07 0001 00 0001 61 30", 5, 8, "MQTT5-4.13.1-1"),
    ("no local on a shared subscription", "82 10 0001 00 000a 2473686172652f672f61 04", 5, 17, "MQTT5-3.8.3-4"),
    ("bad filter", "82 07 0001 0002 6123 00", 4, 7, "MQTT-4.7.1-2"),
    ("bad filter", "a2 06 0001 0002 612b", 4, 7, "MQTT-4.7.1-3"),
    ("SUBACK code 3", "90 03 0001 03", 4, 4, "MQTT-3.9.3-2"),
    ("UNSUBACK code 1", "b0 04 0001 00 01", 5, 5, "MQTT5-3.11.3-2"),
    ("property that does not exist", "e0 04 00 02 7f 00", 5, 4, "MQTT5-4.13.1-1"),
    ("property of another packet", "e0 05 00 03 21 0001", 5, 4, "MQTT5-4.13.1-1"),
    ("property twice", "20 09 00 00 06 21 0001 21 0002", 5, 8, "MQTT5-4.13.1-1"),
    ("property too large", "20 05 00 00 02 24 02", 5, 6, "MQTT5-4.13.1-1"),
    ("receive maximum 0", "20 06 00 00 03 21 0000", 5, 6, "MQTT5-4.13.1-1"),
    ("topic alias 0", "30 07 0001 61 03 23 0000", 5, 7, "MQTT5-4.13.1-1"),
    ("wildcard in response topic", "30 08 0001 61 04 08 0001 23", 5, 9, "MQTT5-3.3.2-2"),
    ("property length beyond the packet", "20 03 00 00 05", 5, 4, "MQTT5-4.13.1-1"),
    ("property beyond the property length", "20 06 00 00 02 21 0001", 5, 5, "MQTT5-4.13.1-1"),
    ("authentication data alone", "f0 06 18 04 16 0001 61", 5, 3, "MQTT5-4.13.1-1"),
]


@pytest.mark.parametrize(
    ("why", "text", "protocol", "offset", "statement"), WRONG, ids=[f"{w[0]}-{w[2]}-{n}" for n, w in enumerate(WRONG)]
)
def test_wrong_bytes_are_refused_with_place_and_statement(why, text, protocol, offset, statement):
    with pytest.raises(MalformedPacket) as caught:
        decode(bytes.fromhex(text), protocol)
    assert (caught.value.offset, caught.value.statement) == (offset, statement), str(caught.value)
    assert f"byte {offset}: " in str(caught.value)
    assert not statement or f"[{statement}]" in str(caught.value)


def test_the_message_says_where_what_and_what_is_allowed():
    with pytest.raises(MalformedPacket) as caught:
        decode(bytes.fromhex("36 05 0001 61 0001"))
    assert str(caught.value) == (
        "PUBLISH, byte 0: both QoS bits are 1, which would be QoS 3. QoS is 0, 1 or 2 [MQTT-3.3.1-4]."
    )


def test_control_characters_in_a_refused_topic_are_escaped():
    with pytest.raises(MalformedPacket) as caught:
        decode(encode("PUBLISH", topic="\x1b[31m+"))
    assert str(caught.value).isprintable()


def test_an_unknown_protocol_is_a_mistake_of_the_caller():
    with pytest.raises(InvalidArgument, match="3, 4"):
        decode(b"\xc0\0", 6)


@pytest.mark.parametrize(
    ("values", "statement"),
    [
        ({"type": "PUBLISH", "topic": "a", "qos": 3}, "MQTT-3.3.1-4"),
        ({"type": "PUBLISH", "topic": "a", "dup": True}, "MQTT-3.3.1-2"),
        ({"type": "PUBLISH", "topic": b"\xff"}, "MQTT-1.5.3-1"),
        ({"type": "PUBLISH", "topic": "\ud800"}, "MQTT-1.5.3-1"),
        ({"type": "PUBLISH", "topic": "a/+"}, "MQTT-3.3.2-2"),
        ({"type": "PUBLISH", "topic": "a", "qos": 1, "packet_id": 0}, "MQTT-2.3.1-1"),
        ({"type": "PUBACK", "flags": 2}, "MQTT-2.2.2-1"),
        ({"type": "CONNECT", "connect_flags": 3}, "MQTT-3.1.2-3"),
        ({"type": "CONNECT", "protocol_level": 9}, "MQTT-3.1.2-2"),
        ({"type": "CONNECT", "protocol_name": "MQTX"}, "MQTT-3.1.2-1"),
        ({"type": "CONNACK", "acknowledge_flags": 4}, "MQTT-4.8.0-1"),
        ({"type": "SUBSCRIBE"}, "MQTT-3.8.3-3"),
        ({"type": "SUBSCRIBE", "filters": ["a"], "options": [3]}, "MQTT-3.8.3-4"),
        ({"type": "PINGREQ", "extra": b"x"}, "MQTT-4.8.0-1"),
        ({"type": "PINGREQ", "remaining_length": b"\xff\xff\xff\xff\x7f"}, "MQTT-4.8.0-1"),
        ({"type": "PINGREQ", "remaining_length": 7}, ""),
        ({"type": "PUBACK", "body": b""}, "MQTT-4.8.0-1"),
    ],
)
def test_encode_builds_wrong_packets_on_purpose(values, statement):
    with pytest.raises(MalformedPacket) as caught:
        decode(encode(**values))
    assert caught.value.statement == statement


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"type": "PUBAK"}, "Did you mean 'PUBACK'"),
        ({"type": "PUBLISH", "topik": "a"}, "Did you mean 'topic'"),
        ({"type": "PINGREQ", "topic": "a"}, "has no 'topic'"),
        ({"type": "PUBLISH", "protocol": 6}, "protocol is 3, 4"),
        ({"type": "PUBLISH", "topic": 3}, "topic is text or bytes, not int"),
        ({"type": "PUBLISH", "topic": "x" * 65536}, "at most 65535 bytes"),
        ({"type": "PUBLISH", "topic": "a", "payload": {"t": 1}}, "payload is text or bytes, not dict"),
        ({"type": "PUBLISH", "topic": "a", "qos": 4}, "QoS"),
        ({"type": "PUBACK", "packet_id": 70000}, "packet_id is a number from 0 to 65535"),
        ({"type": "CONNECT", "keep_alive": -1}, "keep_alive"),
        ({"type": "CONNECT", "will": Will("a", qos=7)}, "QoS"),
        ({"type": "CONNACK", "return_code": 256}, "return_code"),
        ({"type": "SUBSCRIBE", "filters": [("a", 300)]}, "options is a number from 0 to 255"),
        ({"type": "SUBSCRIBE", "filters": ["a"], "options": [0, 1]}, "one options byte"),
        ({"type": "CONNACK", "protocol": 5, "properties": {"recieve_maximum": 1}}, "no property 'recieve_maximum'"),
        ({"type": "PINGREQ", "flags": 16}, "flags"),
    ],
)
def test_encode_refuses_what_no_packet_can_hold_in_one_sentence(call, words):
    with pytest.raises(InvalidArgument, match=words):
        encode(**call)


def test_a_stream_with_an_impossible_length_gives_the_packets_before_it_first():
    stream = Splitter().feed(b"\xc0\0\xd0\0\x30\xff\xff\xff\xff")
    assert next(stream) == b"\xc0\0"
    assert next(stream) == b"\xd0\0"
    with pytest.raises(MalformedPacket, match="out of step"):
        next(stream)


def test_a_splitter_keeps_what_is_not_complete():
    splitter = Splitter()
    assert list(splitter.feed(b"\x30")) == []
    assert list(splitter.feed(b"\x80")) == []
    assert list(splitter.feed(b"\x01" + b"x" * 100)) == []
    assert len(splitter.pending) == 103
    assert [len(packet) for packet in splitter.feed(b"y" * 29)] == [131]
    assert splitter.pending == b"y"


def test_a_splitter_takes_bytes_in_even_if_nobody_looks():
    splitter = Splitter()
    splitter.feed(b"\xc0\0")
    assert list(splitter.feed(b"\xd0\0")) == [b"\xc0\0", b"\xd0\0"]


@pytest.mark.parametrize(
    ("start", "length"),
    [("", 0), ("30", 0), ("3080", 0), ("c000", 2), ("307f", 129), ("308001", 131), ("30ffffff7f", 268_435_460)],
)
def test_packet_length_needs_only_the_fixed_header(start, length):
    assert packet_length(bytes.fromhex(start)) == length
