"""The table of what each engine can do, in INSTRUCTORS.md: written from the answers of `mqttkit doctor --broker URL`.

    python tests/cli/abilities_table.py                            # asks every engine that is installed here
    python tests/cli/abilities_table.py "NATS 2.9" mqtt://HOST     # asks another broker; gives it a column of this name

The answers are kept in abilities_seen.json; tests ask again and compare.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mqttkit import Broker
from mqttkit.classroom.cluster import Cluster
from mqttkit.doctor.abilities import PROBES, abilities

SEEN = Path(__file__).with_name("abilities_seen.json")
PAGE = Path(__file__).parents[2] / "INSTRUCTORS.md"
BEGIN, END = "<!-- abilities: written by tests/cli/abilities_table.py -->\n", "<!-- end of abilities -->\n"


@contextmanager
def embedded() -> Iterator[tuple[str, str]]:
    """Addresses of a running embedded broker: MQTT, and WebSocket ("" where the engine has none)."""
    with Broker(websocket=True) as broker:
        yield broker.url, broker.urls["ws"]


@contextmanager
def mosquitto() -> Iterator[tuple[str, str]]:
    """The same of a mosquitto; Debian builds it without WebSocket."""
    with Broker(engine="mosquitto") as broker:
        yield broker.url, ""


@contextmanager
def cluster() -> Iterator[tuple[str, str]]:
    """The same of a cluster of two aedes nodes."""
    with Cluster() as running:
        yield running.urls["a"], running.web_urls["a"]


ENGINES = {"embedded (amqtt, corrected)": embedded, "mosquitto 2": mosquitto, "two aedes nodes, Redis": cluster}
NEEDS = {
    "embedded (amqtt, corrected)": (),
    "mosquitto 2": ("mosquitto",),
    "two aedes nodes, Redis": ("node", "npm", "redis-server"),
}


def ask(url: str, web_url: str = "") -> dict[str, str]:
    """Each ability, and "yes" or what was seen instead."""
    answers = {one.name: one.answer for one in abilities(url)}
    if web_url:
        answers["WebSocket"] = next(one.answer for one in abilities(web_url) if one.name == "WebSocket")
    return answers


def table(seen: dict[str, dict[str, str]]) -> str:
    """The answers as a Markdown table, one engine a column."""
    head = f"| `mqttkit doctor --broker URL` | {' | '.join(seen)} |\n|---|{'---|' * len(seen)}\n"
    rows = (f"| {name} | {' | '.join(answers[name] for answers in seen.values())} |\n" for name in PROBES)
    return head + "".join(rows)


def section(page: str) -> str:
    """What stands in the page between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main(arguments: list[str]) -> None:
    """Ask, keep the answers, and write the table."""
    seen = json.loads(SEEN.read_text("utf-8")) if SEEN.exists() else {}
    if arguments:
        name, url = arguments
        seen[name] = ask(url)
    else:
        for name, start in ENGINES.items():
            if all(map(shutil.which, NEEDS[name])):
                with start() as urls:
                    seen[name] = ask(*urls)
    SEEN.write_text(json.dumps(seen, indent=1) + "\n", "utf-8")
    page = PAGE.read_text("utf-8")
    PAGE.write_text(page.replace(BEGIN + section(page) + END, BEGIN + table(seen) + END), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
