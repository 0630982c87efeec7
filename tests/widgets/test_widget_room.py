"""ChatRoom over a real broker: presence, names, own lines, odd messages."""

import pytest

from mqttkit import Broker, ChatRoom, Client, chat
from support.waiting import until


@pytest.fixture
def broker():
    with Broker() as running:
        yield running


@pytest.fixture
def ada(broker):
    room = ChatRoom(broker, "lab", name="Ada")
    yield room
    room.close()


def lines(room):
    return [(line["kind"], line["name"], line["text"]) for line in room.state().content["lines"]]


def test_own_and_others_lines_are_told_apart_by_client_not_by_name(broker, ada):
    twin = ChatRoom(broker, "lab", name="ADA")
    assert twin.name == "ADA 2"
    ada.say("Hello 👋")
    until(lambda: ("other", "Ada", "Hello 👋") in lines(twin))
    assert lines(ada).count(("own", "Ada", "Hello 👋")) == 1
    twin.close()
    until(lambda: ("system", "", "ADA 2 left.") in lines(ada))


def test_a_late_comer_sees_who_is_online(broker, ada):
    late = ChatRoom(broker, "lab", name="Bob")
    until(lambda: [person["name"] for person in late.people() if person["online"]] == ["Ada", "Bob"])
    assert not any("joined" in text for _, _, text in lines(late))
    late.close()


def test_a_person_may_have_a_client_of_the_same_name(broker, ada):
    """Else the one would throw the other off, again and again."""
    with Client(broker, "ada") as mine:
        ada.say("still here?")
        until(lambda: ("own", "Ada", "still here?") in lines(ada))
        mine.publish("home/x", "1", qos=1)
        assert mine.connected
        assert {client.client_id for client in broker.clients()} == {"ada", "ada-chat"}


def test_the_will_tells_when_somebody_vanishes(broker, ada):
    bob = ChatRoom(broker, "lab", name="Bob")
    until(lambda: ("system", "", "Bob joined.") in lines(ada))
    bob._feed.client.kill()
    until(lambda: ("system", "", "Bob left.") in lines(ada))
    bob.close()


def test_what_strangers_send_is_text_or_refused(broker, ada):
    with Client(broker, "stranger") as stranger:
        for payload in (b"\xff", b"[]", b'{"name": "x"}', b'{"name": "x", "text": "' + b"a" * 9000 + b'"}'):
            stranger.publish(chat.message_topic("lab", "stranger"), payload, qos=1)
        stranger.publish(chat.message_topic("lab", "stranger"), chat.encode_line("<b>", "<script>"), qos=1)
        until(lambda: ("other", "<b>", "<script>") in lines(ada))
    assert ada.state().content["refused"] == 4
    assert "&lt;script&gt;" in ada.html()


def test_a_read_only_room_keeps_the_text_with_its_writer(broker, ada):
    with Client(broker, "host") as host:
        host.publish(
            chat.room_topic("lab"), chat.encode_room(chat.RoomState("lab", read_only=True)), qos=1, retain=True
        )
        until(lambda: not ada.can_write)
    ada._received(ada, {"type": "do", "action": "say", "values": {"text": "hm", "token": 5}}, [])
    assert "only the host" in ada.error
    assert ada.state().content["sent"] == 0


def test_another_room_another_name(broker, ada):
    ada.enter("hall")
    assert ada.state().content["room"] == "hall"
    ada.rename("Augusta")
    with Client(broker, "watcher") as watcher:
        watcher.subscribe("chat/hall/presence/+", qos=1)
        until(lambda: any(b"Augusta" in message.payload for message in watcher.messages))
    assert [person["name"] for person in ada.people() if person["online"]] == ["Augusta"]


def test_where_a_room_or_a_name_is_refused_everything_is_as_before():
    """The person is not thrown out: they still read and write where they were."""
    rules = ["ada all chat/lab/#"]
    with Broker(users={"ada": "secret"}, access=rules) as broker:
        room = ChatRoom(broker, "lab", name="Ada", username="ada", password="secret")
        room.say("before")
        until(lambda: ("own", "Ada", "before") in lines(room))
        for action, values in (("enter", {"room": "hall"}), ("rename", {"name": 3})):
            room._received(room, {"type": "do", "action": action, "values": values}, [])
            assert room.error
            assert (room.state().content["room"], room.name, room._feed.connected) == ("lab", "Ada", True)
        assert ("own", "Ada", "before") in lines(room)
        room.say("after")
        until(lambda: ("own", "Ada", "after") in lines(room))
        room.close()


def test_nobody_moves_during_an_interruption_and_the_connection_comes_back_all_the_same(ada):
    feed = ada._feed
    feed.connected = False
    for action, values in (("enter", {"room": "hall"}), ("rename", {"name": "Eve"})):
        ada._received(ada, {"type": "do", "action": action, "values": values}, [])
        assert "no connection" in ada.error
    assert (ada._feed, feed._closed, ada.room, ada.name) == (feed, False, "lab", "Ada")


def test_the_lines_are_bounded(ada):
    with ada.lock:
        for n in range(700):
            ada._add("other", "x", str(n))
    assert len(ada.state().content["lines"]) == 200
    assert ada.state().content["lines"][-1]["text"] == "699"
