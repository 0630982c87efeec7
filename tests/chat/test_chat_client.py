"""Members of a room meet on a plain broker, of either engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mqttkit import Broker, ConnectError, Timeout
from mqttkit.chat import ChatError, Presence
from mqttkit.chat.client import ChatClient
from support.labs import ENGINES, installed


@pytest.fixture(scope="module", params=ENGINES)
def broker(request):
    with Broker(engine=installed(request.param)) as running:
        yield running


def test_two_people_talk_and_see_each_other(broker):
    with ChatClient(broker, "talk", "Ada") as ada, ChatClient(broker, "talk", "Bob") as bob:
        ada.wait_for_people("Ada", "Bob")
        ada.say("Grüße 👋")
        bob.say("<b>hi</b>")
        said = [(line.name, line.text) for line in bob.wait_for_lines(2)]
        assert sorted(said) == [("Ada", "Grüße 👋"), ("Bob", "<b>hi</b>")]
        assert [bob.view.is_own(line) for line in bob.lines if line.name == "Bob"] == [True]


def test_a_name_that_is_taken_is_changed_in_the_will_too(broker):
    with ChatClient(broker, "names", "Ada") as ada:
        other = ChatClient(broker, "names", "ada").join()
        assert other.name == "ada 2"
        ada.wait_for_people("Ada", "ada 2")
        other.pull_the_plug()
        ada.wait_for_people("Ada")
        assert ada.view.people[other.client_id] == Presence("names", other.client_id, "ada 2", online=False)


def test_who_comes_late_sees_who_is_there_and_who_left(broker):
    with ChatClient(broker, "late", "Ada"):
        gone = ChatClient(broker, "late", "Gone").join()
        gone.leave()
        with ChatClient(broker, "late", "Late") as late:
            late.wait_for_people("Ada", "Late")
            assert late.view.people[gone.client_id].online is False


def test_who_cannot_say_goodbye_leaves_all_the_same(broker, monkeypatch):
    with ChatClient(broker, "goodbye", "Ada") as ada:
        silent = ChatClient(broker, "goodbye", "Silent").join()
        ada.wait_for_people("Ada", "Silent")

        def no_answer(*_args, **_options):
            raise Timeout("no PUBACK within 5 s")

        monkeypatch.setattr(silent.client, "publish", no_answer)  # in place of five seconds of a silent network
        silent.leave()
        assert not silent.client.connected
        ada.wait_for_people("Ada")  # the broker sent the will


def test_after_a_lost_link_the_room_sees_one_again(broker):
    with ChatClient(broker, "tunnel", "Ada") as ada, ChatClient(broker, "tunnel", "Walker") as walker:
        ada.wait_for_people("Ada", "Walker")
        seen = []
        ada.on_change = seen.append
        walker.client.paho.hang_up()
        assert ada._wait(lambda: [item.online for item in seen] == [False, True], 5), seen
        walker.say("back")
        assert ada.wait_for_lines(1)[0].text == "back"


def test_what_cannot_be_said_is_refused_before_it_is_sent(broker):
    ada = ChatClient(broker, "mute", "Ada")
    with pytest.raises(ConnectError, match="join"):
        ada.say("hello")
    with ada, pytest.raises(ChatError, match="empty"):
        ada.say("   ")


def test_names_are_unique_even_when_all_come_at_once(broker):
    people = [ChatClient(broker, "rush", "Ada") for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(ChatClient.join, people))
    names = sorted(person.name for person in people)
    for person in people:
        person.wait_for_people(*names)
    for person in people:
        person.leave()
    assert len(set(names)) == 5
    assert "Ada" in names


@pytest.mark.parametrize(
    "wrong", [{"room": None}, {"room": "a b"}, {"name": 3}, {"client_id": "a/b"}, {"keep": -1}, {"keep": "x"}]
)
def test_what_a_chat_client_cannot_be_made_of_is_one_sentence(wrong):
    with pytest.raises(ChatError) as said:
        ChatClient("mqtt://127.0.0.1:9", **wrong)
    assert len(str(said.value)) < 200
