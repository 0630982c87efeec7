"""Phones that sleep, lose their network, are reloaded or scanned twice: nothing that was typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mqttkit import Client
from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from support.phones import DEVICES, enter, phone_options, say

pytestmark = pytest.mark.browser


@pytest.fixture
def classroom():
    with Classroom("physics") as running:
        yield running


@pytest.fixture
def bob(classroom):
    with ChatClient(classroom.url, "physics", "Bob", password=classroom.password) as member:
        yield member


@pytest.fixture
def phone(browser, classroom):
    """A phone in the room as Ada."""
    context = browser.new_context(**phone_options("Pixel 7"))
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(classroom.join_url)
    yield enter(page, "Ada")
    context.close()


def cut(classroom, name="ada"):
    """The network between the class and a phone breaks."""
    for link in [link for link in classroom._gate.links if link.client_id.startswith(name)]:
        classroom._loop.call_soon_threadsafe(link.close)


@pytest.mark.parametrize("device", DEVICES)
def test_a_small_screen_shows_everything_also_above_the_keyboard(browser, classroom, bob, device):
    context = browser.new_context(**phone_options(device))
    page = context.new_page()
    page.goto(classroom.join_url)
    enter(page, "Ada")
    for text in ("a" * 300, "Z" + "\u0489" * 200, "A line that is long enough to be wrapped on any phone there is."):
        bob.say(text)
    page.get_by_text("A line that is long").wait_for()
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": max(200, int(size["height"] * 0.55))})
    page.get_by_label("Message", exact=True).tap()
    expect(page.locator("#text")).to_be_in_viewport(ratio=1)
    page.wait_for_function(
        "() => { const log = document.getElementById('log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 2; }"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    context.close()


def test_what_is_typed_without_a_network_waits_and_is_sent_once(classroom, bob, phone):
    bob.wait_for_people("Ada", "Bob")
    phone.context.set_offline(True)
    cut(classroom)
    phone.get_by_text("no connection, trying again").wait_for()
    bob.wait_for_people("Bob")
    say(phone, "typed in the tunnel")
    expect(phone.locator(".waiting")).to_contain_text("Not sent yet typed in the tunnel")
    bob.say("said meanwhile")
    phone.context.set_offline(False)
    phone.get_by_text("Back again").wait_for()
    phone.get_by_text("said meanwhile").wait_for()
    expect(phone.locator(".waiting")).to_have_count(0)
    bob.wait_for_people("Ada", "Bob", timeout=5)
    assert [line.text for line in bob.wait_for_lines(2, timeout=5)] == ["said meanwhile", "typed in the tunnel"]


def test_a_link_that_fell_silent_is_noticed_although_nobody_said_so(classroom, bob, phone):
    """No event and no FIN, as when a phone walks out of the Wi-Fi: only the missing answers to its pings tell."""
    bob.wait_for_people("Ada", "Bob")
    (link,) = [link for link in classroom._gate.links if link.client_id.startswith("ada")]

    async def swallow(_data):
        """The packets to the phone vanish."""

    link.send = swallow
    phone.clock.install()
    phone.evaluate("dispatchEvent(new Event('online'))")  # asks at once, and again with every ping
    phone.clock.run_for(5000)
    phone.get_by_text("Back again").wait_for()
    bob.wait_for_people("Ada", "Bob", timeout=5)


def test_a_sleeping_page_comes_back_with_what_it_missed(classroom, bob, phone):
    bob.wait_for_people("Ada", "Bob")
    tools = phone.context.new_cdp_session(phone)
    tools.send("Page.setWebLifecycleState", {"state": "frozen"})
    cut(classroom)
    bob.wait_for_people("Bob")
    bob.say("while you slept")
    tools.send("Page.setWebLifecycleState", {"state": "active"})
    phone.get_by_text("while you slept").wait_for()
    bob.wait_for_people("Ada", "Bob", timeout=5)


def test_a_name_stays_with_a_sleeping_phone(classroom, bob, phone):
    phone.context.set_offline(True)
    cut(classroom)
    bob.wait_for_people("Bob")
    with ChatClient(classroom.url, "physics", "Ada", password=classroom.password) as other:
        assert other.name == "Ada 2"
        phone.context.set_offline(False)
        other.wait_for_people("Ada", "Ada 2", "Bob", timeout=10)


def test_who_comes_back_to_a_name_that_was_taken_gets_another(classroom, bob, phone, monkeypatch):
    monkeypatch.setattr("mqttkit.classroom.rules.NAME_KEPT_SECONDS", 0)
    phone.context.set_offline(True)
    cut(classroom)
    bob.wait_for_people("Bob")
    with ChatClient(classroom.url, "physics", "Ada", password=classroom.password) as other:
        assert other.name == "Ada"
        phone.context.set_offline(False)
        other.wait_for_people("Ada", "Ada 2", "Bob", timeout=15)
        say(phone, "I am number two")
        assert other.wait_for_lines(1, timeout=5)[0].name == "Ada 2"


def clear(classroom):
    """The instructor wipes the lines."""
    with Client(classroom.url, "boss", username="instructor", password=classroom.instructor_key) as boss:
        boss.publish("class/command", '{"do": "clear"}', qos=1)


def test_a_reloaded_page_goes_on_and_sends_what_it_had_not(classroom, bob, phone):
    """Phones throw pages away to save memory, and load them again."""
    bob.wait_for_people("Ada", "Bob")
    bob.say("soon wiped")
    phone.get_by_text("soon wiped").wait_for()
    clear(classroom)
    expect(phone.locator("#log .line")).to_have_count(0)
    phone.get_by_role("button", name="Pull the plug").click()
    say(phone, "before the reload")
    expect(phone.locator(".waiting")).to_have_count(1)
    bob.wait_for_people("Bob")
    bob.say("missed")
    phone.reload()
    phone.locator("#room").wait_for()
    assert [line.text for line in bob.wait_for_lines(2, timeout=5)] == ["missed", "before the reload"]
    expect(phone.get_by_text("missed")).to_be_visible()
    bob.wait_for_people("Ada", "Bob", timeout=5)
    assert classroom.password not in phone.url
    phone.get_by_role("button", name="Pull the plug").click()
    phone.get_by_role("button", name="Leave").click()
    expect(phone.get_by_role("button", name="Join")).to_be_visible()  # also without a connection
    phone.reload()
    expect(phone.get_by_role("button", name="Join")).to_be_visible()  # who has left is not pulled in again


def test_a_second_tab_takes_over_and_the_first_one_says_so(classroom, bob, phone):
    second = phone.context.new_page()
    second.goto(classroom.join_url)
    enter(second, "Ada")
    phone.get_by_text("in another tab").wait_for()
    bob.wait_for_people("Ada", "Bob")
    say(second, "here now")
    assert bob.wait_for_lines(1)[0].name == "Ada"
    opened = classroom._gate._numbers
    second.wait_for_timeout(1500)
    assert classroom._gate._numbers == opened  # they do not take the connection from each other for ever


def test_an_old_phone_and_a_link_that_was_cut_short_still_open_the_page(browser, classroom):
    """Safari before 15.4 has no BroadcastChannel; chat programs cut links in the middle of a "%2d"."""
    context = browser.new_context(**phone_options("iPhone SE"))
    context.add_init_script("delete globalThis.BroadcastChannel")
    page = context.new_page()
    page.goto(f"{classroom.page_url}#p=%2")
    page.get_by_label("Class password").fill(classroom.password)
    enter(page, "Ada")
    context.close()
