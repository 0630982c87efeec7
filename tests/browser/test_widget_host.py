"""Every widget in a page that offers nothing but the anywidget contract: no JupyterLab, no style sheet of a theme."""

import json
import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from mqttkit import (
    Broker,
    BrokerConsole,
    ChatRoom,
    Client,
    ClientPanel,
    Lab,
    LiveChart,
    Progress,
    Quiz,
    TopicTree,
    match_grid,
    predict,
    reveal,
)

pytestmark = pytest.mark.browser

DARK = "document.body.className = 'vscode-dark'; document.body.style.background = '#111'; document.body.style.color = '#eee'"
LIGHT = "document.body.className = ''; document.body.style.background = ''"


# What sticks out of its widget where nothing scrolls, and texts so narrow that they stand letter below letter.
CRAMPED = """() => [...document.querySelectorAll(".mqk")].flatMap((root) => {
  const edge = root.getBoundingClientRect().right + 1;
  const scrolls = (one) => one !== root && (/auto|scroll|hidden/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const wrong = (one) => (one.getBoundingClientRect().right > edge && !scrolls(one.parentElement))
    || (one.matches("td, th, li, p") && one.textContent.length > 12 && one.clientWidth < 40);
  return [...root.querySelectorAll("*")].filter((one) => one.getClientRects().length && wrong(one)).map((one) => one.outerHTML.slice(0, 120)); })"""


@pytest.fixture(scope="module")
def broker():
    with Broker() as running, Client(running, "house") as house:
        house.publish("home/kitchen/temperature", "21.5", qos=1, retain=True)
        yield running


def make_reveal(_broker):
    predict("host-copies", "How many copies?", {"1": "Two.", "2": "?"}).answer("1")
    return reveal("host-copies", 2)


def make_grid_reveal(_broker):
    grid = match_grid("host-shown", ["home/+"], ["home", "home/kitchen"])
    grid.answer([["home/+", "home"]])
    return grid.reveal({"home/+": ["home/kitchen"]})


WIDGETS = {
    "panel": (lambda broker: ClientPanel(broker, "ann"), "Not connected"),
    "console": (BrokerConsole, "house"),
    "tree": (TopicTree, "21.5"),
    "chart": (lambda broker: LiveChart(broker, {"kitchen": "home/kitchen/temperature"}, high=20), "above 20"),
    "chat": (lambda broker: ChatRoom(broker, name="Ada"), "Online: 1"),
    "quiz": (lambda _: Quiz("host-quiz", "Which port?", {"1883": "No.", "8883": True}), "Which port?"),
    "typed": (lambda _: predict("host-typed", "How many?"), "How many?"),
    "reveal": (make_reveal, "You predicted"),
    "grid": (lambda _: match_grid("host-grid", ["home/+"], ["home", "home/kitchen"]), "home/kitchen"),
    "grid reveal": (make_grid_reveal, "0 of your 2 answers are right."),
    "progress": (lambda _: Progress(), "Your first message"),
}


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_needs_nothing_of_jupyterlab(host, broker, name):
    make, shown = WIDGETS[name]
    widget = make(broker)
    first = host.show(widget)
    host.until(first.get_by_text(shown))
    second = host.add_view(widget)
    host.until(second.get_by_text(shown))
    if name == "chart":
        host.until(second.locator(".bk-Figure canvas").first)
    again = host.show(widget)  # as a page does that is loaded anew
    host.until(again.get_by_text(shown))
    assert not first.locator("fieldset.mqk-body").is_disabled()
    assert repeated_ids(host) == []
    for theme in (LIGHT, DARK):
        host.page.evaluate(theme)
        assert violations(host) == []
    for width in (640, 320):  # a window of 1280 pixels at 200 % and at 400 %
        host.page.set_viewport_size({"width": width, "height": 900})
        host.page.wait_for_function("(width) => document.body.clientWidth < width", arg=width)
        assert host.page.evaluate(CRAMPED) == []
    assert host.end(widget) == 0
    assert host.console == []


def test_the_ladder_too(host):
    with Lab() as lab:
        lab.client("ann").publish("home/kitchen", "21.5", qos=1)
        view = host.show(lab.ladder())
        packet = host.until(view.get_by_role("button", name="PUBLISH").first)
        packet.press("Enter")
        host.until(view.get_by_role("region", name="The packet byte by byte"))
        assert repeated_ids(host) == []
        assert violations(host) == []
        assert host.console == []


def test_widgets_beside_each_other_keep_to_themselves(host, broker):
    panel = host.show(ClientPanel(broker, "ann"))
    tree = host.show(TopicTree(broker))
    first = host.show(Quiz("host-one", "One?", {"a": "No.", "b": True}))
    second = host.show(Quiz("host-two", "Two?", {"a": "No.", "b": True}))
    host.until(tree.get_by_text("21.5"))
    tree.get_by_text("Highlight what a topic filter matches").click()
    host.page.keyboard.type("home/#")
    assert tree.get_by_role("textbox").input_value() == "home/#"  # a label leads to the field of its own widget
    assert panel.get_by_label("Broker").input_value().startswith("mqtt://")

    first.get_by_role("radio", name="b").check()
    second.get_by_role("radio", name="a").check()
    assert first.get_by_role("radio", name="b").is_checked()  # radio buttons of two questions are two groups
    host.show(Progress())
    host.pump()
    layout = panel.locator("table.mqk-messages").evaluate("table => getComputedStyle(table).tableLayout")
    history = tree.locator(".mqk-history table").evaluate("table => getComputedStyle(table).tableLayout")
    assert (layout, history) == ("fixed", "auto")  # the style of one widget does not reach into another


def test_in_a_large_tree_the_first_match_comes_into_sight_as_one_types(host):
    with Broker() as broker, Client(broker, "plant") as plant:
        tree = TopicTree(broker)
        for n in range(400):
            plant.publish(f"plant/hall{n % 40:02}/machine{n:03}", n, qos=1, wait=n == 399)
        view = host.show(tree)
        host.until(view.get_by_text("400 topics, 400 messages"))
        view.get_by_role("button", name="Close all").click()
        view.get_by_label("Highlight what a topic filter matches").fill("plant/hall31/+")
        host.until(view.get_by_text("400 topics, 10 match"))
        view.get_by_role("button", name="Open all").click()
        view.get_by_label("Highlight what a topic filter matches").fill("plant/hall31/machine111")
        host.until(view.locator(".mqk-hit", has_text="machine111"))
        assert host.console == []


def test_from_an_answer_shift_enter_reaches_the_notebook_and_nothing_else_does(host):
    view = host.show(Quiz("host-keys", "Which port?", answer=8883))
    host.page.evaluate(
        "window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))"
    )
    host.until(view.get_by_text("Which port?"))
    view.get_by_role("textbox").fill("8883")
    view.get_by_role("textbox").press("Enter")
    host.until(view.get_by_text("Right."))
    button = view.get_by_role("button", name="Answered")
    assert button.evaluate("one => one === document.activeElement")
    for key in ("d", "d", "Enter", "Shift+Enter"):
        host.page.keyboard.press(key)
    assert host.page.evaluate("window.heard.filter((key) => key !== 'Shift')") == ["Enter"]


def test_the_bounds_of_a_chart_and_its_lines(host, broker):
    series = {"kitchen": "host/kitchen#temperature", "garden": "host/garden"}
    chart = LiveChart(broker, series, unit="°C", low=5, high=25, thresholds={"comfort": 20}, stale_after=1)
    view = host.show(chart)
    host.until(view.locator(".bk-Figure canvas").first)
    with Client(broker, "sensor") as sensor:
        for n in range(30):
            sensor.publish("host/kitchen", json.dumps({"temperature": n}), qos=1)
            sensor.publish("host/garden", 10 - n, qos=1)
    host.until(view.get_by_role("row", name="kitchen").get_by_text("▲ above 25"))
    host.until(view.get_by_role("row", name="garden").get_by_text("▼ below 5"))
    host.until(view.get_by_role("row", name="garden").get_by_text("silent"))
    ask = "(code) => Object.values(globalThis.mqttkitBokeh)[0].promise.then((bokeh) => eval(code)(bokeh.documents.at(-1), bokeh))"

    def of(code):
        return host.page.evaluate(ask, code)

    bands = (
        "(d) => [...d._all_models.values()].filter((m) => m.type === 'BoxAnnotation' && m.fill_alpha === 0.15).length"
    )
    assert of(bands) == 2
    assert of("(d) => [...d._all_models.values()].filter((m) => m.type === 'Span').map((m) => m.location)") == [20]
    view.get_by_role("checkbox", name="Show garden").press("Space")
    hidden = "(d) => [...d._all_models.values()].filter((m) => m.data_source).map((m) => [m.name, m.visible])"
    assert of(hidden) == [["kitchen", True], ["garden", False]]

    # a pointer on a line tells its name and value
    place = """(d, bokeh) => { const view = [...bokeh.index.roots].findLast((one) => one.frame); const at = view.el.getBoundingClientRect();
        const { x, y } = d.get_model_by_name("mqttkit-0").data;
        return [at.left + view.frame.x_scale.compute(x[15]), at.top + view.frame.y_scale.compute(y[15])]; }"""
    host.page.mouse.move(*of(place))
    tip = host.page.locator(".bk-Tooltip")
    for told in ("kitchen", re.compile(r"^\d\d:\d\d:\d\d$"), "15 °C"):
        host.until(tip.get_by_text(told))

    # a hand moves it, and the wheel zooms
    span = "(d) => { const f = d.roots()[0]; return [f.x_range.start, f.x_range.end]; }"
    box = view.locator(".bk-Figure").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    host.page.mouse.move(*middle)
    before = of(span)
    host.page.mouse.down()
    host.page.mouse.move(middle[0] - 100, middle[1], steps=5)
    host.page.mouse.up()
    host.pump()
    moved = of(span)
    assert moved[0] > before[0]
    assert moved[1] - moved[0] == pytest.approx(before[1] - before[0])
    view.get_by_title("Wheel Zoom").click()
    host.page.mouse.move(*middle)
    host.page.mouse.wheel(0, -400)
    host.pump()
    zoomed = of(span)
    assert zoomed[1] - zoomed[0] < moved[1] - moved[0]
    assert host.console == []


def test_a_second_view_takes_no_news_before_its_snapshot(host, broker):
    """The news were under way already when somebody opened the view: they are for the first one."""
    chart = LiveChart(broker, {"kitchen": "host/early"})
    first = host.show(chart)
    host.until(first.locator(".bk-Figure canvas").first)
    chart.add("kitchen", 21)
    host.until_sent("update")
    second = host.add_view(chart)
    host.until(second.locator(".bk-Figure canvas").first)
    host.until(second.get_by_role("row", name="kitchen").get_by_text("21"))
    assert host.console == []


def repeated_ids(host):
    script = "() => { const all = [...document.querySelectorAll('[id]')].map((one) => one.id); return all.filter((id, i) => all.indexOf(id) !== i); }"
    return host.page.evaluate(script)


def violations(host):
    host.page.evaluate(AXE_SCRIPT)
    found = host.page.evaluate("() => window.axe.run(document.body, { resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
