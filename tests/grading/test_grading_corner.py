"""A check on a broker that others use: nobody's messages get into another one's marks, and the broker is left as it was."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from submissions_for_tests import asked, names_of, run, solved

from mqttkit import Broker, Client, Will
from mqttkit.grading import checks
from mqttkit.grading.corner import Corner, corner_of_the_named_broker
from mqttkit.grading.prefix import Prefix
from mqttkit.packets import decode, encode
from support import need

NAME = "3-retain-and-will"
# The same examples in every run, and no failure because the machine is busy.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path))


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker(request):
    if request.param == "mosquitto":
        need("mosquitto")
    with Broker(engine=request.param) as running:
        yield running


# --- the prefix


@pytest.mark.parametrize("protocol", [4, 5])
@given(data=st.data())
@settings(CALM)
def test_a_message_comes_out_as_it_went_in(protocol, data):
    topic = data.draw(st.text(st.characters(exclude_characters="+#\0", exclude_categories=["C"]), min_size=1))
    qos = data.draw(st.integers(0, 2))
    flags = {"retain": data.draw(st.booleans()), "dup": bool(qos) and data.draw(st.booleans())}
    properties = {"response_topic": "a/b", "user_property": (("k", "v"),)} if protocol == 5 else {}
    raw = encode(
        "PUBLISH",
        protocol,
        topic=topic,
        qos=qos,
        packet_id=7,
        payload=data.draw(st.binary()),
        properties=properties,
        **flags,
    )
    prefix = Prefix("corner")
    prefix.to_broker(encode("CONNECT", protocol))
    there = prefix.to_broker(raw)
    assert decode(there, protocol).topic == (topic if topic.startswith("$") else f"corner/{topic}")
    assert prefix.to_client(there) == raw


@pytest.mark.parametrize("protocol", [4, 5])
def test_filters_and_identifiers_get_the_prefix(protocol):
    prefix = Prefix("corner", "ann", "secret")
    will = Will("rooms/7", b"gone", 1, retain=True)
    connect = decode(prefix.to_broker(encode("CONNECT", protocol, client_id="ada", will=will, keep_alive=9)))
    assert (connect.client_id, connect.will.topic, connect.keep_alive) == ("corner-ada", "corner/rooms/7", 9)
    assert (connect.username, connect.password, connect.protocol) == ("ann", b"secret", protocol)
    asked_for = [("#", 1), ("+/light", 2), ("$SYS/#", 0), ("$share/group/a/+", 0)]
    there = prefix.to_broker(encode("SUBSCRIBE", protocol, packet_id=5, filters=asked_for))
    assert decode(there, protocol).filters == (
        ("corner/#", 1),
        ("corner/+/light", 2),
        ("$SYS/#", 0),
        ("$share/group/corner/a/+", 0),
    )
    there = prefix.to_broker(encode("UNSUBSCRIBE", protocol, packet_id=6, filters=["#"]))
    assert decode(there, protocol).filters == (("corner/#", 0),)
    assert prefix.retained == {"corner/rooms/7"}


def test_a_login_of_ones_own_stays():
    prefix = Prefix("corner", "ann", "secret")
    connect = decode(prefix.to_broker(encode("CONNECT", client_id="ada", username="ada", password=b"x")))
    assert (connect.username, connect.password) == ("ada", b"x")


@pytest.mark.parametrize(
    "raw",
    [
        encode("PUBLISH", topic="a/#"),
        encode("PUBLISH", topic=""),
        encode("SUBSCRIBE", filters=["a/#/b"]),
        encode("CONNECT", client_id="ada", protocol_level=9),
        encode("PINGREQ"),
        b"\x62\x00",
    ],
)
def test_what_breaks_the_standard_is_left_to_the_broker(raw):
    assert Prefix("corner").to_broker(raw) == raw


# --- the corner


def test_two_corners_do_not_hear_each_other_and_leave_nothing(broker):
    """Both have a client "ada", which is not thrown out, a retained message, a retained will and a session.

    The second one is still connected when its corner ends: that sends its will, and it is taken back all the same.
    """
    with Client(broker, "outside") as outside:
        outside.subscribe("#", qos=1)
        with Corner(broker.url) as one, Corner(broker.url) as other:
            for corner in (one, other):
                ada = Client(corner.url, "ada", clean_session=False, will=Will("ada/state", "gone", 1, retain=True))
                ada.connect().subscribe("#", qos=1)
                ada.publish("ada/state", corner.url, qos=1, retain=True)
                assert [m.text for m in ada.wait_for(timeout=5)] == [corner.url]
                assert len(ada.messages) == 1
                if corner is one:
                    ada.kill()
            assert len(broker.sessions()) == 3
        ada.kill()
        topics = {m.topic.partition("/")[2] for m in outside.messages}
        assert topics == {"ada/state"}
        assert [m.text for m in outside.messages].count("gone") == 2, "both wills came before the end"
        outside.unsubscribe("#")
        outside.subscribe("#", qos=1)
        outside.publish("fence", "", qos=1)
        assert outside.wait_for(topic="fence", timeout=5)
        assert not [m for m in outside.messages if m.retain]
        assert [session.client_id for session in broker.sessions()] == ["outside"]


def test_a_check_plays_on_the_named_broker_beside_others(broker, monkeypatch):
    """Somebody else uses the same topics and identifiers: the marks do not know."""
    monkeypatch.setenv("MQTTKIT_BROKER", broker.url)
    names = names_of(solved(NAME)) | {"check": checks(NAME)}
    plain = asked(NAME, "display", names).as_json()
    with Client(broker, "nosy") as nosy:
        nosy.subscribe("#")
        for packet in plain["items"]:
            assert packet["ok"]
        run("result = check('display')", names)
        topics = {m.topic.split("/", 1)[1] for m in nosy.messages}
        assert topics
        for topic in topics:  # whatever the exercise talks about is wrong out there
            nosy.publish(topic, "nonsense", qos=1, retain=True)
        run("result = check('display')", names)
        assert names["result"].ok, str(names["result"])
    assert {event.client_id[:14] for event in broker.events("connect") if event.client_id != "nosy"} == {
        "mqttkit-check-"
    }


@pytest.mark.parametrize("login", ["", "ann:wrong@", "ann:secret@"])
def test_a_broker_that_wants_a_password_gets_that_of_the_url(login, monkeypatch):
    with Broker(users={"ann": "secret"}) as broker:
        monkeypatch.setenv("MQTTKIT_BROKER", broker.url.replace("://", f"://{login}"))
        names = names_of(solved(NAME)) | {"check": checks(NAME)}
        run("result = check('birth')", names)
        told = str(names["result"])
    if login == "ann:secret@":
        assert names["result"].ok, told
    else:
        assert "the environment variable MQTTKIT_BROKER names" in told
        assert "Without that variable each check brings a broker of its own." in told
        assert "secret" not in told


def test_a_named_broker_that_is_not_there_is_told_and_costs_no_try(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("MQTTKIT_BROKER", f"mqtt://127.0.0.1:{port}")
    names = names_of(solved(NAME)) | {"check": checks(NAME)}
    run("result = check('birth')", names)
    told = str(names["result"])
    assert f"127.0.0.1 port {port}" in told
    assert "Hint" not in told
    assert not [thread for thread in threading.enumerate() if thread.name == "mqttkit-corner"]


def test_a_broker_that_speaks_websocket_only_is_not_used(monkeypatch):
    monkeypatch.setenv("MQTTKIT_BROKER", "ws://127.0.0.1:1/mqtt")
    with corner_of_the_named_broker() as corner:
        assert corner is None
