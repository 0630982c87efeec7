"""The client panel, pressed from Python: what its buttons do to a real broker, and the code that it shows."""

import subprocess
import sys

import pytest

from mqttkit import Broker, Client, ClientPanel, Lab
from mqttkit.errors import InvalidArgument
from support.waiting import until


@pytest.fixture(scope="module")
def broker():
    with Broker(users={"ann": "secret", "bob": "secret"}) as running:
        yield running


@pytest.fixture
def panel(broker):
    widget = ClientPanel(broker, "ann", username="ann", password="secret")
    yield widget
    widget.close()


def press(panel, action, **values):
    panel._received(panel, {"type": "do", "action": action, "values": values}, [])
    return panel.error


def test_from_settings_to_pulling_the_plug(broker, panel):
    with Client(broker, "watcher", username="bob", password="secret") as watcher:
        watcher.subscribe("panel/#", qos=2)
        assert (
            press(panel, "connect", will_topic="panel/status", will_payload="gone", will_retain=True, will_qos="1")
            == ""
        )
        assert press(panel, "subscribe", topic_filter="panel/1", qos="1") == ""
        assert panel.said == "Subscribed to panel/1: granted QoS 1."
        assert press(panel, "publish", topic="panel/1", payload='{"t": 21}', qos="2", retain=True) == ""
        watcher.wait_for(1, topic="panel/1")
        until(lambda: panel.messages)
        shown = panel.messages[0]
        assert (shown["topic"], shown["qos"], shown["text"], shown["hex"][:5]) == ("panel/1", 1, '{"t": 21}', "7b 22")
        assert shown["json"] == '{\n  "t": 21\n}'
        assert press(panel, "unsubscribe", topic_filter="panel/1") == ""
        assert press(panel, "kill") == ""
        assert watcher.wait_for(1, topic="panel/status")[0].text == "gone"
        assert not panel.connected


def test_a_mistake_is_explained_where_the_click_was(panel):
    assert "not connected" in press(panel, "publish", topic="x")
    press(panel, "connect")
    assert "#" in press(panel, "subscribe", topic_filter="a/#/b", qos="0")
    assert "connected already" in press(panel, "connect")
    assert press(panel, "disconnect") == ""
    assert "keep alive is a number" in press(panel, "connect", keep_alive="often")
    assert "no setting" in press(panel, "connect", colour="red")


def test_an_error_in_a_callback_of_a_learner_appears_and_stops_no_button(panel):
    press(panel, "connect")
    press(panel, "subscribe", topic_filter="alarm", qos="1")

    @panel.client.on("alarm")
    def alarm(message):
        return 1 / float(message.text)

    for payload in ("0", "zero"):
        press(panel, "publish", topic="alarm", payload=payload, qos="1")
        assert panel.said == "Published to alarm: acknowledged with PUBACK."
        wanted = "ZeroDivisionError" if payload == "0" else "ValueError"
        until(lambda wanted=wanted: f'Error in @client.on("alarm") of client "ann": {wanted}' in panel.error)
    assert "return 1 / float(message.text)" in panel.error
    assert press(panel, "unsubscribe", topic_filter="alarm") == ""


def test_a_wrong_password_says_so_and_the_password_never_reaches_the_page(broker):
    panel = ClientPanel(broker, "eve", username="bob", password="wrong")
    assert "bob" in press(panel, "connect") or "password" in panel.error
    everything = repr(panel.state()) + panel.code + panel.text() + panel.html() + repr(panel.settings)
    assert "wrong" not in everything
    panel.close()


def test_the_code_to_take_away_runs(broker, panel, tmp_path):
    with Client(broker, "reader", username="bob", password="secret") as reader:
        reader.subscribe("code/#", qos=1)
        press(panel, "connect", will_topic="code/will", will_payload="bye")
        press(panel, "subscribe", topic_filter="code/+", qos="1")
        press(panel, "publish", topic="code/1", payload='it\'s "quoted" ☕', qos="1", retain=False)
        press(panel, "disconnect")
        first = reader.wait_for(1)[0]
        program = panel.code
        assert "secret" not in program
        path = tmp_path / "taken_away.py"
        path.write_text(program.replace('getpass("Password: ")', '"secret"'), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error", path], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr
        assert reader.wait_for(1)[0] == first


def test_a_second_connection_is_in_the_code_too(panel):
    press(panel, "connect")
    press(panel, "disconnect")
    press(panel, "connect")
    assert panel.code.count("client.reconnect()") == 1
    compile(panel.code, "panel", "exec")
    press(panel, "disconnect")


def test_in_a_lab_its_packets_are_on_the_ladder():
    with Lab() as lab:
        panel = ClientPanel(lab)
        press(panel, "connect")
        lab.trace.wait_for(type="CONNECT", sender="panel")
        other = ClientPanel(lab)
        press(other, "connect")
        assert (panel.connected, other.connected) == (True, True)
        panel.close()
        other.close()


def test_a_flood_leaves_the_last_messages_and_the_right_number(broker, panel):
    press(panel, "connect")
    press(panel, "subscribe", topic_filter="flood", qos="1")
    with Client(broker, "pump", username="bob", password="secret") as pump:
        for n in range(1000):
            pump.publish("flood", n, qos=1, wait=n == 999)
        until(lambda: panel.received == 1000)
    assert len(panel.messages) == 200
    assert panel.messages[-1]["text"] == "999"
    assert len(panel.changes().content["fresh"]) <= 200


@pytest.mark.parametrize("url", ["http://localhost", "mqtt://host:99999"])
def test_a_wrong_url_is_refused_in_one_sentence_and_not_taken_over(panel, url):
    """Else the panel could not even say what it shows, for good."""
    with pytest.raises(InvalidArgument, match="A broker's URL looks like"):
        ClientPanel(url)
    before = panel.state().content
    assert "A broker's URL looks like" in press(panel, "connect", url=url, username="eve")
    assert panel.state().content == before
