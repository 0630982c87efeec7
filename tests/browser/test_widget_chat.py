"""Two people in a chat room, in two notebooks, and a stranger with any MQTT client."""

import re

import pytest

from mqttkit import Broker, ChatRoom, Client, chat
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


LOOK = """log => { const top = log.getBoundingClientRect().top;
  const first = [...log.querySelectorAll("li")].find((line) => line.getBoundingClientRect().bottom > top + 2);
  return [first.querySelector(".mqk-said").textContent, first.getBoundingClientRect().top - top]; }"""


def assert_still(after, before):
    """The same line is the first in sight, in the same place but for the part of a pixel that scrolling rounds off."""
    assert after[0] == before[0]
    assert after[1] == pytest.approx(before[1], abs=0.5)


@pytest.fixture
def room(host):
    """A room in a page, with somebody else who can write there, and 60 lines."""
    with Broker() as broker, Client(broker, "bob") as bob:
        shown = ChatRoom(broker, "lab", name="Ada")
        view = host.show(shown)
        view.write = lambda numbers: [
            bob.publish(
                chat.message_topic("lab", "bob"), chat.encode_line("Bob", f"line {n}"), 1, wait=n == numbers[-1]
            )
            for n in numbers
        ]
        view.write(range(60))
        host.until(view.get_by_text("line 59"))
        yield view


def test_lines_that_flood_in_move_nothing_for_who_reads_further_up(host, room):
    log, field = room.get_by_role("log"), room.get_by_label("Message", exact=True)
    log.evaluate("log => { log.scrollTop = 200; }")
    before = log.evaluate(LOOK)
    field.press_sequentially("half a sen")
    room.write(range(60, 700))
    more = host.until(room.get_by_role("button", name="↓ 640 new lines"))
    assert_still(log.evaluate(LOOK), before)
    assert (field.input_value(), field.evaluate("one => one === document.activeElement")) == ("half a sen", True)

    more.press("Enter")
    host.until(room.get_by_text("line 699"))
    assert more.is_hidden()
    assert log.evaluate("log => log === document.activeElement && log.querySelectorAll('li').length") == 200

    log.press("Home")
    room.write(range(700, 703))
    host.until(room.get_by_role("button", name="↓ 3 new lines"))
    field.fill("What did I miss?")
    field.press("Enter")
    field.press("Enter")  # impatient: it is sent once
    host.until(log.locator(".mqk-own"))
    host.until(room.get_by_role("button", name="Send", exact=True))  # no longer "Sending …"
    assert more.is_hidden()
    assert (host.widgets[0]._said, field.input_value()) == (1, "")
    assert host.console == []


# As soon as only the last lines of a flood are drawn, somebody scrolls up: what is in sight then, and once all are drawn.
SCROLL_UP = """look => new Promise((resolve) => {
  const log = document.querySelector(".mqk-log"), count = () => log.querySelectorAll("li").length;
  let before, few = 0;
  const watch = new MutationObserver(() => {
    if (before && count() > few) resolve([few, before, look(log), count()]);
    else if (!before && count() < 60) { few = count(); log.scrollTop = 100; before = look(log); }
  });
  watch.observe(log, { childList: true, subtree: true });
})"""


def test_in_a_flood_only_what_is_in_sight_is_drawn_until_somebody_scrolls_up_or_it_is_calm(host, room):
    lines, widget = room.get_by_role("log").locator("li"), host.widgets[0]

    def flood():
        with widget.lock:
            for n in range(100):
                widget._add("other", "Bob", f"flood {n}")
        widget.touch()

    room.evaluate(f"() => {{ window.seen = ({SCROLL_UP})({LOOK}); }}")
    flood()
    host.until(room.get_by_text("flood 30", exact=True))
    few, before, after, count = room.evaluate("() => window.seen")
    assert (few, count) == (40, 161)
    assert_still(after, before)

    room.get_by_role("log").evaluate("log => { log.scrollTop = log.scrollHeight; }")
    room.evaluate(
        "() => { window.least = 1000; new MutationObserver(() => { window.least = Math.min(window.least, document.querySelectorAll('.mqk-log li').length); })"
        ".observe(document.querySelector('.mqk-log'), { childList: true, subtree: true }); }"
    )
    flood()
    host.until(lines.nth(199))
    assert room.evaluate("() => window.least") == 40
    host.until(room.get_by_text("flood 99", exact=True).last)
    assert host.console == []


def test_lines_that_the_host_wipes_leave_the_page(host, room):
    room.get_by_role("log").evaluate("log => { log.scrollTop = 200; }")
    with Client(host.widgets[0].place, "teacher") as teacher:
        state = chat.RoomState("lab", cleared=1, recorded=True)
        teacher.publish(chat.room_topic("lab"), chat.encode_room(state), qos=1, retain=True)
        host.until(room.get_by_text("This room is recorded."))
    assert room.get_by_text(re.compile(r"^line \d")).count() == 0
    assert host.console == []
