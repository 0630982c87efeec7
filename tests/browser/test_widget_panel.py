"""Client panel and broker console beside each other, as a person uses them."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

LAB = "from mqttkit import BrokerConsole, ClientPanel, Lab\nlab = Lab()\nBrokerConsole(lab)"


@pytest.fixture
def page(page_of):
    page = page_of(LAB, "panel = ClientPanel(lab, 'ann')\npanel", height=1600)
    page.run_all()
    return page


def test_a_client_by_hand(page):
    panel, console = page.output(1), page.output(0)
    panel.get_by_role("status").get_by_text("Not connected").wait_for()
    panel.get_by_label("Client id").fill("anna")
    panel.get_by_role("button", name="Connect", exact=True).click()
    panel.get_by_text("Connected as anna.").wait_for()
    console.get_by_role("cell", name="anna").first.wait_for()

    panel.get_by_label("Topic filter").fill("topic_1")
    panel.get_by_label("QoS wanted").select_option("1")
    panel.get_by_role("button", name="Subscribe", exact=True).click()
    panel.get_by_text("topic_1: granted QoS 1", exact=True).wait_for()
    console.get_by_role("tab", name="Subscriptions (1)").click()
    console.get_by_role("cell", name="topic_1").wait_for()

    panel.get_by_label("Topic", exact=True).fill("topic_1")
    panel.get_by_label("Payload", exact=True).fill("<b>hello</b>")
    panel.get_by_label("QoS", exact=True).select_option("2")
    panel.get_by_label("Payload", exact=True).press("Enter")
    panel.get_by_role("table", name="Messages").get_by_text("<b>hello</b>").wait_for()
    panel.get_by_text("acknowledged with PUBREC and PUBCOMP").wait_for()
    panel.get_by_label("Payload as").select_option("hex")
    panel.get_by_text("3c 62 3e 68").wait_for()

    panel.get_by_text("The same in paho").click()
    panel.get_by_text("client.publish('topic_1', '<b>hello</b>', qos=2").wait_for()
    page.screenshot("panel", panel)
    page.screenshot("console", console)
    assert serious(page, panel) == []
    assert serious(page, console) == []

    panel.get_by_role("button", name="Unsubscribe from topic_1").click()
    console.get_by_role("tab", name="Subscriptions (0)").wait_for()
    panel.get_by_role("button", name="Pull the plug").click()
    panel.get_by_text("The plug is pulled").wait_for()
    console.get_by_role("tab", name="Clients (0)").wait_for()
    console.get_by_role("tab", name="Subscriptions").press("End")  # to the last tab, with the keyboard
    console.get_by_role("row", name="subscribe anna topic_1, QoS 1").wait_for()
    page.screenshot("console-events", console)

    # a mistake is explained in the widget
    panel.get_by_role("button", name="Connect", exact=True).click()
    panel.get_by_text("Connected as anna.").wait_for()
    panel.get_by_label("Topic filter").fill("a/#/b")
    panel.get_by_role("button", name="Subscribe", exact=True).click()
    panel.get_by_role("alert").get_by_text("InvalidTopic").or_(
        panel.get_by_role("alert").get_by_text("#")
    ).first.wait_for()
    page.screenshot("panel-error", panel)

    # "dd" typed into a field deletes no cell
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    panel.get_by_role("button", name="Publish").press("d")
    panel.get_by_role("button", name="Publish").press("d")
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert page.execute("print(panel.connected, panel.settings.client_id)") == "True anna\n"
    page.assert_clean()
