"""The climate of the glass houses of exercise 4: readings as sensors send them, and what a monitor says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mqttkit.client import Client
    from mqttkit.grading.game import Game

HOUSES = ("palms", "cacti", "orchids", "ferns", "lilies", "cocoa", "tea", "moss")


def report(sensors: Client, house: str, temperature: float, second: int) -> None:
    """Publish one reading of a house."""
    sensors.publish(f"garden/{house}/climate", climate(f"{house}-1", temperature, 60, second), qos=1)


def climate(device_id: str, temperature: Any, humidity: float, timestamp: int) -> str:
    """One reading as JSON text."""
    names = {"device_id": device_id, "temperature": temperature, "humidity": humidity, "timestamp": timestamp}
    return json.dumps(names)


def measured(game: Game) -> tuple[str, float, float, int]:
    """Device, temperature, humidity and timestamp, by chance."""
    number = game.rng.randrange(10, 99)
    return f"sensor_{number}", degrees(game, 10, 29), degrees(game, 30, 90), game.rng.randrange(10**9)


def degrees(game: Game, low: float, high: float) -> float:
    """A number between `low` and `high`, by chance, with one decimal."""
    return round(game.rng.uniform(low, high), 1)


def same(found: Any, wanted: dict[str, dict[str, float]]) -> bool:
    """True when a summary has the numbers of `wanted` for the same houses."""
    if not isinstance(found, dict) or set(found) != set(wanted):
        return False
    return all(_close(entry(found, house, name), value) for house, row in wanted.items() for name, value in row.items())


def _close(found: Any, wanted: float) -> bool:
    """Sums may be added in another order. Nothing is calculated with `found`: it may be too large for that."""
    return isinstance(found, (int, float)) and wanted - 1e-6 < found < wanted + 1e-6


def entry(found: Any, house: str, name: str) -> Any:
    """One number of one house in a summary, None when it has none."""
    row = found.get(house) if isinstance(found, dict) else None
    return row.get(name) if isinstance(row, dict) else None
