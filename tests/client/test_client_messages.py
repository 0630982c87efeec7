"""Publishing, subscribing and receiving against real brokers."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from mqttkit import Client, ConnectError, InvalidArgument, InvalidTopic, Message, MqttKitError, Timeout, Will


@pytest.mark.parametrize("retain", ["yes", "no", 2, None])
def test_retain_is_true_or_false(broker, topic, retain):
    """A word would count as True."""
    with pytest.raises(InvalidArgument, match=f"retain is True or False, not {retain!r}"):
        broker.client().publish(topic, "x", retain=retain)


@pytest.mark.parametrize("n", [None, "1", 1.5, -1, True])
def test_the_number_of_messages_is_a_number(broker, n):
    with pytest.raises(InvalidArgument, match="The number of messages is a whole number"):
        broker.client().wait_for(n)


def test_waiting_for_none_returns_at_once(broker):
    assert broker.client().wait_for(0) == []


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (b"a/b", InvalidTopic, "topic filter is text"),
        (None, InvalidTopic, "topic filter is text"),
        ([1], InvalidTopic, "topic filter is text"),
        ([("a", 1, 2)], InvalidArgument, "Several filters go into a list"),
        (("a", "b"), InvalidArgument, "QoS is 0"),
        ({"a": 1}, InvalidArgument, "Several filters go into a list"),
        ([], InvalidArgument, "no topic filter in the list"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_sentence(broker, given, error, words):
    alice = broker.client()
    for call in (alice.subscribe, alice.unsubscribe):
        with pytest.raises(error, match=words):
            call(given)


def test_a_pair_of_filter_and_qos_is_taken_as_paho_takes_it(broker, topic):
    alice = broker.client()
    assert alice.subscribe((topic, 1)) == 1
    assert alice.subscribe([(topic, 2), topic], qos=1) == [2, 1]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_message_arrives_as_it_was_sent(broker, topic, qos):
    """Publisher and subscriber, each QoS, arbitrary bytes."""
    alice, bob = broker.client(), broker.client()
    assert alice.subscribe(topic, qos) == qos
    bob.publish(topic, b"\x00\xff21.5", qos)
    assert alice.wait_for() == [Message(topic, b"\x00\xff21.5", qos)]


@pytest.mark.parametrize(
    ("given", "sent"),
    [("ä", "ä".encode()), (3, b"3"), (21.5, b"21.5"), (None, b""), (bytearray(b"x"), b"x"), (b"", b"")],
)
def test_payload_types(broker, topic, given, sent):
    """What may be a payload, and the bytes it becomes."""
    alice = broker.client()
    alice.subscribe(topic)
    alice.publish(topic, given)
    assert alice.wait_for()[0].payload == sent


@pytest.mark.parametrize("payload", [{"a": 1}, [1], (1,), True, object(), {1}])
def test_wrong_payload_is_refused_in_one_sentence_and_nothing_is_sent(broker, topic, payload):
    """A dict needs json.dumps; it must not arrive as anything."""
    alice = broker.client()
    alice.subscribe(topic)
    with pytest.raises(InvalidArgument, match="payload is bytes"):
        alice.publish(topic, payload)
    alice.publish(topic, "end")
    assert [m.text for m in alice.wait_for()] == ["end"]


def test_dict_payload_names_json_dumps(broker, topic):
    """The usual mistake gets the usual cure."""
    with pytest.raises(InvalidArgument, match=r"json\.dumps"):
        broker.client().publish(topic, {"temperature": 21.5})


def test_invalid_topics_point_at_the_character_before_anything_is_sent(broker):
    """Wildcards in a topic name, and a '#' in the middle of a filter."""
    alice = broker.client()
    alice.subscribe("#")
    with pytest.raises(InvalidTopic) as wrong:
        alice.publish("home/+/temperature", "x")
    assert wrong.value.position == 5
    with pytest.raises(InvalidTopic):
        alice.subscribe("home/#/temperature")
    with pytest.raises(InvalidTopic):
        alice.unsubscribe("home/#/temperature")
    with pytest.raises(InvalidTopic):
        alice.on("a#")
    assert alice.connected


@pytest.mark.parametrize("qos", [-1, 3, "1", None, True, 1.0])
def test_wrong_qos_is_refused(broker, topic, qos):
    """QoS is 0, 1 or 2."""
    alice = broker.client()
    with pytest.raises(InvalidArgument, match="QoS is 0"):
        alice.publish(topic, "x", qos)
    with pytest.raises(InvalidArgument, match="QoS is 0"):
        alice.subscribe(topic, qos)


def test_subscribe_to_a_list_returns_what_was_granted(broker, topic):
    """One SUBSCRIBE with several filters."""
    alice = broker.client()
    assert alice.subscribe([(topic, 2), f"{topic}/a", (f"{topic}/b", 0)], 1) == [2, 1, 0]
    assert alice.subscriptions == {topic: 2, f"{topic}/a": 1, f"{topic}/b": 0}
    with pytest.raises(InvalidArgument, match="no topic filter"):
        alice.subscribe([])


def test_unsubscribe_stops_delivery(broker, topic):
    """After UNSUBACK nothing comes."""
    alice = broker.client()
    alice.subscribe([topic, f"{topic}/end"])
    alice.unsubscribe(topic)
    assert list(alice.subscriptions) == [f"{topic}/end"]
    alice.publish(topic, "x")
    alice.publish(f"{topic}/end", "end")
    assert [m.text for m in alice.wait_for()] == ["end"]


def test_wait_for_hands_out_each_message_once(broker, topic):
    """Exactly n, in order; the rest stays for the next call; `messages` keeps all."""
    alice = broker.client()
    alice.subscribe(f"{topic}/#")
    for n in range(5):
        alice.publish(f"{topic}/{n % 2}", n, 1)
    assert [m.text for m in alice.wait_for(2)] == ["0", "1"]
    assert [m.text for m in alice.wait_for(1, topic=f"{topic}/1")] == ["3"]
    assert [m.text for m in alice.wait_for(2)] == ["2", "4"]
    assert [m.text for m in alice.messages] == ["0", "1", "2", "3", "4"]
    assert alice.wait_for(0) == []


def test_time_out_says_what_was_seen_instead(broker, topic):
    """Other messages, the subscriptions, or that there is none."""
    alice = broker.client()
    with pytest.raises(Timeout, match="has no subscription"):
        alice.wait_for(timeout=0.05)
    alice.subscribe(f"{topic}/#", 1)
    alice.publish(f"{topic}/a", "21.5", 1)
    with pytest.raises(Timeout) as late:
        alice.wait_for(2, timeout=0.05)
    assert f"\"{topic}/a\" '21.5'" in str(late.value)
    assert f'Subscribed to: "{topic}/#" (QoS 1)' in str(late.value)
    assert [m.text for m in alice.wait_for()] == ["21.5"], "a time-out loses nothing"


def test_time_out_is_short_where_topics_are_long(broker):
    alice = broker.client()
    alice.subscribe(["x" * 60000, *(f"many/{n}" for n in range(20))])
    with pytest.raises(Timeout) as error:
        alice.wait_for(timeout=0.01, topic="y" * 60000)
    assert len(str(error.value)) < 600
    assert "and 16 more" in str(error.value)


def test_clear_forgets(broker, topic):
    """wait_for then waits for new messages only."""
    alice = broker.client()
    alice.subscribe(topic, 1)
    alice.publish(topic, "old", 1)
    alice.wait_for()
    alice.publish(topic, "old", 1)
    alice.publish(topic, "fence", 1)
    alice.clear()
    assert alice.messages == [] or [m.text for m in alice.messages] == ["fence"]


@pytest.mark.parametrize("timeout", [-1, float("inf"), None, "5", True])
def test_every_wait_has_an_end(broker, topic, timeout):
    """A time-out that is none is refused."""
    alice = broker.client()
    with pytest.raises(InvalidArgument, match="timeout"):
        alice.wait_for(timeout=timeout)
    with pytest.raises(InvalidArgument, match="timeout"):
        alice.subscribe(topic, timeout=timeout)


def test_publish_without_waiting_returns_something_to_wait_for(broker, topic):
    """wait=False, then wait."""
    alice = broker.client()
    assert alice.publish(topic, "x", 1) is None
    sending = alice.publish(topic, "x", 1, wait=False)
    sending.wait()
    assert sending.complete
    assert repr(sending) == f'Sending("{topic}", qos=1)'


def test_use_before_connect_is_a_sentence(broker, topic):
    """Raw paho returns a code nobody reads."""
    alice = Client(broker.url, "early")
    for call in (
        lambda: alice.subscribe(topic),
        lambda: alice.unsubscribe(topic),
        lambda: alice.publish(topic, "x", 1),
    ):
        with pytest.raises(ConnectError, match=r"connect\(\) first"):
            call()


@pytest.mark.parametrize("end", ["disconnect", "close", "kill"])
def test_use_after_the_end_is_a_sentence(broker, topic, end):
    """disconnect, close and kill may be called twice; everything else says why it cannot."""
    alice = broker.client()
    alice.subscribe(topic)
    getattr(alice, end)()
    getattr(alice, end)()
    assert not alice.connected
    for call in (lambda: alice.subscribe(topic), lambda: alice.publish(topic, "x", wait=False)):
        with pytest.raises(ConnectError, match=r"Call connect\(\)"):
            call()
    begin = time.monotonic()
    with pytest.raises(Timeout, match=r"did not come: this client"):
        alice.wait_for(timeout=5)
    assert time.monotonic() - begin < 2, "nothing can come any more: no need to wait"


def test_connect_again_after_disconnect(broker, topic):
    """The same object, the same callbacks; the subscription of a clean session is gone."""
    alice = broker.client()
    alice.subscribe(topic, 1)
    alice.disconnect()
    assert alice.subscriptions == {}
    assert alice.connect() is alice
    assert alice.connect() is alice
    alice.subscribe(topic, 1)
    alice.publish(topic, "again", 1)
    assert alice.wait_for()[0].text == "again"


def test_persistent_session_keeps_subscription_and_messages(broker, topic):
    """clean_session=False: what was missed arrives after connect(), session_present tells."""
    alice, bob = broker.client("sleeper", clean_session=False), broker.client()
    assert not alice.session_present
    alice.subscribe(topic, 1)
    alice.disconnect()
    assert alice.subscriptions == {topic: 1}
    bob.publish(topic, "missed", 1)
    alice.connect()
    assert alice.session_present
    assert alice.wait_for()[0].text == "missed"
    alice.disconnect()
    Client(broker.url, "sleeper").connect().close()  # takes the session away again


def test_a_resumed_session_is_not_said_to_have_no_subscription(broker, topic):
    """The subscription was made by an earlier run; the broker has kept it."""
    client_id = topic.replace("/", "-")
    broker.client(client_id, clean_session=False).subscribe(topic, 1)
    again = broker.client(client_id, clean_session=False)
    with pytest.raises(Timeout, match="which the broker has kept"):
        again.wait_for(timeout=0.05)
    again.unsubscribe(topic)


def test_will_is_sent_after_kill_and_not_after_disconnect(broker, topic):
    """kill() is a power cut, disconnect() a goodbye."""
    from mqttkit import Will

    alice = broker.client()
    alice.subscribe(topic, 1)
    for end in ("disconnect", "kill"):
        bob = broker.client(will=Will(topic, end, 1))
        getattr(bob, end)()
    assert alice.wait_for()[0].text == "kill"
    assert alice.wait_for(0) == []
    assert len(alice.messages) == 1


def test_a_taken_over_client_knows_that_it_is_lost(broker, topic):
    """A second client with the same id ends the first one; its next call says so."""
    first = broker.client("twin")
    broker.client("twin")
    with pytest.raises((ConnectError, Timeout), match="lost"):
        first.wait_for(timeout=5)
    assert repr(first) == 'Client "twin", connection lost, 0 subscriptions'
    with pytest.raises(ConnectError, match="lost"):
        first.publish(topic, "x")


def test_reconnect_true_comes_back_and_subscribes_again(broker, topic):
    """The session is clean, so paho alone would be deaf after the reconnect."""
    alice, bob = broker.client("phoenix", reconnect=True), broker.client()
    alice.subscribe(topic, 1)
    back = threading.Event()
    alice.paho.on_subscribe = lambda *_: back.set()
    alice.paho.socket().shutdown(2)
    assert back.wait(10)
    bob.publish(topic, "hello again", 1)
    assert alice.wait_for()[0].text == "hello again"
    assert alice.subscriptions == {topic: 1}


def test_reconnect_true_sends_what_was_published_meanwhile(broker, topic):
    """QoS 1 is kept by paho until the connection is back; QoS 0 is refused in a sentence."""
    alice, bob = broker.client(reconnect=True), broker.client()
    bob.subscribe(topic, 1)
    lost = threading.Event()
    alice.paho.on_disconnect = lambda *_: lost.set()
    alice.paho.socket().shutdown(2)
    assert lost.wait(5)
    with pytest.raises(ConnectError, match="lost"):
        alice.publish(topic, "q0", 0)
    alice.publish(topic, "q1", 1, timeout=10)
    assert [m.text for m in bob.wait_for()] == ["q1"]


def test_kill_is_final_even_with_reconnect(broker):
    """A killed device does not come back by itself, and leaves no thread."""
    alice = broker.client(reconnect=True)
    thread = alice.paho.network_thread
    alice.kill()
    assert not thread.is_alive()
    assert repr(alice).endswith("killed, 0 subscriptions")


@pytest.fixture
def between_attempts(broker):
    """A client that has lost its connection, and tries again in half a minute."""
    alice = broker.client(reconnect=True)
    alice.paho.reconnect_delay_set(30, 30)
    alice.paho.socket().shutdown(2)
    assert alice.wait_closed(5)
    return alice


def test_kill_is_final_between_two_attempts_to_reconnect(between_attempts):
    """There is no connection to hang up then; the thread must end all the same."""
    thread = between_attempts.paho.network_thread
    between_attempts.kill()
    assert not thread.is_alive()
    assert repr(between_attempts).endswith("killed, 0 subscriptions")


def test_connect_does_not_wait_for_the_next_attempt_to_reconnect(between_attempts):
    """Who calls connect() wants it now."""
    assert between_attempts.connect(timeout=3).connected


def test_what_cannot_be_acknowledged_while_the_connection_is_lost(between_attempts, topic):
    """It was said to be up still."""
    with pytest.raises(Timeout, match="the connection is lost, and this client tries to get it back"):
        between_attempts.publish(topic, "x", 1, timeout=0.1)


def test_a_killed_client_that_was_just_coming_back_hangs_up(broker):
    """CONNACK may come after kill(): of an attempt that was under way."""
    alice = broker.client(reconnect=True)
    alice._link.state = "killed"
    alice._link._on_connect(None, None, SimpleNamespace(session_present=True), SimpleNamespace(is_failure=False), None)
    alice.paho.network_thread.join(5)
    assert not alice.paho.network_thread.is_alive()
    assert repr(alice).endswith("killed, 0 subscriptions")


def test_reconnect_false_stays_down(broker):
    """A cut link ends the thread; connect() brings it back."""
    alice = broker.client()
    thread = alice.paho.network_thread
    alice.paho.socket().shutdown(2)
    thread.join(5)
    assert not thread.is_alive()
    assert not alice.connected
    assert alice.connect().connected


def test_mqtt5_properties_both_ways(mosquitto, topic):
    """A dict with the standard's names, received as one."""
    alice = mosquitto.client(protocol=5)
    alice.subscribe(topic, 1)
    alice.publish(topic, "x", 1, properties={"user_property": {"unit": "C"}, "content_type": "text/plain"})
    assert alice.wait_for()[0].properties == {"user_property": [("unit", "C")], "content_type": "text/plain"}
    with pytest.raises(InvalidArgument, match="Did you mean 'content_type'"):
        alice.publish(topic, "x", properties={"contenttype": "x"})
    with pytest.raises(InvalidArgument, match="cannot be"):
        alice.publish(topic, "x", properties={"session_expiry_interval": 1})
    with pytest.raises(InvalidArgument, match="protocol=5"):
        mosquitto.client().publish(topic, "x", properties={"content_type": "x"})


def test_mqtt5_session_survives_with_clean_session_false(mosquitto, topic):
    """In MQTT 5 a session ends with its connection unless an expiry is asked for; the client asks."""
    alice, bob = mosquitto.client("five", clean_session=False, protocol=5), mosquitto.client(protocol=5)
    alice.subscribe(topic, 1)
    alice.disconnect()
    bob.publish(topic, "missed", 1)
    alice.connect()
    assert alice.session_present
    assert alice.wait_for()[0].text == "missed"
    alice.disconnect()
    Client(mosquitto.url, "five", protocol=5).connect().close()


@pytest.mark.parametrize(
    ("client_id", "options", "words"),
    [
        (3, {}, "client id is text"),
        ("a\0b", {}, r"U\+0000"),
        ("\ud800", {}, "UTF-8"),
        ("x" * 70000, {}, "too long"),
        ("", {"clean_session": False}, "empty client id"),
        ("a", {"keep_alive": -1}, "keep_alive"),
        ("a", {"keep_alive": 70000}, "keep_alive"),
        ("a", {"protocol": 3}, "protocol is 4"),
        ("a", {"transport": "udp"}, "transport"),
        ("a", {"password": "x"}, "needs a username"),
        ("a", {"tls": 3}, "tls is True"),
        ("a", {"username": 3}, "username is text"),
        ("a", {"username": "a\0"}, r"U\+0000"),
        ("a", {"username": "a", "password": 3}, "password is text or bytes"),
        ("a", {"username": "a", "password": b"x" * 70000}, "password is too long"),
        ("a", {"clean_session": "no"}, "clean_session is True or False, not 'no'"),
        ("a", {"reconnect": None}, "reconnect is True or False"),
        ("a", {"will": "gone"}, r'will=Will\("home/lamp/status"'),
        ("a", {"will": Will("a", "x" * 70000)}, "65535 bytes at most; this one has 70000"),
        ("a", {"will": Will("a", {"state": "gone"})}, r"json\.dumps"),
        ("a", {"will": Will("a", "x", qos=3)}, "QoS is 0"),
        ("a", {"will": Will("a", "x", retain="yes")}, "retain of a will is True or False"),
        ("a", {"protocol": 5, "properties": {"session_expiry_interval": "x"}}, "session_expiry_interval"),
        ("a", {"tls": "/no/such/file"}, "no CA file"),
    ],
)
def test_bad_options_are_refused_before_anything_is_opened(client_id, options, words):
    """One sentence each."""
    with pytest.raises(InvalidArgument, match=words):
        Client("mqtt://127.0.0.1:1", client_id, **options)


def test_empty_client_id_lets_the_broker_choose(broker, topic):
    """Legal with a clean session [MQTT-3.1.3-6]."""
    alice = Client(broker.url, "").connect()
    alice.subscribe(topic)
    assert repr(alice) == 'Client "", connected, 1 subscription'
    alice.close()


def test_repr_and_html_are_the_same_in_each_run(broker, topic):
    """No port, no address, no time; text from elsewhere is escaped."""
    alice = Client(broker.url, "<b>alice</b>")
    assert repr(alice) == 'Client "<b>alice</b>", not connected, 0 subscriptions'
    alice.connect()
    alice.subscribe("a/<i>")
    assert repr(alice) == 'Client "<b>alice</b>", connected, 1 subscription'
    page = alice._repr_html_()
    assert "<b>alice" not in page
    assert "a/&lt;i&gt; (QoS 0)" in page
    assert str(broker.broker.port) not in page
    alice.close()


def test_with_connects_and_closes(broker, topic):
    """And leaves no thread behind."""
    with Client(broker.url, "visitor") as alice:
        assert alice.connected
        thread = alice.paho.network_thread
    assert not alice.connected
    assert not thread.is_alive()


def test_many_threads_may_publish_at_once(broker, topic):
    """Eight threads, one client: everything arrives once."""
    alice, bob = broker.client(), broker.client()
    alice.subscribe(topic, 1)
    threads = [
        threading.Thread(target=lambda n=n: [bob.publish(topic, f"{n}.{i}", 1) for i in range(20)]) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [m.text for m in alice.wait_for(160, timeout=10)]
    assert sorted(texts) == sorted(f"{n}.{i}" for n in range(8) for i in range(20))


def test_environment_names_the_broker(broker, topic, monkeypatch):
    """MQTTKIT_BROKER is used where no broker is given."""
    with pytest.raises(InvalidArgument, match="Which broker"):
        Client(None, "x")
    monkeypatch.setenv("MQTTKIT_BROKER", broker.url)
    with Client(client_id="x") as alice:
        assert alice.connected


def test_errors_are_in_the_tree():
    """except MqttKitError catches all of them."""
    assert issubclass(InvalidArgument, MqttKitError)


def test_a_line_break_at_the_end_of_a_topic_is_no_lost_connection(broker):
    """Both engines close the connection on it; whoever reads topics from a file meets this."""
    alice = broker.client()
    for call in (alice.publish, alice.subscribe, alice.unsubscribe):
        with pytest.raises(InvalidTopic, match=r"strip\(\)"):
            call("home/lamp\n")
    assert alice.connected
    with pytest.raises(InvalidTopic):
        Client("mqtt://127.0.0.1:1", "a", will=Will("home/lamp\n"))


@pytest.mark.parametrize("timeout", [None, -1, "2"])
def test_a_wrong_timeout_sends_nothing(broker, topic, timeout):
    alice = broker.client()
    alice.subscribe(topic)
    with pytest.raises(InvalidArgument, match="timeout is a number of seconds"):
        alice.publish(topic, "no", 1, timeout=timeout)
    alice.publish(topic, "end", 1)
    assert [message.text for message in alice.wait_for()] == ["end"]


def test_a_very_long_timeout_is_no_error(broker, topic):
    alice = broker.client()
    alice.subscribe(topic)
    alice.publish(topic, "1", 1, timeout=1e300)
    assert alice.wait_for(1, timeout=1e300)


def test_a_long_payload_is_shown_short():
    """A list of messages is a cell's output."""
    assert repr(Message("t", b"25.6")) == "Message(topic='t', payload=b'25.6', qos=0, retain=False, dup=False)"
    assert len(repr(Message("t", b"x" * 1_000_000))) < 400
    assert "... (1000000 bytes)" in repr(Message("t", b"x" * 1_000_000))
