"""What the broker tells about itself: clients, subscriptions, retained messages, sessions, events."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from mqttkit import Broker, BrokerError, Client, Timeout
from mqttkit.broker import ConnectedClient, NotTold, Queued, RetainedMessage, Subscription
from mqttkit.broker.embedded import sysinfo
from mqttkit.broker.events import EventFeed
from mqttkit.message import Message
from mqttkit.widgets.tables import broker_tables
from support import need
from support.rawmqtt import DISCONNECT, Raw, ack, connect, publish, subscribe, unsubscribe


@pytest.fixture
def broker():
    with Broker() as running:
        yield running


@pytest.fixture
def either(engine):
    """A broker of each engine in turn."""
    with Broker(engine=engine) as running:
        yield running


def test_clients(engine, client):
    """No waiting: who has been let in is there, with its will and its listener."""
    with Broker(engine=engine, tls=True) as broker:
        client(broker, "b", clean=False, keep_alive=7, will=("b/state", b"gone", 1, True))
        client(broker, "a", user="anna")
        known = [ConnectedClient("a", "anna", True, 60), ConnectedClient("b", None, False, 7, will_topic="b/state")]
        assert broker.clients() == known
        with Client(broker, "c", tls=broker.ca):
            assert broker.clients() == [*known, ConnectedClient("c", None, True, 60, listener="mqtts")]


def test_subscriptions(either, client):
    one = client(either, "a")
    one.subscribe(("x/+", 2), ("y z", 0), ("x/+", 1))
    one.send(unsubscribe("y z"))
    one.fence()
    assert either.subscriptions() == [Subscription("a", "x/+", 1)]


def test_state_is_told_at_once(either, client):
    """Fails when an answer lags behind what clients know already; mosquitto's log arrives in a thread of its own."""
    for number in range(50):
        one = client(either, f"c{number}")
        assert f"c{number}" in [known.client_id for known in either.clients()]
        one.subscribe((f"t/{number}", 1))
        assert Subscription(f"c{number}", f"t/{number}", 1) in either.subscriptions()


def test_the_story_is_told_in_the_same_words(either, client):
    """Whatever mosquitto's log tells, it tells as the embedded engine does; payloads, wills and queues it does not."""
    first = client(either, "x", clean=False, user="anna", keep_alive=7, will=("state", b"gone", 1, True))
    first.subscribe(("t", 1))
    second = client(either, "x", clean=False)
    first.closed_within(1)
    second.send(unsubscribe("t"), publish("t", b"m", 1, retain=True), DISCONNECT)
    second.closed_within(1)
    client(either, "y").close()
    either.wait_for_event("disconnect", "y")
    told = [event for event in either.events() if event.kind not in ("start", "will", "queued")]
    assert [(event.kind, event.client_id, event.text) for event in told if event.client_id != "y"] == [
        ("connect", "x", "persistent session, keep alive 7 s, user anna, will on state"),
        ("subscribe", "x", "t, QoS 1"),
        ("disconnect", "x", "taken over by a new connection with the same client id"),
        ("connect", "x", "persistent session, session present, keep alive 60 s"),
        ("unsubscribe", "x", "t"),
        ("publish", "x", ""),
        ("disconnect", "x", "DISCONNECT"),
    ]
    assert [event.text for event in either.events("disconnect", "y")] == ["connection lost"]
    (published,) = either.events("publish")
    payload = b"m" if either.engine == "amqtt" else None
    assert (published.topic, published.payload, published.qos, published.retain) == ("t", payload, 1, True)


def test_refusals_are_told_in_the_same_words(engine, client, raw):
    with Broker(engine=engine, users={"anna": "right"}) as broker:
        raw(broker).connect("a", user="anna", password="wrong")
        assert broker.wait_for_event("refuse")[0].text.startswith("wrong user name or password")


def test_what_mosquitto_does_not_tell_is_said():
    need("mosquitto")
    broker = Broker(engine="mosquitto")
    for question in (broker.clients, broker.subscriptions, broker.sessions):
        with pytest.raises(BrokerError, match=r"not running.*start\(\)"):
            question()
    with broker, Client(broker, "a") as alice:
        alice.subscribe("t", 1)
        (session,) = broker.sessions()
        assert (session.client_id, session.connected, session.subscriptions) == ("a", True, 1)
        for part in (session.in_flight, session.queued, session.unreleased):
            assert repr(part) == "not told"
            for look in (len, bool, list):
                with pytest.raises(BrokerError, match="does not tell which messages wait"):
                    look(part)
        assert str(broker.sessions()).count("not told") == 3
        with pytest.raises(BrokerError, match="does not list its retained messages"):
            broker.retained()
        tables = broker_tables(broker)  # of the console: what is not told hides nothing that is
        assert tables["Clients"].rows[0][0] == "a"
        assert tables["Sessions"].rows[0][-2:] == ["not told", "not told"]
    assert session == session.__class__("a", True, True, 1, NotTold(), NotTold(), NotTold())
    assert session != session.__class__("a", True, True, 1)


def test_retained(broker, client):
    one = client(broker, "a")
    one.send(publish("b", b"2", 1, retain=True), publish("a", b"1", retain=True), publish("c", b"3"))
    one.fence()
    assert broker.retained() == [RetainedMessage("a", b"1", 0), RetainedMessage("b", b"2", 1)]


def test_sessions_tell_what_waits(broker, client):
    sleeper = client(broker, "sleeper", clean=False)
    sleeper.subscribe(("t", 2))
    sleeper.send(publish("mine", b"", 2, pid=5))
    talker = client(broker, "talker")
    talker.send(publish("t", b"sent", 1, pid=1))
    talker.fence()
    sleeper.expect("PUBLISH")
    sleeper.send(DISCONNECT)
    sleeper.closed_within(1)
    talker.send(publish("t", b"queued", 2, pid=2), ack("PUBREL", 2))
    talker.fence()
    state = broker.sessions()[0]
    assert (state.client_id, state.connected, state.clean_session, state.subscriptions) == ("sleeper", False, False, 1)
    assert state.in_flight == (Queued("t", b"sent", 1, 1),)
    assert state.queued == (Queued("t", b"queued", 2, 2),)
    assert state.unreleased == (5,)


def test_events_tell_the_story(broker, client):
    alice = client(broker, "alice", will=("state", b"gone", 1, True))
    alice.subscribe(("t", 1))
    bob = client(broker, "bob")
    bob.send(publish("t", b"m", 1), DISCONNECT)
    bob.closed_within(1)
    alice.close()
    broker.wait_for_event("will")
    story = [str(event) for event in broker.events()]
    assert story == [
        "start mqtt",
        "connect alice clean session, keep alive 60 s, will on state",
        "subscribe alice t, QoS 1",
        "connect bob clean session, keep alive 60 s",
        'publish bob t "m"',
        "disconnect bob DISCONNECT",
        "disconnect alice connection lost",
        'will alice state "gone"',
    ]


def test_events_by_kind_client_and_number(broker, client):
    client(broker, "a"), client(broker, "b")
    connects = broker.wait_for_event("connect", count=2)
    assert [event.client_id for event in connects] == ["a", "b"]
    assert [event.kind for event in broker.events(client_id="a")] == ["connect"]
    assert [event.client_id for event in broker.events("connect", since=connects[0].number)] == ["b"]


def test_the_feed_is_bounded_in_number_and_in_bytes():
    """Fails when pictures from a camera fill the memory."""
    feed = EventFeed()
    picture = Message("camera", bytes(1_000_000))
    for _ in range(100):
        feed.emit("publish", "camera", "", picture)
    assert len(feed.events()) == 67  # 64 MB
    for _ in range(11_000):
        feed.emit("connect", "x")
    assert len(feed.events()) == 10_000
    assert [event.number for event in feed.events()] == list(range(1_101, 11_101))
    feed.emit("publish", "camera", "", Message("camera", bytes(70_000_000)))
    assert [event.kind for event in feed.events()] == ["publish"]  # the last one is kept, however large


def test_a_refused_protocol_is_named(broker):
    for level in (5, 9):
        raw = Raw(broker.host, broker.port)
        raw.send(connect("x", level=level))
        assert raw.closed_within(5)
        raw.close()
    told = [event.text for event in broker.events("refuse")]
    assert told == ["MQTT 5, and this engine speaks MQTT 3.1.1: mosquitto speaks both", "MQTT protocol level 9"]


def test_reasons_of_a_disconnect(broker, client):
    first = client(broker, "x")
    client(broker, "x")
    assert first.closed_within(1)
    wrong = client(broker, "wrong")
    wrong.send(b"\x36\x05\0\1t\0\1")
    assert wrong.closed_within(1)
    silent = client(broker, "silent", keep_alive=1)
    assert silent.closed_within(3)
    reasons = {event.client_id: event.text for event in broker.events("disconnect")}
    assert reasons == {
        "x": "taken over by a new connection with the same client id",
        "wrong": "protocol error: QoS 3 [MQTT-3.3.1-4]",
        "silent": "silent for 1.5 times its keep alive (1.5 s)",
    }


def test_queued_and_dropped(broker, client):
    sleeper = client(broker, "sleeper", clean=False)
    sleeper.subscribe(("t", 1))
    sleeper.close()
    broker.wait_for_event("disconnect", "sleeper")
    talker = client(broker, "talker")
    talker.send(publish("t", b"kept", 1), publish("t", b"lost", 0))
    talker.fence()
    assert broker.events("queued", "sleeper")[0].payload == b"kept"
    assert broker.events("dropped", "sleeper")[0].text == "QoS 0 is not kept for a client that is away"


def test_callbacks_come_from_the_brokers_thread_and_can_ask_it(broker, client):
    """Fails with a deadlock when a question from a callback waits for the thread it runs in."""
    seen = []
    end = broker.on_event(
        lambda event: seen.append((event.kind, len(broker.clients()), threading.current_thread().name))
    )
    client(broker, "a")
    broker.wait_for_event("connect")
    end()
    client(broker, "b")
    broker.wait_for_event("connect", "b")
    assert seen == [("connect", 1, "mqttkit-broker")]


def test_the_last_events_of_a_broker_can_ask_it(engine, client):
    """Fails when a restart or the end of the block takes away what a callback asks, and with it the callback."""
    seen = []
    with Broker(engine=engine) as broker:
        broker.on_event(lambda event: seen.append((event.kind, len(broker.clients()), len(broker.sessions()))))
        client(broker, "first")
        broker.restart()
        client(broker, "second")
    stay = [("connect", 1, 1), ("disconnect", 0, 0), ("stop", 0, 0)]
    assert seen == [*stay, ("start", 0, 0), *stay]
    with pytest.raises(BrokerError, match="not running"):
        broker.clients()


def test_waiting_in_vain_tells_what_was_seen(broker, client):
    client(broker, "a")
    with pytest.raises(Timeout, match="connect a clean session"):
        broker.wait_for_event("will", timeout=0.05)


def test_tables_are_deterministic_and_harmless(broker, client):
    one = client(broker, "<b>x</b>", user="<i>")
    one.send(subscribe(("<script>", 1)), publish("<script>", b"\x1b[2J<img>\xff", retain=True))
    one.fence()
    for table in (broker.clients(), broker.subscriptions(), broker.retained(), broker.sessions(), broker.events()):
        page, text = table._repr_html_(), str(table)
        assert not any(tag in page for tag in ("<script>", "<b>", "<i>", "<img>"))
        assert "\x1b" not in page + text
        assert str(broker.port) not in page + text
    header, row = str(broker.retained()).splitlines()
    assert header.split() == ["topic", "payload", "qos"]
    assert row.split() == ["<script>", r'"\x1b[2J<img>\xff"', "0"]


def test_empty_table(broker):
    assert str(broker.clients()).splitlines()[1] == "(none)"
    assert "(none)" in broker.clients()._repr_html_()


def test_sys_topics(broker, client):
    """$SYS answers with the values of this moment, retained, and is not among the retained messages of clients."""
    one = client(broker, "a")
    one.subscribe(("$SYS/broker/clients/+", 0))
    got = {message.topic.rpartition("/")[2]: message.payload for message in one.fence()}
    assert got == {"connected": b"1", "disconnected": b"0", "total": b"1", "maximum": b"1"}
    assert broker.retained() == []


SYS = {
    "clients/connected": b"2",
    "clients/disconnected": b"1",
    "clients/total": b"3",
    "subscriptions/count": b"7",
    "publish/messages/received": b"5",
    "messages/received": b"12",  # CONNECT 3, DISCONNECT 1, SUBSCRIBE 2, PUBLISH 5, PINGREQ 1
    "bytes/received": b"345",
}


def test_sys_values_are_counted_and_come_again_when_they_change(engine, client, monkeypatch):
    """The same names and numbers on both engines, the changed ones without being asked for."""
    monkeypatch.setattr(sysinfo, "REFRESH", 0.2)  # mosquitto's least interval is a second
    with Broker(engine=engine) as broker:
        client(broker, "sleeper", clean=False).send(DISCONNECT)
        broker.wait_for_event("disconnect", "sleeper")
        watcher, talker = client(broker, "watcher", keep_alive=0), client(broker, "talker")
        watcher.subscribe(*[(f"$SYS/broker/{name}", 0) for name in SYS if name != "messages/received"])
        watcher.subscribe(("$SYS/broker/messages/received", 0), pid=2)  # answered, before there is any news
        for number in range(5):
            talker.send(publish("t", b"m", 1, pid=number + 1))
        talker.fence()
        seen, last = {}, None
        with suppress(TimeoutError):  # when the values change no more
            while seen != SYS:
                last = watcher.expect("PUBLISH")
                seen[last.topic.removeprefix("$SYS/broker/")] = last.payload
        assert seen == SYS
        assert not last.retain  # it is news


def test_sys_news_are_not_kept_for_those_who_are_away(client, monkeypatch):
    monkeypatch.setattr(sysinfo, "REFRESH", 0.05)
    with Broker() as broker:
        sleeper = client(broker, "sleeper", clean=False)
        sleeper.subscribe(("$SYS/#", 2))
        sleeper.close()
        broker.wait_for_event("disconnect", "sleeper")
        watcher = client(broker, "watcher")
        watcher.subscribe(("$SYS/broker/bytes/sent", 0))
        for _ in range(4):
            watcher.expect("PUBLISH")
        assert [session.queued for session in broker.sessions()] == [(), ()]
        assert broker.events("dropped") == []
