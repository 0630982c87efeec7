"""The base of all widgets: numbered news, errors that show, a thread that ends."""

import json
import re
import threading
import time

import pytest

from mqttkit.widgets.assets import HERE, module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.flusher import Flusher, flusher
from mqttkit.widgets.show import as_json


class Counter(KitWidget):
    """Counts; the smallest widget there can be."""

    title = "Counter"
    actions = ("add",)

    def __init__(self):
        self.count = 0
        super().__init__()
        self.sent = []
        self.send = lambda content, buffers=None: self.sent.append(content)

    def add(self, by=1):
        with self.lock:
            self.count += by
        self.touch()

    def state(self):
        return News({"count": self.count})

    def from_page(self, **message):
        self._received(self, message, [])

    def wait_for(self, done, timeout=3):
        end = time.monotonic() + timeout
        while not done(self.sent):
            assert time.monotonic() < end, self.sent
            threading.Event().wait(0.005)


@pytest.fixture
def counter():
    widget = Counter()
    yield widget
    widget.close()


def test_nothing_is_sent_before_a_page_asks(counter):
    counter.add()
    counter.flush()
    assert counter.sent == []


def test_hello_gets_the_whole_state(counter):
    counter.add(5)
    counter.from_page(type="hello")
    assert counter.sent[0]["type"] == "snapshot"
    assert counter.sent[0]["content"] == {"count": 5}


def test_a_thousand_changes_are_few_updates_and_the_last_is_exact(counter):
    counter.from_page(type="hello")
    start = time.monotonic()
    for _ in range(1000):
        counter.add()
    counter.wait_for(lambda sent: sent[-1]["content"] == {"count": 1000})
    seconds = time.monotonic() - start
    assert len(counter.sent) <= 2 + 20 * (seconds + 0.1)


def test_news_are_numbered_without_gap(counter):
    counter.from_page(type="hello")
    for n in range(3):
        counter.add()
        counter.wait_for(lambda sent, n=n: sent[-1].get("content") == {"count": n + 1})
    numbers = [message["number"] for message in counter.sent if message["type"] != "beat"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_page_may_only_call_what_is_listed(counter):
    counter.from_page(type="do", action="add", values={"by": 2})
    counter.from_page(type="do", action="close", values={})
    counter.from_page(type="do", action="__init__", values={})
    assert counter.count == 2
    assert flusher.running is False or counter.error == ""


def test_an_error_of_a_click_is_shown_and_goes_with_the_next_click(counter):
    counter.from_page(type="hello")
    counter.from_page(type="do", action="add", values={"by": "x"})
    assert "TypeError" in counter.error
    counter.wait_for(lambda sent: "TypeError" in sent[-1].get("error", ""))
    counter.from_page(type="do", action="add", values={})
    assert counter.error == ""


def test_an_error_of_a_callback_is_shown(counter):
    guarded(counter, lambda _: 1 / 0)("message")
    assert counter.error == "ZeroDivisionError: division by zero"


def test_an_error_while_telling_is_shown_and_does_not_end_the_thread(counter):
    counter.from_page(type="hello")
    del counter.count
    counter.touch()
    counter.wait_for(lambda sent: "AttributeError" in sent[-1].get("error", ""))
    counter.count = 7
    counter.touch()
    counter.wait_for(lambda sent: sent[-1]["content"] == {"count": 7})


def test_news_that_cannot_be_sent_are_shown_as_an_error_and_the_next_ones_arrive(counter):
    """Such as half a character; the heartbeat goes on, and the numbers have no gap."""
    counter.send = lambda content, buffers=None: counter.sent.append(json.loads(json.dumps(content, allow_nan=False)))
    counter.from_page(type="hello")
    counter.add(float("inf"))
    counter.wait_for(lambda sent: "ValueError" in sent[-1].get("error", ""))
    with counter.lock:
        counter.count = 3
    counter.touch()
    counter.wait_for(lambda sent: sent[-1].get("content") == {"count": 3})
    numbers = [message["number"] for message in counter.sent if message["type"] != "beat"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    counter.beat()
    assert counter.sent[-1]["type"] == "beat"


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"n": "\\ud83d"}', '{\n  "n": "\\ud83d"\n}'),
        (b'["\\ud83d\\ude00"]', '[\n  "😀"\n]'),
        (b"[" * 900 + b"]" * 900, None),
        (b"[" * 998 + b"]" * 998, None),
        (b"3", None),
    ],
)
def test_json_is_shown_so_that_a_page_can_be_told(payload, shown):
    """Half of a surrogate pair is valid in JSON, and cannot be sent; very deep JSON would be a megabyte, or no text at all."""
    assert as_json(payload) == shown


def test_the_heartbeat_carries_the_last_number(counter):
    counter.from_page(type="hello")
    counter.beat()
    assert counter.sent[-1] == {"type": "beat", "number": counter.sent[-2]["number"]}


def test_the_thread_ends_with_the_last_widget():
    mine = Flusher(period=0.001, beat=10)
    widgets = [Counter(), Counter()]
    for widget in widgets:
        mine.add(widget)
    thread = mine._thread
    mine.discard(widgets[0])
    assert mine.running
    mine.discard(widgets[1])
    thread.join(2)
    assert not thread.is_alive()
    mine.add(widgets[0])  # and begins again
    assert mine.running
    again = mine._thread
    mine.discard(widgets[0])
    again.join(2)
    for widget in widgets:
        widget.close()


def test_a_widget_may_be_collected_at_any_moment_and_is_closed_soon():
    """Also where this thread holds the flusher's lock: making a thread collects garbage there."""
    flusher, widget = Flusher(beat=0.05), Counter()
    released = threading.Event()
    widget.release = released.set

    def collect():
        with flusher._lock:
            flusher.bury(widget)

    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    collector.join(5)
    assert not collector.is_alive()
    other = Counter()
    flusher.add(other)
    assert released.wait(5)
    assert widget.comm is None
    flusher.discard(other)
    other.close()


def test_to_collect_a_widget_takes_no_lock(counter, monkeypatch):
    closed = []
    monkeypatch.setattr(flusher, "bury", closed.append)
    collector = threading.Thread(target=counter.__del__, daemon=True)
    with flusher._lock, counter._sending:
        collector.start()
        collector.join(5)
    assert closed == [counter]


def test_a_widget_that_cannot_be_served_stops_no_other(counter):
    broken = Counter()

    def refuse(_content, _buffers=None):
        raise OSError("the link is gone")

    counter.from_page(type="hello")
    broken._watched, broken.send = True, refuse
    flusher.add(broken)
    broken.touch()
    counter.add(5)
    counter.wait_for(lambda sent: sent[-1]["content"] == {"count": 5})
    end = time.monotonic() + 3
    while "the link is gone" not in broken.error:
        assert time.monotonic() < end
        threading.Event().wait(0.005)
    counter.add(1)
    counter.wait_for(lambda sent: sent[-1]["content"] == {"count": 6})
    assert flusher.running
    broken.close()


def test_the_files_of_two_widgets_do_not_style_each_other():
    sheets = {sheet.name: sheet.read_text(encoding="utf-8") for sheet in HERE.glob("*.css") if sheet.name != "base.css"}
    classes = {name: set(re.findall(r"\.(mqk-[\w-]+)", text)) for name, text in sheets.items()}
    for name, text in sheets.items():
        others = set().union(*(found for other, found in classes.items() if other != name))
        for selector in re.findall(
            r"^\s*([^{}@/]+?)\s*\{", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), re.MULTILINE
        ):
            own = set(re.findall(r"\.(m[qk]+-[\w-]+)", selector)) - others
            assert own, f"{name}: {selector} reaches into other widgets"


def test_twins_stand_beside_the_live_widget(counter):
    data = counter._repr_mimebundle_()[0]
    assert data["text/plain"] == "Counter"
    assert data["text/html"].startswith("<pre>Counter</pre>")
    assert "still picture" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_modules_are_joined_into_one():
    text = module("empty.js")
    assert "import " not in text
    assert text.count("export ") == 1
    assert text.index("function element") < text.index("export default")
    assert ".mqk" in style()
