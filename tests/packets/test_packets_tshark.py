"""Our reading of recorded sessions against Wireshark's, field by field and in both directions."""

from __future__ import annotations

import json
import subprocess
from collections import Counter

import pytest
from packet_sessions import paho_session, raw_session, running_mosquitto, write_pcap

from mqttkit.packets import decode
from mqttkit.packets.properties import BY_KEY
from support import need

PORT = 1883  # only a number in the capture file

# Our name of a field -> tshark's. A name that is missing here makes the test fail.
SAME = {
    "Packet type and flags": "hdrflags",
    "MQTT Control Packet type": "msgtype",
    "Reserved flags": "hdr_reserved",
    "DUP flag": "dupflag",
    "QoS level": "qos",
    "RETAIN": "retain",
    "Remaining Length": "len",
    "Length of Protocol Name": "proto_len",
    "Protocol Name": "protoname",
    "Protocol Level": "ver",
    "Connect Flags": "conflags",
    "User Name Flag": "conflag.uname",
    "Password Flag": "conflag.passwd",
    "Will Retain": "conflag.retain",
    "Will QoS": "conflag.qos",
    "Will Flag": "conflag.willflag",
    "Clean Session": "conflag.cleansess",
    "Clean Start": "conflag.cleansess",
    "Keep Alive": "kalive",
    "Length of Client Identifier": "clientid_len",
    "Client Identifier": "clientid",
    "Length of Will Topic": "willtopic_len",
    "Will Topic": "willtopic",
    "Length of Will Message": "willmsg_len",
    "Will Message": "willmsg",
    "Length of Will Payload": "willmsg_len",
    "Will Payload": "willmsg",
    "Length of User Name": "username_len",
    "User Name": "username",
    "Length of Password": "passwd_len",
    "Password": "passwd",
    "Connect Acknowledge Flags": "conack.flags",
    "Session Present Flag": "conack.flags.sp",
    "Connect Return code": "conack.val",
    "Length of Topic Name": "topic_len",
    "Topic Name": "topic",
    "Packet Identifier": "msgid",
    "Payload": "msg",
    "Length of Topic Filter": "topic_len",
    "Topic Filter": "topic",
    "Requested QoS": "sub.qos",
    "Return Code": "suback.qos",
    "Subscription Options": "subscription_options",
    "Retain Handling": "subscription_options_retain",
    "Retain As Published": "subscription_options_rap",
    "No Local": "subscription_options_nl",
    "Maximum QoS": "subscription_options_qos",
    "Property Length": "property_len",
    "Will Property Length": "property_len",
    "Property Identifier": "property_id",
    "Length of User Property name": "prop_key_len",
    "User Property name": "prop_key",
    "Length of User Property value": "prop_value_len",
    "User Property value": "prop_value",
    "Content Type": "property.content_type",
}
RESERVED = {
    "CONNECT": "conflag.reserved",
    "CONNACK": "conack.flags.reserved",
    "SUBSCRIBE": "subscription_options_reserved",
}
NUMBERS = {kind.name for kind in BY_KEY.values() if kind.kind in ("byte", "uint16", "uint32", "varint")}
TEXTS = {kind.name for kind in BY_KEY.values() if kind.kind in ("text", "binary")}


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    with running_mosquitto(need("mosquitto"), tmp_path_factory.mktemp("mosquitto")) as port:
        yield port


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("session", [raw_session, paho_session])
def test_every_field_is_the_one_that_wireshark_sees(session, protocol, mosquitto, tmp_path):
    tshark = need("tshark")
    packets = session(mosquitto, protocol)
    write_pcap(tmp_path / "session.pcap", packets, PORT)
    theirs = read_with_tshark(tshark, tmp_path / "session.pcap")
    assert len(theirs) == len(packets)
    for (_, raw), their in zip(packets, theirs, strict=True):
        packet = decode(raw, protocol)
        assert ours(packet) == Counter(flat(their)), packet


def test_both_sessions_together_hold_every_type_but_auth(mosquitto):
    types = {decode(raw, 5).type for _, raw in raw_session(mosquitto, 5) + paho_session(mosquitto, 5)}
    assert len(types) == 14


def read_with_tshark(tshark, capture):
    options = ["-d", f"tcp.port=={PORT},mqtt", "-T", "json", "--no-duplicate-keys", "-J", "mqtt"]
    shown = subprocess.run([tshark, "-r", str(capture), *options], capture_output=True, check=True, timeout=60)
    return [frame["_source"]["layers"]["mqtt"] for frame in json.loads(shown.stdout)]


def flat(tree):
    """(name, value) of every leaf below `tree`."""
    for key, values in tree.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict):
                yield from flat(value)
            else:
                yield key.removeprefix("mqtt."), plain(value)


def plain(value):
    """Hexadecimal, decimal and text alike."""
    return str(int(value, 16)) if value.startswith("0x") else value


def ours(packet):
    return Counter(filter(None, (translated(packet, field) for field in packet.fields)))


def translated(packet, field):
    value = field.value
    if field.name.removeprefix("Length of ") in TEXTS and field.name not in TEXTS:
        name = field.name.removeprefix("Length of ")
        return None if name == "Content Type" else ("prop_string_len", str(value))  # tshark does not show that length
    name = tshark_name(packet, field)
    if isinstance(value, bytes):
        return name, value.hex(":") if name in ("msg", "willmsg") else value.decode()
    return name, str(value)


def tshark_name(packet, field):
    if field.name == "Reserved":
        return RESERVED[packet.type]
    if field.name == "Reason Code":
        return f"{packet.type.lower()}.reason_code"
    if field.name in SAME:
        return SAME[field.name]
    return "prop_number" if field.name in NUMBERS else "prop_string" if field.name in TEXTS else field.name
