"""The client panel at a broker known by its URL: TLS, MQTT 5, and each way in which a connection can fail, told in its words."""

import socket
import subprocess
import sys

import pytest

from mqttkit import Broker, ClientPanel
from mqttkit.security import LessonCA
from support import need


@pytest.fixture(scope="module")
def broker():
    need("mosquitto")
    with Broker(engine="mosquitto", tls=True, users={"ann": "secret"}) as running:
        yield running


@pytest.fixture
def panel_at(broker):
    made = []

    def make(url, **settings):
        made.append(ClientPanel(url, **settings))
        return made[-1]

    yield make
    for panel in made:
        panel.close()


def press(panel, action, **values):
    panel._received(panel, {"type": "do", "action": action, "values": values}, [])
    return panel.error


def form(panel, **changed):
    """What the page sends when Connect is pressed: the form as it was shown, with what was typed into it."""
    shown = panel.state().content
    return {"url": shown["url"], **shown["settings"], **changed}


def test_tls_and_mqtt_5_with_user_and_password_from_the_url(broker, panel_at, tmp_path):
    url = broker.urls["mqtts"].replace("//", "//ann:secret@")
    panel = panel_at(url, tls=broker.ca, protocol=5)
    shown = panel.state().content
    assert (shown["settings"]["tls"], shown["settings"]["username"]) == (True, "ann")
    assert "secret" not in repr(shown)
    assert shown["password_kept"] is True  # that there is one, the form may say
    assert press(panel, "connect", **form(panel)) == ""
    assert (panel.connected, panel.client.protocol) == (True, 5)
    press(panel, "subscribe", topic_filter="tls/#", qos="2")
    press(panel, "publish", topic="tls/1", payload="hello", qos="2")
    assert panel.said == "Published to tls/1: acknowledged with PUBREC and PUBCOMP."
    press(panel, "disconnect")
    program = panel.code.replace('getpass("Password: ")', '"secret"')
    path = tmp_path / "taken_away.py"
    path.write_text(program, encoding="utf-8")
    assert "tls_set(ca_certs=" in program
    subprocess.run([sys.executable, "-W", "error", path], timeout=20, check=True)


def test_a_broker_of_ones_own_with_tls_only_needs_no_tick(panel_at):
    with Broker(port=None, tls=True) as own:
        panel = panel_at(own)
        assert press(panel, "connect", **form(panel)) == ""
        assert panel.connected


def test_what_stands_in_the_way_is_said_in_the_words_of_the_form(broker, panel_at, tmp_path):
    other = LessonCA()
    tls, plain = broker.urls["mqtts"], broker.urls["mqtt"]
    closed = socket.create_server(("127.0.0.1", 0))
    gone = f"mqtt://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    login = {"username": "ann", "password": "secret"}
    expected = [
        ({"url": tls, "ca_file": str(other.file), **login}, "name the right CA file"),
        ({"url": tls, **login}, "name the right CA file"),
        ({"url": tls, "ca_file": str(tmp_path / "none.pem"), **login}, "There is no CA file"),
        ({"url": plain, "tls": True, **login}, "does not speak TLS on this port"),
        ({"url": tls.replace("mqtts", "mqtt"), **login}, "Tick TLS, or the port without TLS"),
        ({"url": plain, "username": "ann", "password": "wrong"}, 'check the password of user "ann"'),
        ({"url": plain}, "fill in User and Password"),
        ({"url": gone}, "the connection was refused"),
        ({"url": "mqtt://no-such-host.invalid"}, "There is no host"),
        ({"url": "http://127.0.0.1"}, 'begins with "http", not with one of mqtt://, mqtts://'),
    ]
    for typed, sentence in expected:
        panel = panel_at(plain)
        error = press(panel, "connect", **form(panel, **typed))
        assert sentence in error, (typed, error)
        assert "tls=" not in error
        assert "Client(" not in error
        assert panel.said.startswith("Not connected")


def test_an_embedded_broker_asked_for_mqtt_5_says_which_version_to_choose(panel_at):
    with Broker() as own:
        panel = panel_at(own, protocol=5)
        assert "Choose MQTT 3.1.1 as the version" in press(panel, "connect")
