"""The packets of one line, followed over all hops."""

from __future__ import annotations

from mqttkit import chat
from mqttkit.classroom.exchanges import Exchanges
from mqttkit.packets import encode


def publish(who, text, packet_id, qos=1):
    payload = chat.encode_line(who.title(), text)
    return encode("PUBLISH", topic=chat.message_topic("r", who), payload=payload, qos=qos, packet_id=packet_id)


def puback(packet_id):
    return encode("PUBACK", packet_id=packet_id)


def test_a_line_is_followed_to_everybody_and_back():
    now = [10.0]
    seen = Exchanges(lambda: now[0])
    assert seen.packet(1, "ada", publish("ada", "hi", 7), to_broker=True)
    now[0] = 10.25
    assert not seen.packet(1, "ada", puback(7), to_broker=False)
    for link, who in enumerate(["ada", "bob", "eve"], 1):
        assert not seen.packet(link, who, publish("ada", "hi", 1), to_broker=False)
    seen.packet(2, "bob", puback(1), to_broker=True)
    summary = seen.followed().summary()
    assert (summary["sender"], summary["delivered"], summary["acknowledged"], summary["ms"]) == ("ada", 3, 1, 250.0)
    assert summary["receivers"] == ["ada", "bob", "eve"]
    assert bytes.fromhex(summary["puback"]) == puback(7)


def test_the_same_packet_id_of_two_links_is_kept_apart():
    seen = Exchanges()
    seen.packet(1, "ada", publish("ada", "one", 1), to_broker=True)
    seen.packet(2, "bob", publish("bob", "two", 1), to_broker=True)
    seen.packet(1, "ada", puback(1), to_broker=False)
    seen.follow = "bob"
    assert seen.followed().puback == b""
    seen.follow = "ada"
    assert seen.followed().puback == puback(1)
    seen.follow = "nobody"
    assert seen.followed() is None


def test_long_packets_qos_0_and_other_topics():
    seen = Exchanges()
    assert seen.packet(1, "ada", publish("ada", "x" * 1900, 0, qos=0), to_broker=True)
    seen.packet(2, "bob", publish("ada", "x" * 1900, 3), to_broker=False)
    assert seen.followed().delivered == 1
    assert not seen.packet(1, "ada", encode("PUBLISH", topic="people/ada/x", payload=b"1"), to_broker=True)
    assert not seen.packet(1, "ada", encode("PINGREQ"), to_broker=True)


def test_only_the_last_lines_are_kept():
    seen = Exchanges()
    for number in range(1000):
        seen.packet(1, "ada", publish("ada", str(number), number + 1), to_broker=True)
        seen.packet(2, "bob", publish("ada", str(number), number + 1), to_broker=False)
    assert len(seen._last) == 60
    assert seen.followed().number == 1000


def test_the_last_lines_can_be_recalled_until_they_are_wiped():
    exchanges = Exchanges()
    raw = encode("PUBLISH", topic="chat/r/message/ada", payload=b'{"name": "Ada", "text": "hi"}', qos=1, packet_id=1)
    exchanges.packet(1, "ada", raw, to_broker=True)
    assert exchanges.lines() == [("chat/r/message/ada", '{"name": "Ada", "text": "hi"}')]
    exchanges.forget()
    assert exchanges.lines() == []
