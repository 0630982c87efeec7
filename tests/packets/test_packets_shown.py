"""What people see of a packet: the line in a ladder, the anatomy as text and as a picture."""

from __future__ import annotations

import re

import pytest

from mqttkit.message import Will
from mqttkit.packets import Anatomy, decode, encode

SUMMARIES = [
    ("PUBLISH", 4, {"topic": "home/x", "payload": "21.5", "qos": 1}, 'id 1  QoS 1  home/x  "21.5"'),
    (
        "PUBLISH",
        4,
        {"topic": "a", "payload": "on", "qos": 2, "packet_id": 7, "dup": True, "retain": True},
        'id 7  QoS 2  DUP  RETAIN  a  "on"',
    ),
    ("PUBLISH", 4, {"topic": "a"}, "QoS 0  a  empty payload"),
    ("PUBLISH", 4, {"topic": "a", "payload": '{"t": 21.5}'}, 'QoS 0  a  {"t": 21.5}'),
    ("PUBLISH", 4, {"topic": "a", "payload": "[1, 2]"}, "QoS 0  a  [1, 2]"),
    ("PUBLISH", 4, {"topic": "a", "payload": "{no json"}, 'QoS 0  a  "{no json"'),
    ("PUBLISH", 4, {"topic": "a", "payload": "x" * 61}, f'QoS 0  a  "{"x" * 60}…" (61 bytes)'),
    ("PUBLISH", 4, {"topic": "a", "payload": "ü" * 61}, f'QoS 0  a  "{"ü" * 60}…" (122 bytes)'),
    ("PUBLISH", 4, {"topic": "a", "payload": b"\0\xff"}, "QoS 0  a  0x00ff"),
    ("PUBLISH", 4, {"topic": "a", "payload": bytes(20)}, "QoS 0  a  0x00000000000000000000000000000000… (20 bytes)"),
    ("PUBLISH", 4, {"topic": "a\nb", "payload": "x\ty\x1b[31m"}, r'QoS 0  a\nb  "x\ty\x1b[31m"'),
    ("PUBLISH", 4, {"topic": "a", "payload": '{"a":\n1}'}, r'QoS 0  a  {"a":\n1}'),
    ("PUBLISH", 4, {"topic": "a", "payload": "\u202eabc and more"}, r'QoS 0  a  "\u202eabc and more"'),
    ("PUBLISH", 5, {"properties": {"topic_alias": 2}}, "QoS 0  topic by alias  empty payload  topic alias 2"),
    ("CONNECT", 4, {"client_id": "bob"}, 'client id "bob"  clean session  keep alive 60 s'),
    (
        "CONNECT",
        4,
        {
            "client_id": "bob",
            "clean_session": False,
            "keep_alive": 0,
            "will": Will("bob/status", "gone", qos=1, retain=True),
            "username": "ann",
            "password": "secret",
        },
        'client id "bob"  keep session  no keep alive  will bob/status "gone" QoS 1 RETAIN  user "ann"  with password',
    ),
    ("CONNECT", 5, {"client_id": "b", "clean_session": False}, 'client id "b"  keep session  keep alive 60 s'),
    ("CONNECT", 3, {"client_id": "b"}, 'client id "b"  clean session  keep alive 60 s  MQTT 3.1'),
    ("CONNACK", 4, {}, "accepted"),
    ("CONNACK", 4, {"session_present": True}, "accepted  session present"),
    ("CONNACK", 4, {"return_code": 5}, "refused: not authorized (5)"),
    ("CONNACK", 5, {"return_code": 0x87}, "refused: not authorized (135)"),
    ("SUBSCRIBE", 4, {"filters": [("a/+", 1), "b/#"]}, "id 1  a/+ QoS 1  b/# QoS 0"),
    (
        "SUBSCRIBE",
        5,
        {"filters": [("a", 1)], "options": [0x2D]},
        "id 1  a QoS 1, no local, retain as published, retain handling 2",
    ),
    ("SUBACK", 4, {"return_codes": [1, 128]}, "id 1  granted QoS 1  refused: failure (128)"),
    ("UNSUBSCRIBE", 4, {"filters": ["a/+"]}, "id 1  a/+"),
    ("UNSUBACK", 5, {"return_codes": [0, 17]}, "id 1  success  no subscription existed"),
    ("PUBACK", 4, {"packet_id": 9}, "id 9"),
    ("PUBACK", 5, {"packet_id": 9}, "id 9"),
    ("PUBACK", 5, {"return_code": 16}, "id 1  no matching subscribers"),
    ("PUBREC", 5, {"return_code": 0x97}, "id 1  refused: quota exceeded (151)"),
    ("PINGREQ", 4, {}, ""),
    ("DISCONNECT", 4, {}, ""),
    ("DISCONNECT", 5, {}, "normal disconnection"),
    (
        "DISCONNECT",
        5,
        {"return_code": 0x8E, "properties": {"user_property": [("a", "b"), ("a", "c")]}},
        "session taken over (142)  user property a=b  user property a=c",
    ),
]


@pytest.mark.parametrize(("name", "protocol", "values", "expected"), SUMMARIES)
def test_summary_is_short_and_plain(name, protocol, values, expected):
    assert decode(encode(name, protocol, **values), protocol).summary() == expected


PUBLISH = decode(encode("PUBLISH", topic="home/x", payload="21.5", qos=1, packet_id=10))


def test_anatomy_as_text():
    assert str(PUBLISH.anatomy()) == (
        'PUBLISH  id 10  QoS 1  home/x  "21.5"  (16 bytes, MQTT 3.1.1)\n'
        "bytes  hex or bits        field                       value     meaning\n"
        "0      32                 Packet type and flags       0x32      The first byte of every packet: its type and four flags.\n"
        "       0011 ····            MQTT Control Packet type  3         3 is PUBLISH: an application message.\n"
        "       ···· 0···            DUP flag                  0         Sent for the first time.\n"
        "       ···· ·01·            QoS level                 1         QoS 1, at least once: kept until PUBACK arrives and sent again after a reconnect, so it may arrive twice.\n"
        "       ···· ···0            RETAIN                    0         To a broker: do not store it. From a broker: it was published after the subscription.\n"
        "1      0e                 Remaining Length            14        The rest of the packet takes 14 bytes.\n"
        "2-3    00 06              Length of Topic Name        6         The next 6 bytes are the Topic Name.\n"
        '4-9    68 6f 6d 65 2f 78  Topic Name                  "home/x"  The message goes to subscribers of this topic.\n'
        "10-11  00 0a              Packet Identifier           10        Names this message until the exchange is complete; the answer carries the same number.\n"
        '12-15  32 31 2e 35        Payload                     "21.5"    The message itself, 4 bytes; MQTT does not look inside.'
    )
    assert repr(PUBLISH.anatomy()) == str(PUBLISH.anatomy())


def test_anatomy_escapes_whatever_came_over_the_network():
    attack = "<script>alert(1)</script>\"'&"
    raw = encode("PUBLISH", 5, topic=attack, payload=attack, properties={"user_property": [(attack, attack)]})
    picture = decode(raw, 5).anatomy()._repr_html_()
    assert "<script" not in picture
    assert picture.count("&lt;script&gt;") >= 4
    assert not re.search(r"\son\w+=|javascript:|https?:", picture)


def test_anatomy_is_the_same_every_time():
    assert PUBLISH.anatomy()._repr_html_() == decode(PUBLISH.raw).anatomy()._repr_html_()


def test_anatomy_of_a_huge_packet_stays_small_and_says_what_it_leaves_out():
    filters = [f"a/{number}" for number in range(1000)]
    anatomy = decode(encode("SUBSCRIBE", filters=filters)).anatomy()
    assert len(str(anatomy).splitlines()) == 153
    assert "more fields, from byte" in str(anatomy).splitlines()[-1]
    assert "more fields, from byte" in anatomy._repr_html_()
    long = decode(encode("PUBLISH", topic="a", payload="x" * 100_000)).anatomy()
    assert len(str(long)) + len(long._repr_html_()) < 30_000
    assert "99976 more" in long._repr_html_()


def channels(text):
    return [int(number) for number in re.findall(r"\d+", text)][:3]


def luminance(color):
    linear = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def over(front, alpha, back):
    return [f * alpha + b * (1 - alpha) for f, b in zip(front, back, strict=True)]


@pytest.mark.parametrize(("text", "alpha", "page"), [(0, 0.87, 255), (255, 1, 17)], ids=["light", "dark"])
def test_text_on_every_colour_has_the_contrast_that_wcag_asks_for(text, alpha, page):
    """AA: 4.5 to 1, with the colours of JupyterLab's themes, marked or not."""
    style = PUBLISH.anatomy()._repr_html_()
    hues = [channels(found) for found in re.findall(r"--hue: ([\d ]+);", style)]
    assert len(hues) == 6
    plain, marked = (float(found) for found in re.search(r"calc\((\.\d+) \+ (\.\d+) \* var\(--mark", style).groups())
    faintest = min(float(found) for found in re.findall(r"opacity: (\.\d+)", style))
    for hue in hues:
        for tint in (plain, plain + marked):
            back = over(hue, tint, [page] * 3)
            bright, dark = sorted([luminance(over([text] * 3, alpha * faintest, back)), luminance(back)], reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, hue


@pytest.mark.browser
def test_pointing_or_tabbing_to_a_field_marks_its_bytes_and_its_row(browser):
    page = browser.new_page()
    page.set_content(PUBLISH.anatomy()._repr_html_() + PUBLISH.anatomy()._repr_html_())
    first = page.locator(".mqttkit-anatomy").first
    row, field = first.locator("tr[data-f='4']"), first.locator(".field[data-f='4']")
    before = background(row), background(field)
    row.hover()
    pointed = background(row), background(field)
    page.mouse.move(0, 0)
    field.focus()
    assert pointed == (background(row), background(field))
    assert not set(pointed) & set(before)
    assert background(page.locator("tr[data-f='4']").last) == before[0]
    page.close()


NOTEBOOK = """
from mqttkit import Will
from mqttkit.packets import decode, encode
raw = encode("CONNECT", 5, client_id="bob", will=Will("home/bob/status", "gone", qos=1, retain=True),
             username="ann", password="secret", properties={"session_expiry_interval": 60})
decode(raw).anatomy()
"""


@pytest.mark.browser
def test_anatomy_in_jupyterlab_is_readable_in_both_themes(page_of):
    page = page_of(NOTEBOOK)
    page.run_all()
    output = page.output(0)
    page.screenshot("anatomy", output)
    for theme in ("dark", "light"):
        page.theme(theme)
        output.locator("tr[data-f='4']").hover()
        assert page.serious_violations(output) == []
    meaning = output.locator("td.meaning").first  # JupyterLab's own rule for tables would align it to the right
    assert meaning.evaluate("element => getComputedStyle(element).textAlign") == "left"
    assert output.locator(".mqttkit-anatomy").evaluate("element => element.scrollWidth <= element.clientWidth")
    page.assert_clean()


def background(locator):
    return locator.evaluate("element => getComputedStyle(element).backgroundColor")


def test_a_packet_shows_its_anatomy_in_a_notebook():
    assert isinstance(PUBLISH.anatomy(), Anatomy)
    assert PUBLISH.fields is PUBLISH.fields
