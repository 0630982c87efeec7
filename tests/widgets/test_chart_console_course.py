"""LiveChart, BrokerConsole and Progress, without a page."""

from array import array
from contextlib import closing

import nbformat
import pytest

from mqttkit import Broker, BrokerConsole, Client, InvalidArgument, InvalidTopic, LiveChart, Progress, progress
from mqttkit.widgets.plot import _ticks
from mqttkit.widgets.readings import Source
from support import need, rawmqtt
from support.rawmqtt import Raw
from support.waiting import until


def test_the_ticks_of_a_plot_are_few_and_round_however_small_its_range_is():
    assert _ticks([0, 100]) == [0, 50, 100]
    assert _ticks([20, 21.5]) == [20, 20.5, 21, 21.5]
    assert _ticks([0, 0.04]) == [0, 0.01, 0.02, 0.03, 0.04]
    assert _ticks([1e-9, 4e-9]) == [1e-9, 2e-9, 3e-9, 4e-9]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("kitchen", float("nan"), "cannot be drawn"),
        ("kitchen", 10**400, "cannot be drawn"),
        ("cellar", 1, "There are: kitchen"),
    ],
    ids=["nan", "too large", "unknown"],
)
def test_a_reading_of_ones_own_that_no_chart_can_show_is_refused(broker, name, value, said):
    with closing(LiveChart(broker, {"kitchen": "home/kitchen"})) as chart, pytest.raises(InvalidArgument, match=said):
        chart.add(name, value)


def test_a_number_in_json_that_no_float_can_hold_is_named():
    with pytest.raises(InvalidArgument, match="cannot be drawn"):
        Source.parse("a#b").value(b'{"b": 1' + b"0" * 400 + b"}")


@pytest.fixture(scope="module")
def broker():
    with Broker() as running:
        yield running


@pytest.fixture
def sensor(broker):
    with Client(broker, "sensor") as client:
        yield client


def test_where_a_value_comes_from():
    assert Source.parse("home/t") == Source("home/t")
    assert Source.parse("home/#") == Source("home/#")
    assert Source.parse("#") == Source("#")
    assert Source.parse("home/t#climate.0.t") == Source("home/t", ("climate", "0", "t"))
    assert Source.parse("home/t#climate.0.t").value(b'{"climate": [{"t": "21.5"}]}') == 21.5
    with pytest.raises(InvalidTopic):
        Source.parse("home/#/t")


@pytest.mark.parametrize("payload", [b"", b"warm", b"nan", b"inf", b"\xff", b"{}"])
def test_what_is_no_number_is_said(payload):
    with pytest.raises(InvalidArgument):
        Source.parse("t").value(payload)


def numbers(news):
    return [list(array("d", bytes(buffer))) for buffer in news.buffers]


def test_a_chart_sends_only_what_is_new_and_a_new_page_gets_all(broker, sensor):
    chart = LiveChart(broker, {"in": "c/in#t", "out": "c/out"}, keep=5, high=20)
    for n in range(8):
        sensor.publish("c/in", f'{{"t": {n}}}', qos=1)
    sensor.publish("c/out", "21", qos=1)
    sensor.publish("c/out", "broken", qos=1)
    until(lambda: chart.unreadable == 1)
    first = numbers(chart.changes())
    assert (first[1], first[3]) == ([3, 4, 5, 6, 7], [21])
    assert numbers(chart.changes())[1::2] == [[], []]
    assert numbers(chart.state())[1::2] == [[3, 4, 5, 6, 7], [21]]
    assert [one["alarm"] for one in chart.status()] == ["", "above 20"]
    assert "'broken' is not a number" in chart.state().content["reason"]
    chart.close()


def test_a_silent_sensor_is_marked(broker, sensor):
    chart = LiveChart(broker, {"in": "silent/in"}, stale_after=0.05)
    assert chart.status()[0]["silent"] is False  # nothing came yet: there is nothing to miss
    sensor.publish("silent/in", "1", qos=1)
    until(lambda: chart.status()[0]["total"] == 1)
    until(lambda: chart.status()[0]["silent"])
    chart.close()


def test_the_console_tells_what_the_broker_knows(broker, sensor):
    console = BrokerConsole(broker)
    with Client(broker, "sleeper", clean_session=False) as sleeper:
        sleeper.subscribe("con/#", qos=1)
    before = console.published
    sensor.publish("con/kept", "x", qos=1, retain=True)
    until(lambda: console.published == before + 1)
    tables = console.state().content["tables"]
    assert [row[0] for row in tables["Clients"]["rows"]] == ["sensor"]
    assert ["sleeper", "con/#", "1"] in tables["Subscriptions"]["rows"]
    assert ["con/kept", "x", "1", "1"] in tables["Retained"]["rows"]
    assert ["sleeper", "no", "kept", "1", "0", "1: con/kept"] in tables["Sessions"]["rows"]
    assert ["subscribe", "sleeper", "con/#, QoS 1"] in [row[2:] for row in console.state().content["notable"]]
    console.close()


def test_a_stopped_broker_is_shown_as_stopped():
    broker = Broker().start()
    console = BrokerConsole(broker)
    broker.stop()
    assert console.state().content["running"] is False
    console.close()


@pytest.fixture
def news():
    """`news(console)`: what a page is told of it, newest last."""

    def told(console):
        contents = []
        console.send = lambda message, buffers=None: contents.append(message.get("content") or contents[-1])
        console._received(console, {"type": "hello"}, [])
        return contents

    return told


def test_the_console_notices_an_acknowledgement_which_is_no_event(broker, sensor, news):
    def in_flight():
        return next(row[4] for row in told[-1]["tables"]["Sessions"]["rows"] if row[0] == "slow")

    with closing(Raw("127.0.0.1", broker.port)) as slow:
        sensor.publish("slow/x", "1", qos=1, retain=True)
        slow.connect("slow")
        console = BrokerConsole(broker)
        told = news(console)
        slow.send(rawmqtt.subscribe(("slow/x", 1)))  # the last event
        slow.expect("SUBACK")
        until(lambda: in_flight() == "1: slow/x")
        slow.send(rawmqtt.ack("PUBACK", slow.expect("PUBLISH").pid))
        until(lambda: in_flight() == "0")
        console.close()


def test_the_console_notices_that_a_broker_died_which_it_never_heard_of(news):
    need("mosquitto")
    with Broker(engine="mosquitto") as broker:
        console = BrokerConsole(broker)
        told = news(console)
        assert told[-1]["running"]
        broker._engine._child.process.kill()
        until(lambda: not told[-1]["running"])
        console.close()


def test_of_a_broker_elsewhere_the_console_shows_what_it_says_of_itself():
    need("mosquitto")
    with Broker(engine="mosquitto", users={"ann": "secret"}) as elsewhere:
        console = BrokerConsole(Broker.at(elsewhere.url.replace("//", "//ann:secret@")))
        until(lambda: console.tables()["Figures"].rows)
        figures = dict(console.tables()["Figures"].rows)
        assert figures["version"].startswith("mosquitto version")
        everything = console.state().content["tables"]["All of $SYS"]
        assert ["$SYS/broker/version", figures["version"]] in everything["rows"]
        shown = repr(console.state()) + console.text() + console.html()
        assert "secret" not in shown
        assert str(elsewhere.port) not in console.text()  # the twin is the same at each run
        console.close()


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path / "home"))
    for part, name, cells in [
        ("notebooks", "02-second", ["# Second", "predict('a', 'why?')\nQuiz(\n    'b', 'what?', answer=1)"]),
        ("notebooks", "10-tenth", ["# Tenth", "1"]),
        ("exercises", "1-first", ["# First <b>", 'check("one")']),
    ]:
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_markdown_cell(cells[0]), nbformat.v4.new_code_cell(cells[1])]
        notebook.cells[1].metadata["nbgrader"] = {"points": 4}
        (tmp_path / part).mkdir(exist_ok=True)
        nbformat.write(notebook, tmp_path / part / f"{name}.ipynb")
    (tmp_path / "notebooks" / "03-broken.ipynb").write_text("{")
    return tmp_path


def done(widget):
    return {
        step["title"]: (step["done"], step["tasks"])
        for part in widget.state().content["parts"]
        for step in part["steps"]
    }


def test_progress_counts_answers_right_quizzes_and_full_points(course):
    widget = Progress(course)
    nothing = widget.text()
    assert done(widget) == {"Second": (0, 2), "03-broken": (0, 0), "Tenth": (0, 0), "First <b>": (0, 1)}
    progress.record("answers", "a", {"given": "x", "right": False})
    progress.record("answers", "b", {"given": "2", "right": False})
    progress.record("exercises", "1-first", {"one": 3.0})
    assert done(widget)["Second"] == (1, 2)
    assert done(widget)["First <b>"] == (0, 1)
    progress.record("answers", "b", {"given": "1", "right": True})
    progress.record("exercises", "1-first", {"one": 4.0})
    assert done(widget)["Second"] == (2, 2)
    assert done(widget)["First <b>"] == (1, 1)
    assert widget.text() == nothing  # the still twin is nobody's
    assert "<b>" not in widget.html()
    widget.close()


def test_asking_the_broker_under_load_does_not_stop_it(broker, sensor):
    console = BrokerConsole(broker)
    before = console.published
    for n in range(2000):
        sensor.publish("con/load", n, qos=0, wait=False)
        if n % 100 == 0:
            with console.lock:  # as the flusher does
                console.state()
    until(lambda: console.published == before + 2000)
    console.close()
