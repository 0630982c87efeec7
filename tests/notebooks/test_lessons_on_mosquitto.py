"""The lessons say the same on mosquitto as on the embedded broker: what they teach is MQTT, not our broker.

So do the solved exercises: their checks play on the broker that MQTTKIT_BROKER names.
"""

from __future__ import annotations

import pytest

from mqttkit import Broker
from support import need
from support.notebooks import LESSONS, SOLUTIONS, is_loose, kernel_of, text_of

# Lesson 10 compares engines itself; the gallery and the start page show widgets, not packets.
SAME = [path for path in LESSONS if path.stem[:2].isdigit() and path.stem[:2] not in ("00", "10")]


@pytest.mark.parametrize("path", SAME + SOLUTIONS, ids=lambda path: path.stem)
def test_a_notebook_shows_the_same_text_on_mosquitto(path, monkeypatch):
    need("mosquitto")
    with Broker(engine="mosquitto") as broker:
        monkeypatch.setenv("MQTTKIT_BROKER", broker.url)
        with kernel_of(path) as (kernel, cells):
            for index, cell in enumerate(cells):
                stored = text_of(cell)
                kernel.run(index, cell)
                if not is_loose(cell):
                    assert text_of(cell) == stored, cell["source"]
        checked = [event for event in broker.events() if event.client_id.startswith("mqttkit-check-")]
        assert bool(checked) == (path in SOLUTIONS), "a check plays on the broker that is named"
