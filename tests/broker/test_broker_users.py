"""Users and access rules, on every engine that can do what is tested."""

from __future__ import annotations

import re

import pytest

from mqttkit import Broker, BrokerError
from mqttkit.broker.mosquitto_access import access_lines
from mqttkit.security import Access, hash_password
from support import need
from support.rawmqtt import connect, publish

RULES = [
    "* read public/#",
    "anna publish,subscribe home/%u/#",
    "anna receive home/%u/+",
    "* write in/%c",
    "deny bert read public/secret",
]
USERS = {"anna": "a-secret", "bert": "b-secret"}


def login(client, broker, user, client_id=None):
    return client(broker, client_id or user, user=user, password=USERS[user])


def test_only_users_with_the_right_password_come_in(engine, raw):
    with Broker(users=USERS, engine=engine) as broker:
        assert raw(broker).connect("1", user="anna", password="a-secret") == (0, 0)
        assert raw(broker).connect("2", user="anna", password="b-secret") == (0, 5)
        assert raw(broker).connect("3", user="nobody", password="a-secret") == (0, 5)
        assert raw(broker).connect("4") == (0, 5)
        assert broker.wait_for_event("refuse", count=3)


def test_a_refused_connection_is_closed(raw):
    with Broker(users=USERS) as broker:
        intruder = raw(broker)
        intruder.connect("x", user="anna", password="wrong")
        assert intruder.closed_within(1)
        assert broker.clients() == []


def test_thirty_logins_do_not_freeze_the_others(raw, client):
    """Fails when passwords are checked in the event loop: a round trip then waits for all logins."""
    with Broker(users=USERS) as broker:
        anna = login(client, broker, "anna")
        for number in range(30):
            raw(broker).send(connect(f"c{number}", user="bert", password="b-secret"))
        anna.fence()
        assert len(broker.events("connect")) < 31
        assert broker.wait_for_event("connect", count=31, timeout=10)


def test_a_hash_costs_milliseconds():
    """The library's default costs 120 ms, and a class that logs in would wait for minutes."""
    assert "$m=8192,t=1,p=1$" in hash_password("secret")


def test_denied_subscribe_is_answered_with_failure(client):
    with Broker(users=USERS, access=RULES) as broker:
        anna = login(client, broker, "anna")
        assert anna.subscribe(("public/x", 1), ("home/anna/#", 2), ("home/bert/#", 0), ("#", 0)) == [1, 2, 0x80, 0x80]
        assert [event.client_id for event in broker.events("refuse")] == ["anna", "anna"]


def test_denied_publish_is_acknowledged_and_dropped(engine, client):
    with Broker(users=USERS, access=RULES, engine=engine) as broker:
        anna, bert = login(client, broker, "anna"), login(client, broker, "bert")
        anna.subscribe(("home/anna/#", 1))
        bert.send(publish("home/anna/x", b"forged", 1))
        assert bert.received() == "PUBACK"
        anna.send(publish("home/anna/x", b"mine", 1))
        anna.expect("PUBACK")
        assert anna.received() == "mine QoS 1"
        assert broker.wait_for_event("dropped", "bert")[0].topic == "home/anna/x"


def test_receiving_has_rules_of_its_own(engine, client):
    """anna may subscribe to home/anna/#, but only one level below is delivered to her."""
    with Broker(users=USERS, access=RULES, engine=engine) as broker:
        anna = login(client, broker, "anna")
        anna.subscribe(("home/anna/#", 0))
        anna.send(publish("home/anna/x", b"one"), publish("home/anna/x/y", b"two"))
        assert anna.received() == "one QoS 0"


def test_client_id_pattern(engine, client):
    with Broker(users=USERS, access=[*RULES, "anna read in/#"], engine=engine) as broker:
        anna, bert = login(client, broker, "anna"), login(client, broker, "bert", "b7")
        anna.subscribe(("in/+", 0))
        bert.send(publish("in/b7", b"own"), publish("in/b8", b"forged"))
        bert.fence()
        assert anna.received() == "own QoS 0"


def test_deny_wins(engine, client):
    with Broker(users=USERS, access=[*RULES, "anna write public/#"], engine=engine) as broker:
        anna, bert = login(client, broker, "anna"), login(client, broker, "bert")
        bert.subscribe(("public/#", 0))
        anna.send(publish("public/secret", b"secret"), publish("public/open", b"open"))
        anna.fence()
        assert bert.received() == "open QoS 0"


@pytest.mark.parametrize("half", ["publish", "receive"])
def test_forbidding_one_leaves_the_other(client, half):
    """deny * publish: alarm may still be read. mosquitto's rules have no word for that, and its engine says so."""
    rules = ["* all #", f"deny bert {half} alarm"]
    with Broker(users=USERS, access=rules) as broker:
        anna, bert = login(client, broker, "anna"), login(client, broker, "bert")
        bert.subscribe(("alarm", 0))
        anna.send(publish("alarm", b"by anna"))
        anna.fence()
        bert.send(publish("alarm", b"by bert"))
        assert bert.received() == ("by anna QoS 0" if half == "publish" else "nothing")
    need("mosquitto")
    with pytest.raises(BrokerError, match="forbids publishing and receiving together"):
        Broker(users=USERS, access=rules, engine="mosquitto").start()


SECRETS = [
    ["anna all #", "deny * all %u/secret", "deny * all secret"],
    ["* all #", "anna write more", "deny * all secret"],
    ["* all #", "deny anna all secret"],
]


@pytest.mark.parametrize("rules", SECRETS)
def test_what_is_denied_to_everybody_no_rule_of_a_user_allows(engine, client, rules):
    """mosquitto reads the rules of a user first, and asks no further where one allows."""
    with Broker(users=USERS, access=["bert all #", *rules], engine=engine) as broker:
        anna, bert = login(client, broker, "anna"), login(client, broker, "bert")
        bert.subscribe(("#", 0))
        anna.send(*[publish(topic, topic.encode()) for topic in ("secret", "open")])
        anna.fence()
        assert bert.received() == "open QoS 0"


@pytest.mark.parametrize("user", [None, "x", "anna"])
def test_deny_wins_without_users_too(engine, client, user):
    """Whether or not the client gives a name, which nobody checks."""
    rules = ["* all #", "deny * all secret/%c", "anna all open", "deny anna all hidden"]
    with Broker(access=rules, engine=engine) as broker:
        reader, writer = client(broker, "r"), client(broker, "w", user=user)
        reader.subscribe(("#", 0))
        writer.send(publish("secret/w", b"secret"), publish("hidden", b"hidden"), publish("open", b"open"))
        writer.fence()
        assert reader.received() == "hidden QoS 0, " * (user != "anna") + "open QoS 0"


@pytest.mark.parametrize(("rules", "words"), [
    (["anna write in/%c"], "'anna publish in/%c' says: %c is only in rules for everybody there"),
    (["deny anna all in/%c"], "%c is only in rules for everybody there"),
    (["anna all #", "deny * all secret/%c"], "'anna publish,subscribe,receive #' would win over it there"),
])  # fmt: skip
def test_what_mosquitto_cannot_say_is_refused(rules, words):
    """Fails when a rule is translated to one that allows more, or forbids others."""
    with pytest.raises(BrokerError, match=re.escape(words)):
        access_lines(Access(rules), None)


def test_forbidding_a_subscribe_is_not_forbidding_to_receive():
    """mosquitto grants every SUBSCRIBE; a rule about that one must not take away more."""
    assert "deny" not in access_lines(Access(["* all #", "deny * subscribe alarm"]), None)


def test_rules_without_users(client):
    with Broker(access=["* read #", "* write chat/%c"]) as broker:
        reader, writer = client(broker, "r"), client(broker, "w")
        reader.subscribe(("#", 0))
        writer.send(publish("chat/w", b"own"), publish("chat/r", b"forged"))
        writer.fence()
        assert reader.received() == "own QoS 0"


def test_a_will_needs_the_right_to_publish(client):
    with Broker(users=USERS, access=[*RULES, "anna read #"]) as broker:
        anna = login(client, broker, "anna")
        anna.subscribe(("home/#", 0))
        bert = client(broker, "b", user="bert", password="b-secret", will=("home/anna/x", b"forged", 0, False))
        bert.close()
        broker.wait_for_event("dropped", "b")
        assert anna.received() == "nothing"


def test_a_will_cannot_speak_for_the_broker(client):
    """Below $SYS only the broker publishes: a will is no way around that, and is not kept there."""
    with Broker() as broker:
        client(broker, "liar", will=("$SYS/broker/version", b"forged", 0, True)).close()
        assert "$SYS" in broker.wait_for_event("dropped", "liar")[0].text
        assert broker.retained() == []


def test_a_will_that_fails_leaves_no_socket_open(client, monkeypatch):
    """Whatever goes wrong with the last words of a client, its connection is closed."""
    monkeypatch.setattr(Access, "allows", lambda *_, **__: 1 / 0)
    with Broker(access=["* all #"]) as broker:
        one = client(broker, "one", will=("t", b"gone", 0, False))
        one.send(b"\xf0\x00")
        assert one.closed_within(2)


@pytest.mark.parametrize("under_way", [0, 2])
def test_what_waits_for_one_user_is_not_sent_to_another(client, monkeypatch, under_way):
    """A client id is no secret: bert takes anna's, and with it the session that was kept for her."""
    rules = ["anna all #", "bert all open/#"]
    with Broker(users=USERS, access=rules) as broker:
        anna = client(broker, "phone", clean=False, user="anna", password="a-secret")
        anna.subscribe(("#", 1))
        writer = login(client, broker, "anna", "writer")
        messages = [publish(topic, topic.encode(), 1) for topic in ("secret", "open/door")]
        writer.send(*messages[:under_way])
        writer.fence()
        anna.fence()
        anna.close()
        broker.wait_for_event("disconnect", "phone")
        writer.send(*messages[under_way:])
        writer.fence()
        bert = client(broker, "phone", clean=False, user="bert", password="b-secret")
        assert bert.received() == "open/door QoS 1" + " DUP" * bool(under_way)
        assert [event.topic for event in broker.events("dropped", "phone")] == ["secret"]


def test_shared_subscriptions_are_refused_and_told(client):
    """MQTT 5 has them; a SUBSCRIBE that seems to work and shares nothing would mislead."""
    with Broker() as broker:
        assert client(broker, "x").subscribe(("$share/group/t", 1)) == [0x80]
        assert "MQTT 5" in broker.events("refuse")[0].text
