"""The feedback of a check in JupyterLab, as a learner sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from submissions_for_tests import grade, solved, with_cells

HALF_RIGHT = """
import paho.mqtt.client as mqtt
from mqttkit.grading import checks
check = checks("3-retain-and-will")

def start_lighthouse(broker, name):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"<b>{name}</b>")
    client.will_set(f"coast/{name}/status", "offline")
    client.on_connect = lambda *_: client.publish(f"coast/{name}/status", "<i>online</i>")
    client.connect(broker.host, broker.port)
    client.loop_start()
    return client
"""


@pytest.mark.browser
def test_feedback_in_jupyterlab(page_of):
    page = page_of(HALF_RIGHT, 'check("birth")', 'check("light")')
    page.page.set_viewport_size({"width": 1280, "height": 900})
    page.run_all()
    output = page.output(1)
    output.get_by_text("birth: 1 of 4 points").wait_for(timeout=20_000)
    page.screenshot("grading-feedback")
    text = output.inner_text()
    assert text.count("not yet") == 3
    assert "QoS 0, not retained" in text
    assert output.locator("svg[role=img]").count() == 2, (
        "the packets behind each item, as a ladder, the same ones only once"
    )
    assert output.locator("svg[role=img]").first.is_visible()
    assert not output.locator(".mk-plain").first.is_visible()
    assert "<i>online</i>" in text, "what strangers sent is shown as text"
    assert "Hint 1 of 3" in text
    wider = output.evaluate(
        "o => [o, ...o.querySelectorAll('*')].filter(e => getComputedStyle(e).overflowX !== 'visible'"
        " && e.scrollWidth > e.clientWidth && !e.closest('.mk-ladder')).map(e => [e.className, e.scrollWidth, e.clientWidth])"
    )
    assert wider == [], "no scroll bar stands under feedback that fits"
    assert output.get_by_role("link", name="6 · Retained messages and the last will").get_attribute("href")
    assert page.serious_violations(output) == []
    page.output(2).get_by_text("Run the cell that defines it").wait_for(timeout=20_000)
    page.assert_clean()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_for_a_student(browser, tmp_path, scheme):
    """feedback.html of a half-right answer, opened as a file: readable in both schemes, nothing is blocked or loaded."""
    name = "3-retain-and-will"
    half = {
        "birth": HALF_RIGHT[HALF_RIGHT.index("def") :],
        "light": "def set_light(: <b>",
    }
    grade(with_cells(solved(name), **half), tmp_path, name=name, student="Zoë <b>&</b> Co")
    page = browser.new_page(color_scheme=scheme, viewport={"width": 900, "height": 1200})
    trouble = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("request", lambda request: None if request.url.startswith("file:") else trouble.append(request.url))
    page.goto((tmp_path / "out" / "feedback.html").as_uri())
    assert page.locator("svg[role=img]").first.is_visible()
    assert page.locator("h1").inner_text() == "The lighthouse that says goodbye"
    assert page.locator(".who").inner_text() == f"Zoë <b>&</b> Co · {name}.ipynb"
    heads = page.locator("h2").all_inner_texts()
    assert [head.split("Task ")[1][0] for head in heads] == list("123456"), "each task under the notebook's own heading"
    assert "Task 3: A wave takes the antenna" in heads[2]
    assert page.get_by_text("Lesson: 6 · Retained messages and the last will").count() >= 1
    assert page.locator("li.no").count() >= 4
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out"
    if folder := os.environ.get("MQTTKIT_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"grading-page-{scheme}.png"), full_page=True)
    assert trouble == []
    page.close()
