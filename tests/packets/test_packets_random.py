"""Properties that hold for every packet, and for every string of bytes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mqttkit.errors import MalformedPacket
from mqttkit.message import Will
from mqttkit.packets import PACKET_TYPES, Splitter, decode, encode, reason_codes
from mqttkit.packets.decoder import _decode_strictly
from mqttkit.packets.properties import BY_KEY

# The same examples in every run, and no failure because the machine is busy.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
TOPIC = TEXT.map(lambda text: text.replace("+", "").replace("#", "") or "t")
FILTER = st.lists(st.one_of(TOPIC, st.just("+")), min_size=1, max_size=3).map("/".join)
FILTER = FILTER.filter(lambda text: not text.startswith("$share"))
DATA = st.one_of(st.binary(max_size=40), st.binary(min_size=100, max_size=140))
ID = st.integers(1, 65535)
QOS = st.integers(0, 2)


def value_of(kind, where):
    if kind.key == "response_topic":
        return TOPIC
    numbers = st.integers(kind.least, kind.most)
    one = {"text": TEXT, "binary": DATA, "pair": st.tuples(TEXT, TEXT)}.get(kind.kind, numbers)
    if kind.key == "subscription_identifier" and where == "SUBSCRIBE":
        return one.map(lambda value: (value,))
    return st.lists(one, min_size=1, max_size=3).map(tuple) if kind.repeatable else one


def properties(where):
    kinds = [kind for kind in BY_KEY.values() if where in kind.packets and kind.key != "authentication_data"]
    return st.fixed_dictionaries({}, optional={kind.key: value_of(kind, where) for kind in kinds})


def values(name, protocol):
    """Every attribute that a packet of this type may have."""
    code = st.sampled_from([*reason_codes(name, protocol), 0] if reason_codes(name, protocol) else [0])
    filters = st.lists(st.tuples(FILTER, QOS), min_size=1, max_size=4).map(tuple)
    will = st.one_of(st.none(), st.builds(Will, TOPIC, DATA, qos=QOS, retain=st.booleans()))
    parts = {
        "CONNECT": {
            "client_id": TEXT,
            "clean_session": st.booleans(),
            "keep_alive": st.integers(0, 65535),
            "will": will,
            "username": TEXT,
        },
        "CONNACK": {"return_code": code},
        "PUBLISH": {"topic": TOPIC, "payload": DATA, "qos": QOS, "retain": st.booleans()},
        "SUBSCRIBE": {"packet_id": ID, "filters": filters},
        "SUBACK": {"packet_id": ID, "return_codes": st.lists(code, min_size=1, max_size=4).map(tuple)},
        "UNSUBSCRIBE": {"packet_id": ID, "filters": st.lists(FILTER.map(lambda f: (f, 0)), min_size=1).map(tuple)},
        "UNSUBACK": {"packet_id": ID},
    }.get(name, {"packet_id": ID} if name.startswith("PUB") else {})
    if protocol == 5:
        if name not in ("PINGREQ", "PINGRESP"):
            parts = parts | {"properties": properties(name)}
        if name in ("DISCONNECT", "AUTH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"):
            parts = parts | {"return_code": code}
        if name == "UNSUBACK":
            parts = parts | {"return_codes": st.lists(code, min_size=1, max_size=4).map(tuple)}
    return st.fixed_dictionaries(parts)


@st.composite
def packets(draw):
    protocol = draw(st.sampled_from([4, 5]))
    name = draw(st.sampled_from(PACKET_TYPES[1 : 16 if protocol == 5 else 15]))
    given_values = draw(values(name, protocol))
    if name == "PUBLISH" and given_values["qos"]:
        given_values |= {"packet_id": draw(ID), "dup": draw(st.booleans())}
    return name, protocol, given_values, encode(name, protocol, **given_values)


@given(packets())
@settings(CALM, max_examples=250)
def test_what_was_encoded_is_decoded(case):
    name, protocol, given_values, raw = case
    packet = decode(raw, protocol)
    assert (packet.type, packet.protocol, packet.raw) == (name, protocol, raw)
    for attribute, value in given_values.items():
        assert getattr(packet, attribute) == value, attribute


@given(packets())
@settings(CALM, max_examples=200)
def test_the_fast_path_reads_what_the_strict_reader_reads(case):
    _, protocol, _, raw = case
    fast, strict = decode(raw, protocol), _decode_strictly(raw, protocol)
    assert {name: getattr(fast, name) for name in fast.__dataclass_fields__} == {
        name: getattr(strict, name) for name in strict.__dataclass_fields__
    }


@given(packets())
@settings(CALM, max_examples=200)
def test_everything_shown_is_one_printable_line_and_covers_all_bytes(case):
    _, protocol, _, raw = case
    packet = decode(raw, protocol)
    assert packet.summary().isprintable()
    assert all(line.isprintable() for line in str(packet.anatomy()).splitlines())
    assert b"".join(raw[f.start : f.end] for f in packet.fields if not f.bits) == raw
    assert packet.anatomy()._repr_html_().count("<tr") == len(packet.fields) + 1


@given(packets(), st.data())
@settings(CALM, max_examples=250)
def test_one_changed_byte_is_refused_or_read(case, data):
    """Neither a crash nor an endless loop: only MalformedPacket, with a place inside the packet."""
    _, protocol, _, raw = case
    position = data.draw(st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    changed[position] = data.draw(st.integers(0, 255))
    refused_or_read(bytes(changed), protocol)


@given(packets(), st.data())
@settings(CALM)
def test_a_packet_cut_short_or_too_long_is_refused(case, data):
    _, protocol, _, raw = case
    for wrong in (raw[: data.draw(st.integers(0, len(raw) - 1))], raw + b"\0"):
        with pytest.raises(MalformedPacket) as caught:
            decode(wrong, protocol)
        assert 0 <= caught.value.offset <= len(wrong)


@given(st.binary(max_size=60), st.sampled_from([3, 4, 5]))
@settings(CALM, max_examples=600)
@example(b"", 4)
@example(b"\x10", 5)
def test_any_bytes_are_refused_or_read(raw, protocol):
    refused_or_read(raw, protocol)


@given(st.integers(0, 255), st.binary(max_size=60), st.sampled_from([3, 4, 5]))
@settings(CALM, max_examples=600)
def test_any_body_with_a_right_length_is_refused_or_read(first, body, protocol):
    refused_or_read(bytes([first, len(body)]) + body, protocol)


@given(st.lists(packets(), max_size=6), st.lists(st.integers(1, 20), min_size=1))
@settings(CALM)
def test_a_stream_cut_anywhere_gives_the_same_packets(cases, sizes):
    raws = [raw for *_, raw in cases]
    stream, splitter, found = b"".join(raws), Splitter(), []
    while stream:
        for size in sizes:
            found += splitter.feed(stream[:size])
            stream = stream[size:]
    assert found == raws
    assert splitter.pending == b""


def refused_or_read(raw, protocol):
    try:
        packet = decode(raw, protocol)
    except MalformedPacket as error:
        assert 0 <= error.offset <= len(raw)  # noqa: PT017 - one of two outcomes
        assert f"byte {error.offset}: " in str(error)  # noqa: PT017
        return
    assert packet.raw == raw
    assert packet.summary().isprintable()
    assert packet.fields
