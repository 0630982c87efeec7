"""Texts: UTF-8 and its edges, topics that must pass unchanged."""

from probes import probe
from probes_connect import answer
from probes_wire import malformed, sub

from support.rawmqtt import connect, packet, publish, subscribe, text, unsubscribe

LONGEST = 65_535


def _passes(net, topic):
    """Whether a message to `topic` arrives with exactly that topic."""
    subscriber = net.subscriber((topic, 0))
    publisher = net.client("publisher")
    publisher.send(publish(topic, b"m"))
    publisher.fence()
    return [got.topic for got in subscriber.fence()] == [topic]


@probe("MQTT-1.5.3-3", "a topic of its own", also=("MQTT-4.7.3-4",))
def byte_order_mark(net):
    """U+FEFF at the beginning of a topic: is it kept, or stripped?"""
    subscriber = net.subscriber(("\ufeffa", 0), ("a", 0))
    publisher = net.client("publisher")
    publisher.send(publish("\ufeffa", b"m"))
    publisher.fence()
    return "a topic of its own" if [got.topic for got in subscriber.fence()] == ["\ufeffa"] else "stripped"


@probe("MQTT-4.7.3-4", "all unchanged", also=("MQTT-3.3.2-1",))
def topics_pass_unchanged(net):
    """Topics with spaces, upper case, leading, trailing and double slashes, 温度, 👋, decomposed é: how do they arrive?"""
    topics = (" ", "A b", "/a", "a/", "a//b", "/", "温度/👋", "cafe\u0301", "a/.../b", "$x")
    changed = [topic for topic in topics if not _passes(net, topic)]
    return f"changed: {changed}" if changed else "all unchanged"


@probe("MQTT-4.7.3-4", "nothing")
def no_normalization(net):
    """Subscribed to é in two code points: does a message to é in one reach it?"""
    subscriber = net.subscriber(("e\u0301", 0), ("É", 0))
    publisher = net.client("publisher")
    publisher.send(publish("\u00e9", b"m"))
    publisher.fence()
    return subscriber.received()


@probe("MQTT-4.7.3-3", "delivered")
def longest_topic(net):
    """A topic of 65 535 bytes?"""
    return "delivered" if _passes(net, "x" * LONGEST) else "not delivered"


@probe("MQTT-3.9.3-2", "200 slashes: 0; 65535 slashes: 128")
def deep_filters(net):
    """The return codes for a filter of 200 slashes, and for one of 65 535?"""
    codes = [f"{depth} slashes: {net.client(f'x{depth}').subscribe(('/' * depth, 0))[0]}" for depth in (200, LONGEST)]
    return "; ".join(codes)


@probe("MQTT-3.1.3-11", "closed without answer", also=("MQTT-3.1.4-1",))
def user_name_not_utf8(net):
    """A user name that is not UTF-8?"""
    raw = net.raw()
    raw.send(connect("x", user=b"\xff"))
    return answer(raw)


@probe("MQTT-3.1.3-10", "closed without answer")
def will_topic_not_utf8(net):
    """A will topic that is not UTF-8?"""
    raw = net.raw()
    raw.send(connect("x", will=(b"\xc0\x80", b"", 0, False)))
    return answer(raw)


@probe("MQTT-3.1.2-21", "CONNACK 0000, open")
def password_of_any_bytes(net):
    """A password that is no text at all?"""
    raw = net.raw()
    raw.send(connect("x", user="u", password=b"\xff\x00\xc0"))
    return answer(raw)


malformed("overlong_nul_in_a_topic_name", "MQTT-1.5.3-1", publish(b"a\xc0\x80b", b"m"))
malformed("pair_of_surrogates_in_a_topic_name", "MQTT-1.5.3-1", publish(b"\xed\xa0\xbd\xed\xb8\x80", b"m"))
malformed("beyond_the_last_code_point", "MQTT-1.5.3-1", publish(b"\xf4\x90\x80\x80", b"m"))
malformed("cut_off_character_in_a_topic_name", "MQTT-1.5.3-1", publish(b"\xe6\xb8", b"m"))
malformed("non_character_in_a_topic_name", "MQTT-1.5.3", publish("\ufffe", b"m"), "refuse_control_characters")
malformed("non_character_of_another_plane", "MQTT-1.5.3", publish("\U0001fffe", b"m"), "refuse_control_characters")
malformed("nul_in_a_topic_filter", "MQTT-4.7.3-2", subscribe(("a\0b", 0)))
malformed("topic_filter_not_utf8", "MQTT-3.8.3-1", sub(text(b"\xff") + b"\0"), "utf8")
malformed("unsubscribe_filter_not_utf8", "MQTT-3.10.3-1", packet(0xA2, b"\0\1" + text(b"\xff")), "utf8")
malformed("unsubscribe_empty_filter", "MQTT-4.7.3-1", unsubscribe(""), "refuse_invalid_topic")
