"""One packet of every type, byte by byte as the standard writes it down."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest

from mqttkit.message import Will
from mqttkit.packets import PACKET_TYPES, altered, decode, encode
from mqttkit.packets.decoder import _decode_fast

# (type, protocol, bytes, attributes). The CONNECT is the example of MQTT 3.1.1, figure 3.6, with a payload.
GOLDEN = [
    (
        "CONNECT",
        4,
        "10 27 0004 4d515454 04 ce 000a 0003 626f62 0003 612f62 0004 676f6e65 0003 616e6e 0006 736563726574",
        {
            "client_id": "bob",
            "clean_session": True,
            "keep_alive": 10,
            "will": Will("a/b", b"gone", qos=1),
            "username": "ann",
            "password": b"secret",
        },
    ),
    ("CONNECT", 4, "10 0c 0004 4d515454 04 02 0000 0000", {"client_id": "", "clean_session": True, "keep_alive": 0}),
    (
        "CONNECT",
        3,
        "10 0f 0006 4d5149736470 03 00 003c 0001 61",
        {"client_id": "a", "clean_session": False, "keep_alive": 60},
    ),
    ("CONNACK", 4, "20 02 01 00", {"session_present": True, "return_code": 0}),
    ("CONNACK", 4, "20 02 00 05", {"session_present": False, "return_code": 5}),
    (
        "PUBLISH",
        4,
        "3b 09 0003 612f62 000a 3231",
        {"topic": "a/b", "packet_id": 10, "payload": b"21", "qos": 1, "dup": True, "retain": True},
    ),
    (
        "PUBLISH",
        4,
        "30 05 0003 612f62",
        {"topic": "a/b", "payload": b"", "qos": 0, "dup": False, "retain": False},
    ),
    ("PUBACK", 4, "40 02 000a", {"packet_id": 10}),
    ("PUBREC", 4, "50 02 ffff", {"packet_id": 65535}),
    ("PUBREL", 4, "62 02 0001", {"packet_id": 1}),
    ("PUBCOMP", 4, "70 02 0102", {"packet_id": 258}),
    (
        "SUBSCRIBE",  # figures 3.21 to 3.23
        4,
        "82 0e 000a 0003 612f62 01 0003 632f64 02",
        {"packet_id": 10, "filters": (("a/b", 1), ("c/d", 2)), "options": (1, 2)},
    ),
    ("SUBACK", 4, "90 05 000a 00 02 80", {"packet_id": 10, "return_codes": (0, 2, 128)}),
    ("UNSUBSCRIBE", 4, "a2 0c 000a 0003 612f62 0003 632f64", {"packet_id": 10, "filters": (("a/b", 0), ("c/d", 0))}),
    ("UNSUBACK", 4, "b0 02 000a", {"packet_id": 10}),
    ("PINGREQ", 4, "c0 00", {}),
    ("PINGRESP", 4, "d0 00", {}),
    ("DISCONNECT", 4, "e0 00", {}),
    (
        "CONNECT",
        5,
        "10 2b 0004 4d515454 05 06 000a 05 11 0000000a 0001 61 0e 18 0000003c 01 01 26 0001 6b 0001 76 0001 77 0004 676f6e65",
        {
            "client_id": "a",
            "clean_session": True,
            "keep_alive": 10,
            "will": Will("w", b"gone"),
            "properties": {"session_expiry_interval": 10},
            "will_properties": {
                "will_delay_interval": 60,
                "payload_format_indicator": 1,
                "user_property": (("k", "v"),),
            },
        },
    ),
    (
        "CONNACK",
        5,
        "20 06 00 00 03 21 0014",
        {"session_present": False, "return_code": 0, "properties": {"receive_maximum": 20}},
    ),
    (
        "PUBLISH",
        5,
        "32 0c 0001 61 0001 05 0b 80 01 0b 02 78",
        {
            "topic": "a",
            "packet_id": 1,
            "payload": b"x",
            "qos": 1,
            "dup": False,
            "retain": False,
            "properties": {"subscription_identifier": (128, 2)},
        },
    ),
    (
        "PUBLISH",
        5,
        "30 07 0000 03 23 0001 78",
        {
            "topic": "",
            "payload": b"x",
            "qos": 0,
            "dup": False,
            "retain": False,
            "properties": {"topic_alias": 1},
        },
    ),
    ("PUBACK", 5, "40 03 000a 10", {"packet_id": 10, "return_code": 16}),
    ("PUBREC", 5, "50 02 000a", {"packet_id": 10, "return_code": 0}),
    (
        "PUBREL",
        5,
        "62 08 000a 92 04 1f 0001 78",
        {"packet_id": 10, "return_code": 0x92, "properties": {"reason_string": "x"}},
    ),
    ("PUBCOMP", 5, "70 03 000a 92", {"packet_id": 10, "return_code": 0x92}),
    (
        "SUBSCRIBE",
        5,
        "82 09 0001 02 0b 07 0001 61 2d",
        {
            "packet_id": 1,
            "filters": (("a", 1),),
            "options": (0x2D,),
            "properties": {"subscription_identifier": (7,)},
        },
    ),
    ("SUBACK", 5, "90 05 0001 00 01 87", {"packet_id": 1, "return_codes": (1, 0x87)}),
    ("UNSUBSCRIBE", 5, "a2 06 0001 00 0001 61", {"packet_id": 1, "filters": (("a", 0),)}),
    ("UNSUBACK", 5, "b0 05 0001 00 00 11", {"packet_id": 1, "return_codes": (0, 17)}),
    ("PINGREQ", 5, "c0 00", {}),
    ("PINGRESP", 5, "d0 00", {}),
    ("DISCONNECT", 5, "e0 00", {"return_code": 0}),
    ("DISCONNECT", 5, "e0 01 04", {"return_code": 4}),
    (
        "AUTH",
        5,
        "f0 0b 18 09 15 0001 6d 16 0002 00ff",
        {"return_code": 24, "properties": {"authentication_method": "m", "authentication_data": b"\0\xff"}},
    ),
]
EMPTY = {"filters": (), "options": (), "return_codes": (), "properties": {}, "will_properties": {}}
IDS = [f"{name}-{protocol}-{number}" for number, (name, protocol, *_) in enumerate(GOLDEN)]


@pytest.mark.parametrize(("name", "protocol", "text", "values"), GOLDEN, ids=IDS)
def test_bytes_become_these_attributes_and_no_others(name, protocol, text, values):
    raw = bytes.fromhex(text)
    packet = decode(raw, protocol)
    assert (packet.type, packet.protocol, packet.raw) == (name, protocol, raw)
    for attribute in packet.__dataclass_fields__:
        if attribute not in ("type", "protocol", "raw"):
            expected = values.get(attribute, EMPTY.get(attribute))
            assert getattr(packet, attribute) == expected, attribute


@pytest.mark.parametrize(("name", "protocol", "text", "values"), GOLDEN, ids=IDS)
def test_attributes_become_these_bytes(name, protocol, text, values):
    if name == "UNSUBSCRIBE":
        values = values | {"filters": [topic_filter for topic_filter, _ in values["filters"]]}
    assert encode(name, protocol, **values).hex() == bytes.fromhex(text).hex()


@pytest.mark.parametrize(("name", "protocol", "text", "values"), GOLDEN, ids=IDS)
def test_fields_cover_every_byte_once_and_bits_cover_their_byte(name, protocol, text, values):
    packet = decode(bytes.fromhex(text), protocol)
    at, bits = 0, []
    for field in packet.fields:
        if field.bits is None:
            assert field.start == at
            assert not bits or sorted(bits) == list(range(8)), field.name
            at, bits = field.end, []
        else:
            assert (field.start, field.end) == (at - 1, at)
            bits += range(field.bits[1], field.bits[0] + 1)
            assert field.value == packet.raw[at - 1] >> field.bits[1] & (2 ** (field.bits[0] - field.bits[1] + 1) - 1)
        assert field.meaning.endswith(".")
        assert len(field.meaning) < 150
        assert "{" not in field.meaning
    assert at == len(packet.raw)


def test_the_first_connect_of_a_connection_decides_the_protocol():
    raw = encode("CONNECT", 5, client_id="a")
    assert decode(raw).protocol == 5
    assert decode(encode("CONNECT", 4, client_id="a"), 5).protocol == 4


def test_a_broker_without_mqtt_5_refuses_with_a_short_connack():
    """Stock brokers of 3.1.1 answer a MQTT 5 CONNECT in their own form: two bytes, no properties."""
    packet = decode(bytes.fromhex("20 02 00 01"), 5)
    assert (packet.protocol, packet.return_code) == (4, 1)
    assert "unacceptable protocol version" in packet.summary()


def test_packet_types_are_indexed_by_their_number():
    assert len(PACKET_TYPES) == 16
    assert [PACKET_TYPES[int(text[0], 16)] for _, _, text, _ in GOLDEN] == [name for name, *_ in GOLDEN]
    assert {name for name, *_ in GOLDEN} == set(PACKET_TYPES[1:])


def test_mqtt_3_1_sets_dup_where_3_1_1_reserves_it():
    raw = bytes.fromhex("8a 06 0001 0001 61 01")
    assert decode(raw, 3).filters == (("a", 1),)


def test_a_packet_is_a_value():
    raw = bytes.fromhex("30 05 0003 612f62")
    assert decode(raw) == decode(raw)
    assert len({decode(raw), decode(raw)}) == 1
    assert decode(b"\xc0\0", 4) != decode(b"\xc0\0", 5)
    with pytest.raises(AttributeError):
        decode(raw).topic = "c"
    assert repr(decode(raw)) == "<PUBLISH  QoS 0  a/b  empty payload>"


@pytest.mark.parametrize("size", [0, 20, 124, 125, 126, 300, 16_000])
@pytest.mark.parametrize("protocol", [4, 5])
def test_usual_traffic_takes_the_fast_path(size, protocol):
    for qos in (0, 1, 2):
        assert _decode_fast(encode("PUBLISH", protocol, topic="a", payload="x" * size, qos=qos), protocol)
    for name in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "PINGREQ", "PINGRESP"):
        assert _decode_fast(encode(name, protocol), protocol)


def test_a_packet_survives_being_copied_and_sent_to_another_process():
    packet = decode(bytes.fromhex("30 07 0000 03 23 0001 78"), 5)
    for copied in (pickle.loads(pickle.dumps(packet)), copy.deepcopy(packet), replace(packet)):
        assert (copied, copied.properties, copied.fields) == (packet, packet.properties, packet.fields)


@pytest.mark.parametrize("changes", [{"retain": True}, {"qos": 2}, {"qos": 1, "dup": True}])
def test_an_altered_publish_has_the_flags_that_were_asked_for(changes):
    """They lie in the first byte, which is kept otherwise."""
    plain = decode(encode("PUBLISH", topic="home/t", payload="x"))
    assert altered(plain, **changes) == encode("PUBLISH", topic="home/t", payload="x", **changes)
    changed = encode("PUBLISH", topic="home/t", payload="y", **changes)
    assert altered(decode(altered(plain, **changes)), payload="y") == changed
