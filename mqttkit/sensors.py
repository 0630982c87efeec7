"""Simulated devices: a room's climate by time of day, a moving phone, a machine. Seeded: the same seed, the same day.

Each device is a generator of `Reading`s, without clock and without I/O; `publish_readings` sends them through a client.
Time is simulated: seconds since the midnight the day begins with, so a whole day is published in a second, and a test never
waits.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mqttkit.client import Client

DAY = 86_400.0  # seconds
HOUR = 3600.0
METRES_PER_DEGREE = 111_320.0  # of latitude


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device reports at one moment.

    Attributes:
        seconds: simulated time since midnight of the first day.
        topic: where the device publishes it.
        values: the measured values by name; their units are told by the device's function.
    """

    seconds: float
    topic: str
    values: dict[str, Any]

    @property
    def payload(self) -> str:
        """The values and the simulated time as JSON, for example {"temperature": 21.4, "timestamp": 36000}."""
        return json.dumps({**self.values, "timestamp": round(self.seconds)})


def room(
    name: str = "livingroom", *, seed: int = 0, start: float = 0.0, every: float = 600.0, comfort: float = 21.0
) -> Iterator[Reading]:
    """Climate of a heated room: temperature in degrees Celsius, relative humidity in percent.

    It is coolest at about 6 o'clock and warmest in the late afternoon, is heated from 6 to 22, and humidity moves against
    temperature, as in a closed room.

    Args:
        name: topic home/{name}/climate, and part of the device's id.
        seed: the same seed gives the same readings.
        start: simulated time of the first reading, seconds since midnight.
        every: seconds between two readings.
        comfort: what the heating aims at by day, degrees Celsius.
    """
    chance = _chance("room", name, seed)
    temperature = _room_target(start, comfort) + chance.gauss(0, 0.2)
    for seconds in _times(start, every):
        temperature += (_room_target(seconds, comfort) - temperature) * (1 - math.exp(-every / (1.5 * HOUR)))
        measured = temperature + chance.gauss(0, 0.1)
        humidity = min(95.0, max(15.0, 45.0 - 2.5 * (measured - comfort) + chance.gauss(0, 1.0)))
        values = {"device_id": f"sensor_{name}", "temperature": round(measured, 1), "humidity": round(humidity, 1)}
        yield Reading(seconds, f"home/{name}/climate", values)


def _room_target(seconds: float, comfort: float) -> float:
    """Where the temperature of a room tends to at this time of day."""
    hour = seconds % DAY / HOUR
    sun = 1.5 * math.cos((hour - 17) / 24 * 2 * math.pi)
    return comfort + sun - (0.0 if 6 <= hour < 22 else 3.0)  # noqa: PLR2004 - hours of the heating


def outside(*, seed: int = 0, start: float = 0.0, every: float = 600.0, mean: float = 9.0) -> Iterator[Reading]:
    """A thermometer outside: degrees Celsius, coldest at 5 and warmest at 15 o'clock, `mean` on average.

    Arguments: see `room`; topic outside/climate.
    """
    chance = _chance("outside", "", seed)
    drift = 0.0
    for seconds in _times(start, every):
        drift = 0.98 * drift + chance.gauss(0, 0.15)
        hour = seconds % DAY / HOUR
        daily = 6.0 * math.cos((hour - 15) / 24 * 2 * math.pi)
        yield Reading(
            seconds, "outside/climate", {"device_id": "sensor_outside", "temperature": round(mean + daily + drift, 1)}
        )


def phone(
    name: str = "phone",
    *,
    seed: int = 0,
    start: float = 0.0,
    every: float = 10.0,
    home: tuple[float, float] = (52.5200, 13.4050),
    distance: float = 2000.0,
    speed: float = 5.0,
) -> Iterator[Reading]:
    """A phone on its way home: latitude and longitude in degrees, distance from home in metres. It ends at home.

    Args:
        name: topic phone/{name}/position.
        seed: gives direction and detours.
        start: simulated time of the first reading, seconds since midnight.
        every: seconds between two readings.
        home: latitude and longitude of the destination.
        distance: of the start from home, in metres.
        speed: in metres per second; 5 is a bicycle.
    """
    chance = _chance("phone", name, seed)
    bearing = chance.uniform(0, 2 * math.pi)
    for seconds in _times(start, every):
        left = max(0.0, distance)
        sway = bearing + chance.gauss(0, 0.02)
        north, east = left * math.cos(sway), left * math.sin(sway)
        latitude = home[0] + north / METRES_PER_DEGREE
        longitude = home[1] + east / (METRES_PER_DEGREE * math.cos(math.radians(home[0])))
        values = {"latitude": round(latitude, 6), "longitude": round(longitude, 6), "distance": round(left)}
        yield Reading(seconds, f"phone/{name}/position", values)
        if left == 0.0:
            return
        distance -= speed * every * chance.uniform(0.7, 1.3)


def machine(
    name: str = "press1", *, seed: int = 0, start: float = 0.0, every: float = 60.0, trouble: float = 0.01
) -> Iterator[Reading]:
    """A machine: state "idle", "running" or "fault", speed in revolutions per minute, temperature in degrees Celsius.

    It runs from 6 to 22 o'clock, warms up while it runs, and stops for ten minutes after a fault.

    Args:
        name: topic factory/{name}/status.
        seed: gives the moments of the faults.
        start: simulated time of the first reading, seconds since midnight.
        every: seconds between two readings.
        trouble: probability of a fault per reading while it runs, 0 to 1.
    """
    if not 0 <= trouble <= 1:
        raise InvalidArgument(f"trouble is a probability from 0 to 1, not {trouble!r}.")
    chance = _chance("machine", name, seed)
    temperature, down_until, parts = 22.0, -1.0, 0
    for seconds in _times(start, every):
        working = 6 <= seconds % DAY / HOUR < 22  # noqa: PLR2004 - hours of the shifts
        if working and seconds >= down_until and chance.random() < trouble:
            down_until = seconds + 600
        state = "fault" if seconds < down_until else "running" if working else "idle"
        running = state == "running"
        temperature += ((68.0 if running else 22.0) - temperature) * (1 - math.exp(-every / 900))
        parts += round(every / 6) if running else 0
        values = {
            "state": state,
            "rpm": round(1450 + chance.gauss(0, 8)) if running else 0,
            "temperature": round(temperature + chance.gauss(0, 0.3), 1),
            "parts": parts,
        }
        yield Reading(seconds, f"factory/{name}/status", values)


def until(seconds: float, readings: Iterable[Reading]) -> Iterator[Reading]:
    """The readings before the simulated time `seconds`."""
    return itertools.takewhile(lambda reading: reading.seconds < seconds, readings)


def together(*devices: Iterable[Reading]) -> Iterator[Reading]:
    """The readings of several devices in order of simulated time."""
    import heapq

    return heapq.merge(*devices, key=lambda reading: reading.seconds)


def publish_readings(
    client: Client,
    readings: Iterable[Reading],
    *,
    count: int | None = None,
    qos: int = 0,
    retain: bool = False,
    pause: Callable[[float], Any] | None = None,
) -> int:
    """Publish readings as JSON; returns how many.

    Args:
        client: a connected Client.
        readings: of one device or of several (`together`); an endless one needs `count` or `until`.
        count: at most so many; None takes all.
        qos: of the messages.
        retain: of the messages.
        pause: called between two readings with the simulated seconds that pass. None does not pause. For a live demonstration
            600 times as fast as life: `pause=lambda seconds: time.sleep(seconds / 600)`.
    """
    sent = 0
    earlier: float | None = None
    for reading in itertools.islice(readings, count):
        if pause is not None and earlier is not None:
            pause(reading.seconds - earlier)
        client.publish(reading.topic, reading.payload, qos, retain)
        earlier = reading.seconds
        sent += 1
    return sent


def _times(start: float, every: float) -> Iterator[float]:
    if every <= 0:
        raise InvalidArgument(f"every is the number of seconds between two readings, more than 0, not {every!r}.")
    return (start + every * n for n in itertools.count())


def _chance(kind: str, name: str, seed: int) -> random.Random:
    """A source of chance of its own for each device, the same on every machine and Python."""
    return random.Random(f"{kind}/{name}/{seed}")  # noqa: S311 - a simulation
