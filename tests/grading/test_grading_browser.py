"""The feedback of a check in JupyterLab, as a learner sees it."""

from __future__ import annotations

import pytest

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
    page.run_all()
    output = page.output(1)
    output.get_by_text("birth: 1 of 4 points").wait_for(timeout=20_000)
    page.screenshot("grading-feedback")
    text = output.inner_text()
    assert text.count("not yet") == 3
    assert "QoS 0, not retained" in text
    assert "<i>online</i>" in text, "what strangers sent is shown as text"
    assert "Hint 1 of 3" in text
    assert output.get_by_role("link", name="06-retain-and-will").get_attribute("href")
    assert page.serious_violations(output) == []
    page.output(2).get_by_text("Run the cell that defines it").wait_for(timeout=20_000)
    page.assert_clean()
