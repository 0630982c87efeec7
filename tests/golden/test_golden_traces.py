"""Each scenario of the course gives its stored trace: on every engine, again and again, beside a busy core."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from golden_scenarios import SCENARIOS

from mqttkit import Lab

STORED = Path(__file__).parent / "traces"
REPEATS = int(os.environ.get("GOLDEN_REPEATS", "0"))  # 20 when the relay has changed


def stored(scenario, text):
    """The stored trace; written anew with UPDATE_GOLDEN=1."""
    path = STORED / f"{scenario.__name__}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(f"{text}\n", "utf-8")
    return path.read_text("utf-8").rstrip("\n")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario_gives_its_golden_trace(scenario, engine):
    for _ in range(REPEATS or (1 if "silence" in scenario.__name__ else 2)):
        with Lab(engine=engine) as lab:
            text = scenario(lab).text()
        assert text == stored(scenario, text)


def _burn(stop):
    while not stop.is_set():
        sum(range(10_000))


def test_traces_do_not_change_beside_a_busy_core(engine):
    """The order of threads and packets changes under load; the story must not."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    burner = context.Process(target=_burn, args=(stop,), daemon=True)
    burner.start()
    try:
        for scenario in SCENARIOS:
            if "silence" not in scenario.__name__:
                with Lab(engine=engine) as lab:
                    text = scenario(lab).text()
                assert text == stored(scenario, text)
    finally:
        stop.set()
        burner.join(5)
        burner.kill()


def test_every_stored_trace_belongs_to_a_scenario():
    assert {path.stem for path in STORED.glob("*.txt")} == {scenario.__name__ for scenario in SCENARIOS}
