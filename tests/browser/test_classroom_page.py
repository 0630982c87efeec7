"""The class as people meet it: phones, a laptop, a notebook and the instructor's page in one room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mqttkit import ChatRoom
from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from support.host import HostPage
from support.phones import enter, say

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LAPTOP = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def classroom():
    with Classroom("physics") as running:
        yield running


@pytest.fixture
def device(browser):
    """device(url, **context): a page of its own, with everything that went wrong on it in `page.wrong`."""
    contexts = []

    def open_device(url, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.wrong = []
        page.requests = []
        page.on("console", lambda message: message.type in {"error", "warning"} and page.wrong.append(message.text))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(url)
        return page

    yield open_device
    for context in contexts:
        context.close()


def instruct(classroom, device, **options):
    """The instructor's page, opened with its key."""
    page = device(classroom.instructor_url, **LAPTOP, **options)
    page.get_by_label("Instructor's key").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("This is not the key.").wait_for()
    page.get_by_label("Instructor's key").fill(classroom.instructor_key)
    page.keyboard.press("Enter")
    page.locator("#desk").wait_for()
    return page


def lines(page):
    return page.locator("#log .line:not(.system)").all_inner_texts()


def shot(page, name):
    folder = os.environ.get("MQTTKIT_SCREENSHOTS")
    if folder:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(folder) / f"classroom-{name}-{scheme}.png"), full_page=True)


def assert_accessible(page):
    """axe-core finds nothing serious in either theme. The page must have been opened with bypass_csp, to let axe in."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("() => window.axe.run({resultTypes: ['violations']})")
        bad = [
            (one["id"], node["html"][:100])
            for one in found["violations"]
            for node in one["nodes"]
            if one["impact"] in {"serious", "critical"}
        ]
        assert bad == [], scheme


@pytest.fixture
def notebook(browser):
    page = HostPage(browser)
    yield page
    page.close()


def test_two_phones_and_a_notebook_talk(classroom, device, notebook):
    phone = enter(device(classroom.join_url, **PHONE), "Ada")
    other = enter(device(classroom.join_url, **PHONE, color_scheme="dark"), "Ada")
    room = notebook.show(
        ChatRoom(classroom.url, "physics", name="Grace", username="a secret of Grace", password=classroom.password)
    )
    notebook.until(room.get_by_text("Online: 3"))
    log = room.get_by_role("log")
    say(phone, "Hello 👋")
    notebook.until(log.get_by_text("Hello 👋"))
    say(other, "<img src=x onerror=alert(1)> **no** markup")
    notebook.until(log.get_by_text("<img src=x onerror=alert(1)> **no** markup"))
    room.get_by_label("Message", exact=True).fill("from a notebook")
    room.get_by_label("Message", exact=True).press("Enter")
    notebook.until(log.get_by_text("Grace (you)"))
    phone.get_by_text("from a notebook").wait_for()
    other.get_by_text("from a notebook").wait_for()
    said = ["Hello 👋", "<img src=x onerror=alert(1)> **no** markup", "from a notebook"]
    assert log.locator(".mqk-said").all_inner_texts()[-3:] == said
    assert lines(phone) == [f"{who} {text}" for who, text in zip(("You", "Ada 2", "Grace"), said, strict=True)]
    assert lines(other)[:2] == [f"{who} {text}" for who, text in zip(("Ada", "You"), said, strict=False)]
    phone.get_by_text("Online: 3").click()
    assert phone.locator("#people li").all_inner_texts() == ["Ada (you)", "Ada 2", "Grace"]
    assert room.locator(".mqk-people li").all_inner_texts() == ["● Ada", "● Ada 2", "● Grace (you)"]
    shot(phone, "phone")
    assert phone.locator("#log img").count() + room.locator("img").count() == 0
    assert phone.wrong + other.wrong + notebook.console == []
    assert phone.url == classroom.page_url  # the password does not stay in the address
    assert {url.partition("#")[0] for url in phone.requests if not url.startswith("data:")} == {classroom.page_url}


def test_the_phone_shows_what_it_sent_byte_by_byte(classroom, device):
    phone = enter(device(classroom.join_url, **PHONE), "Ada")
    say(phone, "Grüße")
    phone.locator("#log .own").wait_for()
    shown = phone.locator("#sent").inner_text()
    assert "PUBLISH" in shown
    assert "DUP 0, QoS 1 (at least once), RETAIN 0" in shown
    assert "63 68 61 74 2f 70 68 79 73 69 63 73" in shown  # chat/physics
    assert "47 72 c3 bc c3 9f 65" in shown
    phone.locator(".chip", has_text="CONNECT").click()
    shown = phone.locator("#sent").inner_text()
    assert "protocol level 4" in shown
    assert classroom.password not in shown
    assert phone.wrong == []


def test_a_pulled_plug_is_seen_and_the_phone_comes_back(classroom, device):
    phone = enter(device(classroom.join_url, **PHONE), "Ada")
    with ChatClient(classroom.url, "physics", "Bob", password=classroom.password) as bob:
        bob.wait_for_people("Ada", "Bob")
        phone.get_by_role("button", name="Pull the plug").click()
        bob.wait_for_people("Bob")
        bob.say("while you were away")
        phone.get_by_role("button", name="Plug in again").click()
        phone.get_by_text("while you were away").wait_for()
        bob.wait_for_people("Ada", "Bob")
        for link in [link for link in classroom._gate.links if link.client_id.startswith("ada")]:
            classroom._loop.call_soon_threadsafe(link.close)  # the network breaks, nobody clicked anything
        phone.get_by_text("Back again").wait_for()
        bob.wait_for_people("Ada", "Bob", timeout=5)
        phone.get_by_role("button", name="Leave").click()
        bob.wait_for_people("Bob")
    assert [text for text in phone.wrong if "WebSocket" not in text] == []


def test_a_wrong_password_is_said_and_can_be_mended(classroom, device):
    phone = device(classroom.page_url, **PHONE)
    phone.get_by_label("Class password").fill("wrong")
    phone.get_by_label("Your name").fill("Ada")
    phone.get_by_role("button", name="Join").click()
    phone.get_by_text("the password is wrong").wait_for()
    phone.get_by_label("Class password").fill(classroom.password)
    phone.get_by_role("button", name="Join").click()
    phone.locator("#room").wait_for()


def test_the_instructor_sees_everything_and_moderates(classroom, device):
    boss = instruct(classroom, device)
    ada = enter(device(classroom.join_url, **PHONE), "Ada")
    bob = enter(device(classroom.join_url, **PHONE), "Bob")
    say(ada, "look at my packets")
    boss.locator("#ladder").get_by_text("Ada → broker").wait_for()
    boss.locator("#ladder").get_by_text("3 of 3 receivers").wait_for()
    boss.locator("#ladder button", has_text="PUBACK").click()
    assert "of the message that is acknowledged" in boss.locator("#sent").inner_text()
    assert boss.locator("#people li").count() == 3
    assert "chat/physics/message/" in boss.locator("#tree").inner_text()
    assert boss.locator("#qr").evaluate("image => image.complete && image.naturalWidth") > 100
    assert boss.locator("#class-password").inner_text() == classroom.password
    boss.get_by_role("button", name="enlarge").click()
    assert boss.locator("#qr").bounding_box()["width"] > 500
    shot(boss, "enlarged")
    boss.get_by_role("button", name="enlarge").click()
    boss.get_by_role("button", name="mute Bob", exact=True).click()
    bob.get_by_text("The instructor muted you.").wait_for()
    say(bob, "unheard")
    bob.get_by_text("others do not see this line").wait_for()
    boss.get_by_role("button", name="unmute Bob").wait_for()
    assert "/notice/" not in boss.locator("#tree").inner_text()
    shot(boss, "instructor")
    boss.get_by_role("button", name="Read only").click()
    ada.get_by_text("Only the instructor may write now.").wait_for()
    assert ada.get_by_label("Message", exact=True).is_disabled()
    boss.get_by_role("button", name="Clear").click()
    expect(ada.locator("#log .line")).to_have_count(0)
    boss.get_by_role("button", name="remove Bob").click()
    bob.get_by_text("The instructor removed you").wait_for()
    expect(boss.locator("#people li")).to_have_count(2)
    boss.get_by_role("button", name="End the class").click()
    boss.get_by_role("button", name="Really end it?").click()
    ada.get_by_text("The class has ended.").wait_for()
    assert classroom.instructor_key not in boss.url
    assert boss.wrong + ada.wrong == []


def test_a_reloaded_instructors_page_goes_on(classroom, device):
    boss = instruct(classroom, device)
    phone = enter(device(classroom.join_url, **PHONE), "Ada")
    say(phone, "said before")
    boss.get_by_text("said before", exact=True).click()
    expect(boss.locator("#followed")).to_have_text("Ada")
    with ChatClient(classroom.url, "physics", "Bob", password=classroom.password) as bob:
        boss.reload()
        boss.get_by_text("said before", exact=True).wait_for()
        boss.locator("#ladder").get_by_text("Ada → broker").wait_for()
        assert boss.wrong == []
        boss.context.set_offline(True)
        (link,) = [link for link in classroom._gate.links if link.client_id.startswith("instructor")]
        classroom._loop.call_soon_threadsafe(link.close)
        expect(boss.locator("#state")).to_have_text("no connection, trying again …")
        bob.say("said meanwhile")
        boss.context.set_offline(False)
        boss.get_by_text("said meanwhile", exact=True).wait_for()
        boss.locator("#ladder").get_by_text("Bob → broker").wait_for()  # Ada is no longer followed
        expect(boss.get_by_text("said before", exact=True)).to_have_count(1)
    phone.get_by_role("button", name="Leave").click()
    expect(boss.locator("#people li")).to_have_count(1)


def test_the_pages_keep_nobody_out(classroom, device):
    door = device(classroom.page_url, **PHONE, bypass_csp=True)
    assert_accessible(door)
    shot(door, "door")
    phone = enter(device(classroom.join_url, **PHONE, bypass_csp=True), "Ada")
    boss = instruct(classroom, device, bypass_csp=True)
    say(phone, "hello")
    boss.locator("#ladder button").first.wait_for()
    phone.get_by_text("Online:").click()
    assert_accessible(phone)
    assert_accessible(boss)


def test_everything_can_be_done_with_the_keyboard(classroom, device):
    page = device(classroom.join_url, **LAPTOP)
    page.get_by_label("Your name").focus()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    page.locator("#room").wait_for()
    page.keyboard.type("typed")  # the field for the message has the focus
    page.keyboard.press("Enter")
    page.locator("#log .own").wait_for()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the list of people opens
    assert "Ada (you)" in page.locator("#people").inner_text()


def test_the_page_is_there_in_a_moment(classroom, device):
    page = device(classroom.join_url, **PHONE)
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert loaded < 3000
    page.get_by_label("Your name").fill("Ada")
    begin = page.evaluate("performance.now()")
    page.get_by_role("button", name="Join").click()
    page.locator("#room").wait_for()
    took = page.evaluate("performance.now()") - begin
    print(f"page {loaded:.0f} ms, joined after {took:.0f} ms")
    assert took < 5000
