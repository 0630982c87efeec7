"""Simulated devices: seeded, plausible, without clock."""

from __future__ import annotations

import itertools
import json

import pytest

from mqttkit import InvalidArgument, sensors

DEVICES = {
    "room": lambda seed: sensors.room(seed=seed),
    "outside": lambda seed: sensors.outside(seed=seed),
    "phone": lambda seed: sensors.phone(seed=seed),
    "machine": lambda seed: sensors.machine(seed=seed, start=6 * 3600),
}


def day(readings):
    return list(sensors.until(sensors.DAY, readings))


@pytest.mark.parametrize("name", DEVICES)
def test_same_seed_same_readings(name):
    """And another seed gives others."""
    take = lambda seed: list(itertools.islice(DEVICES[name](seed), 50))  # noqa: E731
    assert take(1) == take(1)
    assert take(1) != take(2)


def test_a_day_in_a_room():
    """Cool at night, warm in the afternoon, humidity against temperature, every ten minutes."""
    readings = day(sensors.room(seed=3))
    assert len(readings) == 144
    by_hour = lambda a, b: [r.values["temperature"] for r in readings if a <= r.seconds / 3600 < b]  # noqa: E731
    night, afternoon = by_hour(2, 5), by_hour(15, 18)
    assert max(night) < min(afternoon) - 1
    assert all(10 < r.values["temperature"] < 30 and 15 <= r.values["humidity"] <= 95 for r in readings)
    warm = sorted(readings, key=lambda r: r.values["temperature"])
    mean = lambda some: sum(r.values["humidity"] for r in some) / len(some)  # noqa: E731
    assert mean(warm[:20]) > mean(warm[-20:])


def test_rooms_differ_by_name_and_topic():
    """Two rooms with one seed are two devices."""
    a, b = next(sensors.room("kitchen")), next(sensors.room("bath"))
    assert (a.topic, b.topic) == ("home/kitchen/climate", "home/bath/climate")
    assert a.values != b.values


def test_outside_is_warmest_in_the_afternoon():
    """On average over a week."""
    week = list(sensors.until(7 * sensors.DAY, sensors.outside(seed=1)))
    at = lambda hour: [r.values["temperature"] for r in week if r.seconds % sensors.DAY == hour * 3600]  # noqa: E731
    assert sum(at(15)) / 7 > sum(at(5)) / 7 + 6


def test_phone_comes_home():
    """Distance falls to 0, where it ends; the last position is home."""
    way = list(sensors.phone(seed=5))
    distances = [r.values["distance"] for r in way]
    assert distances[0] == 2000
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == 0
    assert (way[-1].values["latitude"], way[-1].values["longitude"]) == (52.52, 13.405)


def test_machine_runs_by_day_warms_up_and_has_faults():
    """Idle at night, three states, 0 revolutions unless it runs."""
    readings = day(sensors.machine(seed=2))
    assert {r.values["state"] for r in readings} == {"idle", "running", "fault"}
    assert all((r.values["rpm"] > 1300) == (r.values["state"] == "running") for r in readings)
    assert {r.values["state"] for r in readings if r.seconds < 6 * 3600} == {"idle"}
    assert max(r.values["temperature"] for r in readings) > 50
    assert not [r for r in day(sensors.machine(trouble=0)) if r.values["state"] == "fault"]


def test_payload_is_json_with_a_timestamp():
    """What lesson 03 reads."""
    reading = next(sensors.room(seed=1, start=36000))
    assert json.loads(reading.payload) == {**reading.values, "timestamp": 36000}
    assert set(reading.values) == {"device_id", "temperature", "humidity"}


def test_together_is_in_order_of_time():
    """Devices with different intervals."""
    both = sensors.together(sensors.room("a", every=7), sensors.room("b", every=3))
    seconds = [r.seconds for r in itertools.islice(both, 50)]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: next(sensors.room(every=0)),
        lambda: next(sensors.phone(every=-1)),
        lambda: next(sensors.machine(trouble=2)),
    ],
)
def test_impossible_options(wrong):
    """One sentence."""
    with pytest.raises(InvalidArgument):
        wrong()


def test_published_readings_arrive_and_pause_gets_simulated_seconds(new_lab):
    """A day in no time; the pause is the caller's."""
    pauses = []
    with new_lab() as lab:
        alice, device = lab.client("alice"), lab.client("device")
        alice.subscribe("home/+/climate", 1)
        sent = sensors.publish_readings(device, sensors.room("kitchen", seed=1), count=20, qos=1, pause=pauses.append)
        assert sent == 20
        got = alice.wait_for(20, timeout=5)
    assert [m.text for m in got] == [r.payload for r in itertools.islice(sensors.room("kitchen", seed=1), 20)]
    assert pauses == [600.0] * 19


def test_golden_reading():
    """The numbers are part of lessons' outputs: they must not change with Python or platform."""
    first = next(sensors.room("livingroom", seed=1, start=12 * 3600))
    assert first.payload == GOLDEN


GOLDEN = '{"device_id": "sensor_livingroom", "temperature": 21.2, "humidity": 45.7, "timestamp": 43200}'
