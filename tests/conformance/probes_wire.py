"""Malformed packets: each closes its own connection, and no other [MQTT-4.8.0-1]."""

import struct

from probes import probe

from support.rawmqtt import ack, packet, publish, subscribe, text, unsubscribe

_PACKETS = (
    "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback", "unsubscribe", "unsuback",
    "pingreq", "pingresp", "disconnect",
)  # fmt: skip
_SPELLING = {"qos": "QoS", "dup": "DUP", "utf8": "UTF-8", "nul": "U+0000"}


def malformed(name, statement, data, *guards, expected="closed; others open"):
    """Register a probe that sends `data` and looks what becomes of this connection and another one."""

    def ask(net):
        other, client = net.client("other"), net.client("x")
        client.send(data)
        return f"{client.fate()}; others {other.fate()}"

    ask.__name__ = name
    ask.__doc__ = f"{_in_words(name)}: what becomes of this connection, and of others?"
    probe(statement, expected, *guards)(ask)


def _in_words(name):
    """A name such as puback_with_wrong_flags as the standard writes it: PUBACK with wrong flags."""
    words = [_SPELLING.get(word, word.upper() if word in _PACKETS else word) for word in name.split("_")]
    return words[0][0].upper() + " ".join(words)[1:]


def sub(body):
    return packet(0x82, struct.pack("!H", 1) + body)


malformed("wildcard_in_a_topic_name", "MQTT-3.3.2-2", publish("a/+", b"m"), "refuse_invalid_topic")
malformed("empty_topic_name", "MQTT-4.7.3-1", publish("", b"m"), "refuse_invalid_topic")
malformed("topic_name_not_utf8", "MQTT-1.5.3-1", publish(b"\xc3\x28", b"m"), "utf8")
malformed("surrogate_in_a_topic_name", "MQTT-1.5.3-1", publish(b"\xed\xa0\x80", b"m"), "utf8")
malformed("nul_in_a_topic_name", "MQTT-1.5.3-2", publish("a\0b", b"m"))
malformed("control_character_in_a_topic_name", "MQTT-1.5.3", publish("a\x01b", b"m"), "refuse_control_characters")
malformed("publish_qos_3", "MQTT-3.3.1-4", packet(0x36, text("t") + b"\0\1m"), "refuse_publish_flags")
malformed("dup_at_qos_0", "MQTT-3.3.1-2", publish("t", b"m", dup=True), "refuse_publish_flags")
malformed("publish_packet_identifier_0", "MQTT-2.3.1-1", publish("t", b"m", 1, pid=0), "refuse_packet_id_zero")
malformed("publish_that_ends_early", "MQTT-4.8.0-1", packet(0x30, b"\0\x09abc"))
malformed("reserved_packet_type_0", "MQTT-4.8.0-1", b"\x00\x00", "refuse_server_packets")
malformed("reserved_packet_type_15", "MQTT-4.8.0-1", b"\xf0\x00", "refuse_server_packets")
malformed("connack_from_a_client", "MQTT-4.8.0-1", b"\x20\x02\x00\x00", "refuse_server_packets")
malformed("suback_from_a_client", "MQTT-4.8.0-1", b"\x90\x03\x00\x01\x00", "refuse_server_packets")
malformed("pingresp_from_a_client", "MQTT-4.8.0-1", b"\xd0\x00", "refuse_server_packets")
malformed("remaining_length_of_five_bytes", "MQTT-2.2.3", b"\x30\xff\xff\xff\xff\x01")
malformed("subscribe_with_wrong_flags", "MQTT-3.8.1-1", b"\x80" + subscribe(("t", 0))[1:], "refuse_flags")
malformed("subscribe_without_filter", "MQTT-3.8.3-3", sub(b""), "refuse_empty_subscribe")
malformed("subscribe_qos_3", "MQTT-3.8.3-4", sub(text("t") + b"\3"), "refuse_empty_subscribe")
malformed("subscribe_reserved_bits", "MQTT-3.8.3-4", sub(text("t") + b"\x41"), "refuse_empty_subscribe")
malformed("subscribe_packet_identifier_0", "MQTT-2.3.1-1", subscribe(("t", 0), pid=0), "refuse_packet_id_zero")
malformed("subscribe_empty_filter", "MQTT-4.7.3-1", subscribe(("", 0)), "refuse_invalid_topic")
malformed("hash_in_the_middle", "MQTT-4.7.1-2", subscribe(("a/#/b", 0)), "refuse_invalid_topic")
malformed("hash_not_alone", "MQTT-4.7.1-2", subscribe(("a#", 0)), "refuse_invalid_topic")
malformed("plus_not_alone", "MQTT-4.7.1-3", subscribe(("a/b+", 0)), "refuse_invalid_topic")
malformed("unsubscribe_without_filter", "MQTT-3.10.3-2", packet(0xA2, b"\0\1"), "refuse_empty_unsubscribe")
malformed("unsubscribe_with_wrong_flags", "MQTT-3.10.1-1", b"\xa0" + unsubscribe("t")[1:], "refuse_flags")
malformed("pubrel_with_wrong_flags", "MQTT-3.6.1-1", b"\x60" + ack("PUBREL", 1)[1:], "refuse_flags")
malformed("puback_with_wrong_flags", "MQTT-2.2.2-2", b"\x4f" + ack("PUBACK", 1)[1:], "refuse_flags")
malformed("puback_too_long", "MQTT-4.8.0-1", packet(0x40, b"\0\1\0\0"), "refuse_left_over")
malformed("pingreq_with_flags", "MQTT-2.2.2-2", b"\xc1\x00", "refuse_flags")
malformed("pingreq_with_body", "MQTT-4.8.0-1", packet(0xC0, b"x"), "refuse_left_over")
malformed("disconnect_with_flags", "MQTT-3.14.1-1", b"\xe1\x00")
malformed("puback_for_nothing", "MQTT-4.3.2-1", ack("PUBACK", 42), expected="open; others open")
malformed("pubcomp_for_nothing", "MQTT-4.3.3-1", ack("PUBCOMP", 42), expected="open; others open")
malformed("large_payload", "MQTT-3.3.2-3", publish("t", bytes(1_000_000)), expected="open; others open")
malformed("pubrel_packet_identifier_0", "MQTT-2.3.1-1", ack("PUBREL", 0), "refuse_packet_id_zero")
malformed("unsubscribe_packet_identifier_0", "MQTT-2.3.1-1", unsubscribe("t", pid=0), "refuse_packet_id_zero")
malformed("puback_too_short", "MQTT-4.8.0-1", packet(0x40, b"\0"))
malformed("subscribe_filter_without_qos", "MQTT-3.8.3-3", sub(text("t")))
malformed("subscribe_that_ends_early", "MQTT-3.8.3-3", sub(text("t") + b"\0\0\5ab"))
malformed("unsubscribe_that_ends_early", "MQTT-3.10.3-2", packet(0xA2, b"\0\1\0\5ab"))
malformed("pubrec_with_wrong_flags", "MQTT-2.2.2-2", b"\x52" + ack("PUBREC", 1)[1:], "refuse_flags")
malformed("pubcomp_with_wrong_flags", "MQTT-2.2.2-2", b"\x71" + ack("PUBCOMP", 1)[1:], "refuse_flags")
malformed("unsuback_from_a_client", "MQTT-4.8.0-1", b"\xb0\x02\x00\x01", "refuse_server_packets")
malformed("disconnect_with_body", "MQTT-4.8.0-1", packet(0xE0, b"x"))
malformed("length_in_more_bytes_than_needed", "MQTT-2.2.3", b"\xc0\x80\x00", expected="open; others open")
