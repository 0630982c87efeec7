"""A classroom as its members meet it, over real sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import urllib.request
from dataclasses import replace

import psutil
import pytest

from mqttkit import Broker, Client, ConnectError, SubscribeRefused, Trace, chat
from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from mqttkit.classroom.commands import invitation
from mqttkit.cli import main
from mqttkit.errors import BrokerError, InvalidArgument, MqttKitError
from mqttkit.packets import encode
from mqttkit.security import LessonCA
from support.needs import need
from support.waiting import until


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("mqttkit.classroom.link.WRONG_PASSWORD_SECONDS", 0)


@pytest.fixture
def classroom():
    with Classroom("physics") as running:
        yield running


def join(classroom, name, *, web=False, **more):
    url = classroom.ws_url if web else classroom.url
    return ChatClient(url, classroom.room, name, password=classroom.password, **more).join()


def instructor(classroom, client_id="boss"):
    boss = Client(classroom.url, client_id, username="instructor", password=classroom.instructor_key).connect()
    boss.subscribe("class/#")
    return boss


def command(boss, **content):
    boss.publish("class/command", json.dumps(content), qos=1)


def test_tcp_and_websocket_meet_on_one_address(classroom):
    assert classroom.ws_url == classroom.url.replace("mqtt:", "ws:") + "/mqtt"
    ada, bob = join(classroom, "Ada"), join(classroom, "Bob", web=True)
    ada.say("over TCP")
    bob.say("over WebSocket")
    for one in (ada, bob):
        assert sorted(line.text for line in one.wait_for_lines(2)) == ["over TCP", "over WebSocket"]
    bob.pull_the_plug()
    ada.wait_for_people("Ada")
    ada.leave()


def test_a_large_conversation_over_websocket_stays_in_step(classroom):
    ada, bob = join(classroom, "Ada", web=True), join(classroom, "Bob")
    bob.client.subscribe("people/#", qos=1)
    for number in range(40):
        ada.client.publish(f"people/{ada.client_id}/n", b"x" * (number * 200), qos=number % 2, wait=False)
    sizes = [len(message.payload) for message in bob.client.wait_for(40, 5, topic="people/#")]
    assert sizes == [number * 200 for number in range(40)]
    ada.leave()
    bob.leave()


def test_who_tries_to_write_as_another_is_told_and_not_heard(classroom):
    ada, eve = join(classroom, "Ada"), join(classroom, "Eve")
    eve.client.publish(chat.message_topic("physics", ada.client_id), chat.encode_line("Ada", "fake"), qos=1)
    assert eve._wait(lambda: eve.view.notices, 2)
    assert f"You are {eve.client_id}" in eve.view.notices[0].text
    eve.client.publish(
        "chat/physics/message/" + eve.client_id, b"no json", qos=2
    )  # also answered, so this does not hang
    eve.say("real")
    assert [line.text for line in ada.wait_for_lines(1)] == ["real"]
    ada.leave()
    eve.leave()


def test_a_client_id_cannot_be_taken_over(classroom):
    ada = join(classroom, "Ada")
    with pytest.raises(ConnectError) as refused:
        Client(classroom.url, ada.client_id, username="thief", password=classroom.password).connect()
    assert refused.value.reason_code == 5
    ada.say("still me")
    ada.wait_for_lines(1)
    ada.leave()


def test_filters_that_listen_in_are_refused(classroom):
    ada = join(classroom, "Ada")
    for wanted in ("#", "class/#", "chat/physics/notice/+"):
        with pytest.raises(SubscribeRefused):
            ada.client.subscribe(wanted)
    ada.leave()


def test_a_second_ada_gets_another_name(classroom):
    first, second = join(classroom, "Ada"), join(classroom, "Ada", web=True)
    assert (first.name, second.name) == ("Ada", "Ada 2")
    first.wait_for_people("Ada", "Ada 2")
    first.leave()
    second.leave()


def test_the_instructor_moderates(classroom):
    ada, bob, boss = join(classroom, "Ada"), join(classroom, "Bob"), instructor(classroom)
    command(boss, do="mute", who=bob.client_id)
    assert bob._wait(lambda: bob.view.notices, 2)
    bob.say("unheard")
    command(boss, do="unmute", who=bob.client_id)
    assert bob._wait(lambda: len(bob.view.notices) == 3, 2), bob.view.notices
    bob.say("heard")
    assert [line.text for line in ada.wait_for_lines(1)] == ["heard"]
    command(boss, do="clear")
    assert ada._wait(lambda: not ada.view.lines, 2)
    command(boss, do="read_only", on=True)
    assert ada._wait(lambda: ada.view.state.read_only, 2)
    command(boss, do="remove", who=bob.client_id)
    ada.wait_for_people("Ada")
    command(boss, do="end")
    assert ada._wait(lambda: ada.view.state.ended, 2)
    with pytest.raises(ConnectError):
        join(classroom, "Late")
    for one in (ada, bob):
        one.leave()
    boss.close()


def test_who_was_removed_does_not_come_back_under_the_same_id(classroom):
    bob, boss = join(classroom, "Bob", client_id="bob1", secret="s"), instructor(classroom)
    command(boss, do="remove", who="bob1")
    with pytest.raises(ConnectError):
        Client(classroom.url, "bob1", username="s", password=classroom.password).connect()
    bob.leave()
    boss.close()


def test_who_was_removed_is_cut_off_at_once(classroom):
    boss = instructor(classroom)
    with socket.create_connection(("127.0.0.1", classroom.port), timeout=5) as raw:
        raw.sendall(encode("CONNECT", client_id="eve1", username="e", password=classroom.password, keep_alive=0))
        assert raw.recv(4) == encode("CONNACK", return_code=0)
        command(boss, do="remove", who="eve1")
        with raw.makefile("rb") as received:
            assert b"removed you from the room" in received.read()  # and then the end
    boss.close()


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"do": "dance"}', b'{"do": "mute", "who": "nobody"}', b"[" * 9000])
def test_a_command_nobody_understands_is_answered(classroom, content):
    boss = instructor(classroom)
    boss.subscribe("chat/physics/notice/boss", qos=1)
    boss.publish("class/command", content, qos=1)
    assert "not understood" in boss.wait_for(1, topic="chat/#")[0].text
    boss.close()


def test_the_instructor_sees_rates_and_the_packets_of_a_line(classroom):
    ada, bob, boss = join(classroom, "Ada"), join(classroom, "Bob", web=True), instructor(classroom)
    ada.say("look")
    bob.wait_for_lines(1)

    def complete(message):
        seen = message.json()
        return message.topic == "class/packets" and seen["acknowledged"] == 2 and seen

    seen = next(filter(None, (complete(boss.wait_for(1)[0]) for _ in range(20))))
    assert (seen["sender"], seen["delivered"], sorted(seen["receivers"])) == (
        ada.client_id,
        2,
        sorted([ada.client_id, bob.client_id]),
    )
    assert b'"look"' in bytes.fromhex(seen["publish"])
    assert bytes.fromhex(seen["puback"])[:2] == b"\x40\x02"
    rates = next(m.json() for m in reversed(boss.messages) if m.topic == "class/rates")
    assert (rates["connections"], rates["lines"]) == (3, 1)
    for one in (ada, bob):
        one.leave()
    boss.close()


def test_the_class_goes_on_while_the_instructor_is_away(classroom):
    ada = join(classroom, "Ada")
    boss = instructor(classroom)
    boss.kill()
    ada.say("alone")
    again = instructor(classroom, "boss2")
    command(again, do="clear")
    assert ada._wait(lambda: ada.view.state.cleared == 1, 2)
    ada.leave()
    again.close()


def test_a_phone_that_slept_gets_what_it_missed(classroom):
    options = {"username": "s", "password": classroom.password, "clean_session": False}
    phone = Client(classroom.ws_url, "phone1", **options).connect()
    phone.subscribe("chat/physics/message/+", qos=1)
    phone.kill()
    ada = join(classroom, "Ada")
    ada.say("missed")
    back = Client(classroom.ws_url, "phone1", **options).connect()
    assert back.session_present
    assert json.loads(back.wait_for(1)[0].payload)["text"] == "missed"
    back.close()
    ada.leave()


def test_without_a_password_only_this_machine(classroom):
    with pytest.raises(InvalidArgument, match="password"):
        Classroom(host="0.0.0.0", password="")
    with pytest.raises(InvalidArgument, match="empty"):
        Classroom(host="")  # for the system that is every address
    with Classroom(password="") as free:
        assert "#" not in free.join_url
        Client(free.url, "ada").connect().close()


@pytest.mark.parametrize("origin", ["foo", "hub.example", "ftp://hub.example", "https://hub.example/path"])
def test_an_origin_that_can_never_match_is_refused(origin):
    with pytest.raises(InvalidArgument, match="origin"):
        Classroom(origins=(origin,))


def test_a_folder_that_cannot_hold_a_recording_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["classroom", "--record", str(tmp_path / "file" / "x")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_taken_port_is_said_in_one_sentence(classroom):
    with pytest.raises(BrokerError, match=f"cannot listen on 127.0.0.1:{classroom.port}"):
        Classroom(port=classroom.port).start()


def test_nothing_is_left_behind():
    process = psutil.Process()
    with Classroom() as classroom:
        join(classroom, "Ada").leave()
    before = process.net_connections(), {thread.name for thread in threading.enumerate()}
    with Classroom() as classroom:
        join(classroom, "Ada", web=True).leave()
    assert len(process.net_connections()) <= len(before[0])
    assert {thread.name for thread in threading.enumerate()} <= before[1]
    assert not [thread for thread in threading.enumerate() if thread.name == "classroom"]
    with pytest.raises(OSError):
        urllib.request.urlopen(classroom.page_url, timeout=1)


def test_a_recording_holds_the_talk_but_no_secret(tmp_path):
    with Classroom("physics", record=tmp_path / "rec") as classroom:
        ada = join(classroom, "Ada", secret="private-of-ada")
        stays = join(classroom, "Bob", web=True)
        assert ada.view.state.recorded
        ada.say("Grüße")
        ada.wait_for_lines(1)
        ada.leave()
    trace, packets, log = sorted((tmp_path / "rec").iterdir(), key=lambda path: path.suffix)
    if os.name == "posix":
        assert [path.stat().st_mode & 0o777 for path in (log, packets, trace)] == [0o600] * 3
    stays.leave()
    assert f"Ada ({ada.client_id}): Grüße" in log.read_text("utf-8")
    assert f"{stays.client_id} disconnected" in log.read_text("utf-8")  # by the end of the class
    assert len(Trace.load(trace).packets(type="PUBLISH", sender=ada.client_id, topic="chat/physics/message/+")) == 1
    for secret in (classroom.password, "private-of-ada", classroom.instructor_key):
        assert secret.encode() not in trace.read_bytes() + packets.read_bytes() + log.read_bytes()


@pytest.mark.parametrize("engine", ["amqtt", "mosquitto"])
def test_the_class_runs_on_any_broker(engine, monkeypatch):
    if engine == "mosquitto":
        need("mosquitto")
    with Broker(engine=engine) as broker:
        stale = Client(broker, "old").connect()
        stale.publish(
            chat.presence_topic("physics", "ghost"), chat.encode_presence("Ghost", online=True), 1, retain=True
        )
        monkeypatch.setenv("MQTTKIT_BROKER", broker.url)
        with Classroom("physics") as classroom:
            ada, bob = join(classroom, "Ada"), join(classroom, "Bob", web=True)
            ada.wait_for_people("Ada", "Bob")
            bob.say("hello")
            ada.wait_for_lines(1)
            bob.pull_the_plug()
            ada.wait_for_people("Ada")
            ada.leave()
        stale.subscribe("chat/#")
        stale.publish("chat/fence", b"")
        assert [message.topic for message in stale.wait_for(1)] == ["chat/fence"]  # nothing retained is left
        stale.close()


def test_rooms_of_one_name_on_one_machine_do_not_collide():
    with Classroom("physics") as one, Classroom("physics") as two:
        ada, bob = join(one, "Ada"), join(two, "Ada")
        assert (ada.name, bob.name) == ("Ada", "Ada")
        ada.say("only here")
        ada.wait_for_lines(1)
        bob.say("only there")
        assert [line.text for line in bob.wait_for_lines(1)] == ["only there"]
        with pytest.raises(ConnectError):
            Client(two.url, "eve", username="x", password=one.password).connect()
        ada.leave()
        bob.leave()


def test_the_broker_behind_the_room_lets_nobody_else_in(classroom):
    """Other people on the same machine can see its port, too."""
    for login in (
        {},
        {"username": "class", "password": classroom.password},
        {"username": "instructor", "password": classroom.instructor_key},
    ):
        with pytest.raises(ConnectError):
            Client(classroom._own_broker.url, "eve", **login).connect()


def test_no_file_is_left_by_a_room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Classroom() as classroom:
        join(classroom, "Ada").leave()
    assert list(tmp_path.iterdir()) == []


def test_with_tls_everything_on_the_port_is_encrypted():
    with Classroom("physics", tls=True) as classroom:
        assert (classroom.page_url[:6], classroom.url[:6], classroom.ws_url[:4]) == ("https:", "mqtts:", "wss:")
        trusting = ssl.create_default_context(cafile=str(classroom.certificate.ca))
        ca = urllib.request.urlopen(classroom.page_url + "ca.pem", context=trusting, timeout=5).read()
        assert ca == classroom.certificate.ca.read_bytes()
        with urllib.request.urlopen(classroom.page_url, context=trusting, timeout=5) as answer:
            assert b"What your phone just sent" in answer.read()
        options = {"username": "s", "password": classroom.password, "tls": str(classroom.certificate.ca)}
        with Client(classroom.url, "tcp", **options) as tcp, Client(classroom.ws_url, "web", **options) as web:
            tcp.subscribe("people/#", qos=1)
            web.publish("people/web/big", b"x" * 8000, qos=1)
            assert len(tcp.wait_for(1)[0].payload) == 8000
        with pytest.raises(ConnectError):
            Client(classroom.url.replace("mqtts", "mqtt"), "plain", username="s", password=classroom.password).connect()
        plain = http.client.HTTPConnection("127.0.0.1", classroom.port, timeout=5)
        plain.request("GET", "/")
        assert plain.getresponse().headers["Location"] == classroom.page_url
        plain.close()


def test_ones_own_certificate_is_shown(tmp_path):
    certificate = LessonCA(folder=tmp_path).server("127.0.0.1")
    with Classroom(tls=certificate) as classroom:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        urllib.request.urlopen(classroom.page_url, context=trusting, timeout=5).close()


def test_what_a_class_left_on_another_broker_is_taken_away():
    """Retained messages of members, and the sessions that were kept for phones."""
    with Broker() as broker:
        with Classroom("physics", broker=broker.url) as classroom:
            options = {"username": "s", "password": classroom.password, "clean_session": False}
            phone = Client(classroom.ws_url, "phone1", **options).connect()
            phone.subscribe("chat/physics/message/+", qos=1)
            phone.publish("people/phone1/lamp", "on", qos=1, retain=True)
            assert "phone1" in [session.client_id for session in broker.sessions()]
            phone.close()
        assert broker.retained() == []
        assert broker.sessions() == []


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"room": "chemistry"}])
def test_who_is_not_let_in_hears_of_password_and_room(classroom, wrong):
    given = {"room": "physics", "password": classroom.password} | wrong
    with pytest.raises(ConnectError, match="class password and the name of the room"):
        ChatClient(classroom.url, given["room"], "Ada", password=given["password"]).join()


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1},
        {"port": "x"},
        {"room": None},
        {"password": 3},
        {"engine": "x"},
        {"origins": "https://a"},
        {"host": 1},
    ],
)
def test_what_a_class_cannot_be_made_of_is_one_sentence(wrong):
    with pytest.raises(MqttKitError) as said:
        Classroom(**wrong)
    assert str(said.value).endswith((".", ")"))


def test_a_class_that_is_open_stays_open(classroom):
    port = classroom.port
    assert classroom.start().port == port


def test_the_class_outlives_a_broker_that_is_started_anew(caplog):
    with Broker() as first, Classroom("physics", broker=first.url) as classroom:
        first.stop()
        until(lambda: "is away" in caplog.text, 10)
        classroom.check()
        with Broker(port=first.port) as second:  # it has no state of the room
            until(second.retained, 20)
            ada = join(classroom, "Ada")
            assert ada._wait(lambda: ada.view.state.cleared == 0, 2)
            ada.leave()


def test_a_class_that_ends_by_itself_is_said_in_one_sentence(monkeypatch, capsys, caplog):
    def broken(_host):
        raise OSError("no room left")

    monkeypatch.setattr("mqttkit.classroom.host.Host.report", broken)
    assert main(["classroom", "--room", "physics"]) == 1
    assert "The class has ended by itself: no room left" in capsys.readouterr().err
    assert "ended by itself: no room left" in caplog.text


def test_the_terminal_command_trusts_whoever_signed_the_certificate(tmp_path):
    certificate = LessonCA(folder=tmp_path).server("127.0.0.1")
    for tls, words in ((certificate, " --cafile ca.pem "), (replace(certificate, ca=None), " --tls-use-os-certs ")):
        said = invitation(Classroom(tls=tls))
        assert words in said
        assert ("/ca.pem" in said) is (tls is certificate)  # which tells where that file is


def test_nobody_who_was_removed_comes_back_as_a_will_or_keeps_the_name():
    with Broker() as broker, Classroom("physics", broker=broker) as classroom:
        bob, boss = join(classroom, "Bob"), instructor(classroom)
        boss.subscribe("chat/physics/presence/+", qos=1)
        command(boss, do="remove", who=bob.client_id)
        until(lambda: not [link for link in classroom._gate.links if link.client_id == bob.client_id])
        until(lambda: bob.client_id not in [client.client_id for client in broker.clients()])
        ada = join(classroom, "Bob")
        assert ada.name == "Bob"
        said = [message.payload for message in boss.messages if message.topic.endswith(bob.client_id)]
        assert said[1:] == [b""]  # the first was there before
        for one in (ada, bob, boss):
            one.close()


def test_a_recording_is_there_before_the_broker_is_tidied_up(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "mqttkit.classroom.session.leave", lambda client, *_: (written.extend(tmp_path.iterdir()), client.close())
    )
    with Classroom("physics", record=tmp_path):
        pass
    assert sorted(path.suffix for path in written) == [".jsonl", ".pcapng", ".txt"]
