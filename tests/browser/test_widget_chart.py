"""The live chart: offline, exact, after a reload and in both themes."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

START = """
from mqttkit import Broker, Client, LiveChart
broker = Broker().start()
sensor = Client(broker, "sensor").connect()
series = {"kitchen": "home/kitchen/climate#temperature", "garden": "garden/temperature"}
chart = LiveChart(broker, series, title="Two thermometers", unit="°C", high=30, stale_after=3)
chart
"""
FEED = """
import json
for n in range(200):
    sensor.publish("home/kitchen/climate", json.dumps({"temperature": 20 + n / 20}), qos=1, wait=n == 199)
    sensor.publish("garden/temperature", 10 + n % 7, qos=1, wait=n == 199)
sensor.publish("garden/temperature", "broken", qos=1)
"""
DATA = """() => { const page = Object.values(globalThis.mqttkitBokeh)[0]; return page.promise.then((bokeh) => {
    const figure = bokeh.documents[bokeh.documents.length - 1];
    return ["0", "1"].map((name) => { const data = figure.get_model_by_name(`mqttkit-${name}`).data; return [data.y.length, data.y[data.y.length - 1]]; }); }); }"""
EXPECTED = [[200, 29.95], [200, 13.0]]


def settled(page, output):
    output.get_by_role("row", name="garden").get_by_text("200", exact=True).wait_for()
    script = f"async () => JSON.stringify(await ({DATA})()) === {str(EXPECTED).replace(' ', '')!r}"
    page.page.wait_for_function(script.replace("13.0", "13"))


def test_the_chart_in_use(page_of):
    page = page_of(START, FEED, height=1200)
    page.run_all()
    output = page.output(0)
    output.locator(".bk-Figure").wait_for(state="attached")
    settled(page, output)
    output.get_by_text("1 messages could not be read").wait_for()
    output.get_by_role("row", name="kitchen").get_by_text("silent").wait_for(timeout=10_000)
    page.screenshot("chart", output)
    assert serious(page, output) == []

    page.command("docmanager:save")
    saved = (page.server.folder / page.page.url.split("/tree/")[1].split("?")[0]).read_text()
    assert len(saved) < 20_000, "a large part of the chart was stored in the notebook"

    page.reload()
    output = page.output(0)
    output.locator(".bk-Figure").wait_for(state="attached")
    settled(page, output)
    assert page.foreign == []

    page.run_cell(0)  # run again: the old chart is gone, the new one works
    page.run_cell(1)
    settled(page, page.output(0))
    page.assert_clean()
