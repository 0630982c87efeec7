"""The lessons show the same on another broker: what they teach is MQTT, not our engine."""

from __future__ import annotations

import nbformat
import pytest

from support import need
from support.notebooks import LESSONS, is_loose, kernel_of, text_of

SWITCH = """
from mqttkit import Broker, Lab
Lab.__init__.__kwdefaults__["engine"] = Broker.__init__.__kwdefaults__["engine"] = "mosquitto"
del Broker, Lab
"""
# Cells that look inside the embedded broker; mosquitto does not show its inside.
INSIDE = [
    "broker.clients()",
    "broker.subscriptions()",
    "broker.retained()",
    "broker.sessions()",
    "TopicTree(",
    "BrokerConsole(",
]
MAY_DIFFER = {
    "06-retain-and-will": ["2 < seconds < 5"],  # mosquitto looks for silent clients every few seconds only
    "08-security": [
        "guest.subscribe(",
        "denied-subscribe",
    ],  # it grants what its rules forbid, then delivers nothing (conformance table)
}


def may_differ(path, cell) -> bool:
    """True for a cell that shows more than MQTT; everything before its last line must work all the same."""
    return is_loose(cell) or any(word in cell["source"] for word in INSIDE + MAY_DIFFER.get(path.stem, []))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_on_mosquitto_a_lesson_shows_what_is_stored(path):
    need("mosquitto")
    stored = nbformat.read(path, as_version=4).cells
    with kernel_of(path) as (kernel, cells):
        kernel.run(0, nbformat.v4.new_code_cell(SWITCH))
        for index, cell in enumerate(cells):
            if may_differ(path, cell):
                cell["metadata"]["tags"] = ["raises-exception"]
            kernel.run(index, cell)
    for index, (cell, before) in enumerate(zip(cells, stored, strict=True)):
        if not may_differ(path, cell):
            assert text_of(cell) == text_of(before), f"cell {index}:\n{cell['source']}"
