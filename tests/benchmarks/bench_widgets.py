"""Widgets under 4000 messages a second for 5 seconds. Run: python tests/benchmarks/bench_widgets.py

A publisher in a process of its own sends at a steady pace; the widget is in a real notebook in Chromium. Measured are: whether
the final state is exact, how long after the last message the page shows it, how long the page was blocked at most, and what a
message costs the kernel (with the embedded broker in it, where there is no mosquitto: then that is in the figure, too).
And, with 5000 topics in the tree, all branches open: how long the page is blocked while somebody types a filter.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.browser import NotebookPage, chromium
from support.jupyter import lab_server

RATE, SECONDS = 4000, 5
COUNT = RATE * SECONDS
BAR = 0.25

PUMP = """
import socket, sys, time
from urllib.parse import urlsplit
from mqttkit.packets import encode
url, rate, count, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
at = urlsplit(url)
link = socket.create_connection((at.hostname, at.port))
link.sendall(encode("CONNECT", client_id="pump", clean_session=True, keep_alive=60))
link.recv(4)
def packet(n):
    if kind == "chat":
        return encode("PUBLISH", topic="chat/lobby/message/pump", payload=b'{"name": "pump", "text": "line %d"}' % n, qos=0)
    return encode("PUBLISH", topic=f"load/{n % 10}/{n % 500}", payload=b"%d" % n, qos=0)
packets = [packet(n) for n in range(count)]
begin = time.monotonic()
for n in range(0, count, rate // 100):
    link.sendall(b"".join(packets[n : n + rate // 100]))
    time.sleep(max(0, begin + (n + rate // 100) / rate - time.monotonic()))
print(time.time(), time.monotonic() - begin)
"""
WIDGETS = {
    "TopicTree": (
        "TopicTree(broker)",
        f"{COUNT} messages",
        "widget.messages == {n} and widget['load/9/499'] == '{last}'",
    ),
    "BrokerConsole": ("BrokerConsole(broker)", f"{COUNT} messages published", "widget.published == {n}"),
    "ChatRoom": ("ChatRoom(broker, name='Ada')", f"line {COUNT - 1}", "widget._lines[-1]['text'] == 'line {last}'"),
    "LiveChart": (
        "LiveChart(broker, {'load': 'load/#'})",
        f"\t{COUNT - 1}\t{COUNT}\t",
        "widget.series['load'].total == {n}",
    ),
}
TOPICS = 5000
TYPING = f"""from mqttkit import Broker, Client, TopicTree
broker = Broker().start()
widget = TopicTree(broker)
with Client(broker, "plant") as plant:
    for n in range({TOPICS}):
        plant.publish(f"plant/hall{{n % 40}}/machine{{n}}/temperature", n, wait=n % 500 == 0)
widget"""
# Types one character after the other; for each, the milliseconds until the page has drawn what then matches.
TYPE = """async (filter) => {
  window.longest = 0;
  const field = document.querySelector(".mqk input[type=text]");
  const times = [];
  for (let n = 1; n <= filter.length; n += 1) {
    const begin = performance.now();
    field.value = filter.slice(0, n);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    times.push(performance.now() - begin);
  }
  return [times, document.querySelectorAll(".mqk-hit").length];
}"""
START = "import time\nfrom mqttkit import Broker, BrokerConsole, ChatRoom, LiveChart, TopicTree\nbroker = Broker().start()\nwidget = {make}\nwidget"
OBSERVE = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((task) => { window.longest = Math.max(window.longest, task.duration); }))
    .observe({ entryTypes: ["longtask"] });
}"""
WATCH = """(wanted) => {
  const look = () => {
    if (document.querySelector(".mqk").innerText.includes(wanted)) window.shownAt = Date.now() / 1000;
    else setTimeout(look, 10);
  };
  look();
}"""


def measure(browser, server, name: str) -> bool:
    """One widget; prints a line, and tells whether it reached the bar."""
    make, wanted, exact = WIDGETS[name]
    page = NotebookPage(browser, server)
    page.open(server.write(f"{name}.ipynb", START.format(make=make)))
    begin = time.monotonic()
    page.run_all()
    page.page.wait_for_selector(".mqk")
    if name == "LiveChart":
        page.page.wait_for_selector(".bk-Figure", state="attached")
    first = time.monotonic() - begin
    url = page.execute("print(broker.url)").strip()
    page.page.evaluate(OBSERVE)
    page.page.evaluate(WATCH, wanted)
    cpu = float(page.execute("print(time.process_time())"))
    kind = "chat" if name == "ChatRoom" else "load"
    done = subprocess.run(
        [sys.executable, "-c", PUMP, url, str(RATE), str(COUNT), kind], capture_output=True, text=True, check=True
    )
    sent, took = map(float, done.stdout.split())
    page.page.wait_for_function("() => window.shownAt", timeout=30_000)
    lag = page.page.evaluate("() => window.shownAt") - sent
    cpu = (float(page.execute("print(time.process_time())")) - cpu) / COUNT
    right = page.execute(f"print({exact.format(n=COUNT, last=COUNT - 1)})").strip() == "True"
    longest = page.page.evaluate("() => window.longest")
    print(
        f"{name:<14} first shown {first:.1f} s | {COUNT / took:.0f} msg/s | exact {right} | lag {1000 * lag:.0f} ms (bar {1000 * BAR:.0f}) | "
        f"longest task {longest:.0f} ms | kernel CPU {1e6 * cpu:.0f} µs per message, broker included",
        flush=True,
    )
    page.execute("widget.close(); broker.close()")
    page.close()
    return right and lag <= BAR


def measure_typing(browser, server) -> None:
    """A filter typed into a large tree; prints a line."""
    page = NotebookPage(browser, server)
    page.open(server.write("typing.ipynb", TYPING))
    page.run_all()
    page.page.wait_for_function(f"() => document.querySelector('.mqk')?.innerText.includes('{TOPICS} topics')")
    page.page.get_by_role("button", name="Open all").click()
    page.page.evaluate(OBSERVE)
    times, marked = page.page.evaluate(TYPE, "plant/+/machine40/temperature")
    longest = page.page.evaluate("() => window.longest")
    print(
        f"Typing a filter with {TOPICS} topics: {sorted(times)[len(times) // 2]:.0f} ms a key until it is drawn, at most {max(times):.0f} ms | "
        f"longest task {longest:.0f} ms | {marked} rows marked in sight",
        flush=True,
    )
    page.execute("widget.close(); broker.close()")
    page.close()


def main() -> int:
    """Measure each widget; 0 when all reach the bar."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        (Path(folder) / "empty.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
        with (
            chromium() as browser,
            lab_server(Path(folder), "--folder", folder, "empty.ipynb", home=Path(home)) as server,
        ):
            reached = [measure(browser, server, name) for name in WIDGETS]
            measure_typing(browser, server)
            return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
