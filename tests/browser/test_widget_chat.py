"""Two people in a chat room, in two notebooks, and a stranger with any MQTT client."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

HOST = """
from mqttkit import Broker, Client, ChatRoom
broker = Broker().start()
ada = ChatRoom(broker, "physics", name="Ada")
stranger = Client(broker, "stranger").connect()
ada
"""

ODD = """
import json
topic = "chat/physics/message/stranger"
stranger.publish(topic, json.dumps({"name": "<i>x</i>", "text": "<script>alert(1)</script>"}), 1)
stranger.publish(topic, "no json", 1)
"""


@pytest.fixture
def two(page_of):
    first = page_of(HOST)
    first.run_all()
    url = first.execute("print(broker.url)").strip()
    second = page_of(f"from mqttkit import ChatRoom\nbob = ChatRoom({url!r}, 'physics', name='ada')\nbob")
    second.run_all()
    return first, second


def test_two_notebooks_meet(two):
    first, second = two
    ada, bob = first.output(0), second.output(0)
    ada.get_by_role("log").get_by_text("ada 2 joined.").wait_for()
    ada.get_by_text("Online: 2").wait_for()

    # Ada is in the middle of a sentence when a line arrives: what she typed stays
    ada.get_by_label("Message", exact=True).press_sequentially("Hello <b>you</b>")
    bob.get_by_label("Message", exact=True).fill("Grüße 👋🏽")
    bob.get_by_label("Message", exact=True).press("Enter")
    ada.get_by_role("log").get_by_text("Grüße 👋🏽").wait_for()
    assert ada.get_by_label("Message", exact=True).input_value() == "Hello <b>you</b>"
    ada.get_by_label("Message", exact=True).press("Enter")
    bob.get_by_role("log").get_by_text("Hello <b>you</b>").wait_for()
    ada.get_by_role("log").get_by_text("Hello <b>you</b>").first.wait_for()
    assert ada.get_by_role("log").get_by_text("Hello <b>you</b>").count() == 1  # no echo beside one's own line
    assert ada.get_by_label("Message", exact=True).input_value() == ""

    # a stranger writes odd things
    first.execute(ODD)
    ada.get_by_role("log").get_by_text("<script>alert(1)</script>").wait_for()
    first.screenshot("chat", ada)
    assert serious(first, ada) == []

    # somebody pulls Bob's plug
    second.execute("bob.close()")
    ada.get_by_role("log").get_by_text("ada 2 left.").wait_for()
    ada.get_by_text("Online: 1").wait_for()

    # "dd" in a field is text
    ada.get_by_label("Message", exact=True).press_sequentially("dd")
    assert first.page.locator(".jp-Notebook .jp-Cell").count() == 1
    first.assert_clean()


def test_the_line_is_kept_while_there_is_no_connection(page_of):
    page = page_of(HOST)
    page.run_all()
    room = page.output(0)
    room.get_by_text("● connected").wait_for()
    page.execute("broker.stop()")
    room.get_by_text("○ not connected").wait_for()
    room.get_by_label("Message", exact=True).fill("Are you there?")
    room.get_by_label("Message", exact=True).press("Enter")
    room.get_by_role("alert").get_by_text("Not sent").wait_for()
    assert room.get_by_label("Message", exact=True).input_value() == "Are you there?"
    page.execute("broker.start()")
    room.get_by_text("● connected").wait_for(timeout=15_000)
    room.get_by_label("Message", exact=True).press("Enter")
    room.get_by_role("log").get_by_text("Are you there?").wait_for()
