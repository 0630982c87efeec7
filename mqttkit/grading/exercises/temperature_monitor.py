"""Exercise 4: sensors report temperature and humidity, a monitor keeps statistics and raises an alarm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import as_json, asked, filters, kept, names, started, text, told
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from mqttkit.client import Client
    from mqttkit.grading.game import Game

exercise = Exercise("4-temperature-monitor", "The night watch of the glass houses")

HOUSES = ("palms", "cacti", "orchids", "ferns", "lilies", "cocoa", "tea", "moss")


@exercise.question(
    "reading",
    rubric=[
        Item("json", 1, "returns the text of a JSON object with the four names"),
        Item(
            "numbers",
            1,
            "the values are the ones it was given, numbers as numbers",
            hint='JSON keeps numbers and texts apart: 21.5 is not "21.5". Hand the values on as they are.',
        ),
    ],
    uses=["reading"],
    hints=[
        "Python's `json` module turns a dict into text.",
        "`json.dumps({...})` returns the text; `json.dump` (without s) writes to a file.",
        "return json.dumps({'device_id': device_id, 'temperature': temperature, ...})",
    ],
    lesson="03-payloads",
)
def reading(game: Game) -> None:
    """Compare the text with the values it was made of."""
    given = dict(zip(("device_id", "temperature", "humidity", "timestamp"), _measured(game), strict=True))
    written = game.wanted("reading", game.call("reading", *given.values()), str)
    data = as_json(written)
    if not game.judge("json", isinstance(data, dict) and set(data) == set(given), show(written)):
        raise StudentError("The text is not the JSON object of task 1, so its values were not looked at.")
    game.judge("numbers", data == given, f"{show(data)}")


@exercise.question(
    "sensor",
    rubric=[
        Item("connect", 1, "connects with the client identifier sensor-{house}"),
        Item("topic", 1, "publishes every payload to garden/{house}/climate, in order"),
        Item("qos", 1, "every PUBLISH has QoS 1", hint="Without the argument qos, publish() takes QoS 0."),
        Item("leaves", 1, "sends DISCONNECT after the last PUBACK, with nothing lost"),
    ],
    uses=["send_readings"],
    hints=[
        "Connect, start the network loop, publish, wait, disconnect: in this order.",
        "`publish()` returns an object; its `wait_for_publish(timeout=5)` waits until the PUBACK is there.",
        "sent = [client.publish(topic, p, qos=1) for p in payloads]; then wait for each; then disconnect() and loop_stop().",
    ],
    lesson="05-qos",
)
def sensor(game: Game) -> None:
    """Let the sensor send, and read its packets."""
    house = game.rng.choice(HOUSES)
    payloads = [_climate(*_measured(game)) for _ in range(4)]
    name = f"sensor-{house}"
    observer = game.peer("observer", "#")
    game.call("send_readings", game.address, house, payloads, timeout=4)
    connects = game.seen(type="CONNECT", timeout=1)
    game.judge("connect", any(p.packet.client_id == name for p in connects), names(connects), connects[:2])
    sent = game.seen(len(payloads), type="PUBLISH", receiver="broker", timeout=1)
    right = [(p.topic, p.payload) for p in sent] == [
        (f"garden/{house}/climate", payload.encode()) for payload in payloads
    ]
    game.judge("topic", right, f"{len(sent)} of {len(payloads)} PUBLISH: {told(sent)}", sent[:4])
    game.judge("qos", sent and all(p.qos == 1 for p in sent), _qos(sent), sent[:4])
    _judge_leaving(game, observer, payloads, sent)


def _judge_leaving(game: Game, observer: Client, payloads: list[str], sent: list[Any]) -> None:
    ends = game.seen(type="DISCONNECT", timeout=0.5)
    acks = game.trace.packets(type="PUBACK", sender="broker")
    game.until(lambda: len(observer.messages) >= len(payloads), timeout=0.5)
    in_time = bool(ends) and len([a for a in acks if a.number < ends[-1].number]) >= len(payloads)
    complete = len(sent) == len(payloads) == len(observer.messages)
    saw = f"{len(sent)} PUBLISH, {len(acks)} PUBACK, {'a' if ends else 'no'} DISCONNECT"
    game.judge(
        "leaves", in_time and complete, saw + ("" if in_time or not ends else ", which came too early"), [*acks, *ends]
    )


@exercise.question(
    "statistics",
    rubric=[
        Item("connect", 1, "connects with the client identifier monitor"),
        Item("subscribe", 1, "subscribes to the climate of all houses, and to nothing else"),
        Item("values", 2, "summary gives count, min, max and mean of the temperature of each house"),
    ],
    uses=["start_monitor", "summary"],
    hints=[
        "Which wildcard stands for exactly one level, the name of the house?",
        "Subscribe in `on_connect`, and do the counting in `on_message`; the topic tells you the house.",
        "house = message.topic.split('/')[1]; data = json.loads(message.payload); keep data['temperature'] in a list of that house.",
    ],
    lesson="04-client-life-cycle",
)
def statistics(game: Game) -> None:
    """Report readings of three houses and compare the numbers."""
    monitor = _start(game)
    connects = game.trace.packets(type="CONNECT")
    game.judge("connect", any(p.packet.client_id == "monitor" for p in connects), names(connects), connects[:2])
    found = [name for name, _ in filters(game)]
    packets = game.trace.packets(type="SUBSCRIBE")
    game.judge("subscribe", found == ["garden/+/climate"], f"SUBSCRIBE {', '.join(found) or 'nothing'}", packets)
    climate = {house: [_degrees(game, 12, 29) for _ in range(3)] for house in game.rng.sample(HOUSES, 3)}
    sensors = game.peer("sensors")
    for second in range(3):
        for house, readings in climate.items():
            _report(sensors, house, readings[second], second)
    wanted = {h: {"count": 3, "min": min(v), "max": max(v), "mean": sum(v) / 3} for h, v in climate.items()}
    values = _summary(game, monitor, lambda value: _same(value, wanted))
    game.judge("values", _same(values, wanted), f"{show(values, 200)}")


@exercise.question(
    "alarm",
    rubric=[
        Item("on", 1, "publishes on to garden/{house}/alarm when it gets hotter than 30.0"),
        Item(
            "off",
            1,
            "publishes off when it gets colder than 28.0",
            hint="Which reading takes the alarm back? And what must be true before it is taken back?",
        ),
        Item("hysteresis", 1, "changes nothing between 28.0 and 30.0, and says nothing twice"),
        Item(
            "quiet",
            1,
            "stays quiet for a house that is never hotter than 30.0",
            hint="Hotter than 30.0 is not 30.0 itself. And who has no alarm has none to take back.",
        ),
        Item(
            "flags",
            1,
            "every alarm has QoS 1 and the RETAIN flag",
            hint="The same two arguments belong to every alarm, to on as well as to off: qos and retain.",
        ),
    ],
    uses=["start_monitor"],
    hints=[
        "The monitor has to remember, for each house, whether its alarm is on.",
        "Two conditions: hotter than 30.0 and not yet on; colder than 28.0 and on. Nothing else publishes.",
        "client.publish(f'garden/{house}/alarm', 'on', qos=1, retain=True) from inside on_message; do not wait there.",
    ],
    lesson="06-retain-and-will",
)
def alarm(game: Game) -> None:
    """Heat one house up and down; another stays just below the limit; a third is the fence that must answer last."""
    _start(game)
    hot, mild, fence = game.rng.sample(HOUSES, 3)
    sensors = game.peer("sensors")
    up, between, down = _degrees(game, 30.5, 39), _degrees(game, 28.2, 29.8), _degrees(game, 15, 27.5)
    plan = [(hot, 30.0), (hot, up), (hot, between), (hot, up + 1), (hot, 28.0), (hot, down), (hot, between), (hot, up)]
    quiet = [(mild, 30.0), (mild, between), (mild, down), (mild, 30.0)]
    for second, (house, value) in enumerate([pair for pairs in zip(plan, quiet * 2, strict=True) for pair in pairs]):
        _report(sensors, house, value, second)
    _report(sensors, fence, 45.0, 98)
    _report(sensors, fence, 10.0, 99)
    game.seen(2, type="PUBLISH", receiver="broker", topic=f"garden/{fence}/alarm", timeout=2)
    _judge_alarms(game, hot, mild, fence)


def _judge_alarms(game: Game, hot: str, mild: str, fence: str) -> None:
    """Each item by itself: on and off by the fence, which only gets hot and then cold."""
    alarms = game.trace.packets(type="PUBLISH", receiver="broker", topic="garden/+/alarm")
    of = {house: [p for p in alarms if p.topic == f"garden/{house}/alarm"] for house in (hot, mild, fence)}
    words = {house: [text(p) for p in packets] for house, packets in of.items()}
    plain = f"{_said(fence, words)}; expected: on, off (it got hot, then cold)"
    game.judge("on", words[fence][:1] == ["on"], plain, of[fence])
    game.judge("off", words[fence][-1:] == ["off"], plain, of[fence])
    up_and_down = f"{_said(hot, words)}; expected: on, off, on (hot, cold, hot again, with readings between the limits)"
    game.judge("hysteresis", words[hot] == ["on", "off", "on"], up_and_down, of[hot])
    false = f"{_said(mild, words)}; expected: nothing (at 30.0 or colder)" if words[mild] else plain
    game.judge("quiet", words[fence] and not words[mild], false, of[mild])
    game.judge("flags", alarms and all(p.qos == 1 and p.retain for p in alarms), _flags(alarms), alarms[:3])


def _said(house: str, words: dict[str, list[str]]) -> str:
    said = words[house]
    return f"garden/{house}/alarm: {', '.join(said[:8]) or 'nothing'}{', …' if len(said) > 8 else ''}"  # noqa: PLR2004 - as many as readings


@exercise.question(
    "robust",
    rubric=[
        Item("rubbish", 2, "ignores rubbish and goes on listening"),
        Item(
            "twice",
            1,
            "counts a reading that arrives twice only once",
            hint="By which two values does a monitor recognise a reading that it has counted already?",
        ),
    ],
    uses=["start_monitor", "summary"],
    hints=[
        "An exception in `on_message` ends paho's network thread: nothing is heard any more.",
        "Put `json.loads` and every access to its values in a try, and return on ValueError, TypeError and KeyError.",
        "Remember (device_id, timestamp) of every reading in a set; return when it is there already.",
    ],
    lesson="03-payloads",
)
def robust(game: Game) -> None:
    """First a reading that comes twice, and only then broken payloads: who falls over them has de-duplicated before."""
    monitor = _start(game)
    house, first_fence, last_fence = game.rng.sample(HOUSES, 3)
    sensors = game.peer("sensors")
    cold, mild, warm = sorted(_degrees(game, low, low + 5) for low in (10, 16, 22))
    for second, value in ((1, cold), (2, mild), (1, cold)):
        _report(sensors, house, value, second)
    _report(sensors, first_fence, 20.0, 3)
    before = _summary(game, monitor, lambda value: isinstance(value, dict) and first_fence in value)
    once = _entry(before, house, "count")
    say = f"count {once} for 2 different readings, one of which came twice" if once else show(before, 200)
    game.judge("twice", once == 2 and _entry(before, first_fence, "count") == 1, say)  # noqa: PLR2004 - as many as differ
    for bad in _RUBBISH:
        sensors.publish(f"garden/{house}/climate", bad, qos=1)
    _report(sensors, house, warm, 4)
    _report(sensors, last_fence, 20.0, 5)
    after = _summary(game, monitor, lambda value: isinstance(value, dict) and last_fence in value)
    _judge_rubbish(game, house, once, after, alive=_entry(after, last_fence, "count") == 1, hottest=warm)


def _judge_rubbish(game: Game, house: str, before: Any, after: Any, *, alive: bool, hottest: float) -> None:
    found, top = _entry(after, house, "count"), _entry(after, house, "max")
    right = bool(before) and found == before + 1 and top == hottest
    say = f"count {before} before the rubbish, and {found} after it and one good reading"
    game.judge("rubbish", alive and right, say if alive else f"it heard nothing after the rubbish: {show(after, 160)}")


_RUBBISH = (
    b"\xff\xfe",
    b"",
    b"25.6",
    b"[1, 2]",
    b"null",
    b'{"temperature": 20}',
    b'{"device_id": "x", "temperature": "warm", "humidity": 50, "timestamp": 3}',
)


@exercise.question(
    "stale",
    rubric=[
        Item("silent", 1, "names the houses that have been silent for more than 60 seconds, sorted"),
        Item("limit", 1, "60 seconds exactly is not yet stale", hint="More than 60 seconds: is 60 more than 60?"),
        Item(
            "again",
            1,
            "a house that reports again is no longer stale",
            hint="Which timestamp of a house counts: its first, or its newest?",
        ),
    ],
    uses=["start_monitor", "stale"],
    hints=[
        "The monitor has to keep the newest timestamp of each house.",
        "`now` is given: do not use `time.time()`. A timestamp in the payload tells when it was measured.",
        "return sorted(house for house, seen in monitor.last_seen.items() if now - seen > 60)",
    ],
    lesson="03-payloads",
)
def stale(game: Game) -> None:
    """Let houses report at different times and ask at one moment."""
    monitor = _start(game)
    now = game.rng.randrange(100_000, 200_000)
    silent, older, limit, fresh = game.rng.sample(HOUSES, 4)
    sensors = game.peer("sensors")
    for house, age in ((silent, 61), (older, 900), (limit, 60), (fresh, 3)):
        _report(sensors, house, 20.0, now - age)
    found = _stale(game, monitor, now, lambda value: value == sorted([silent, older]))
    game.judge("silent", [h for h in found if h != limit] == sorted([silent, older]), f"{show(found)}")
    game.judge("limit", limit not in found and found != [], f"{show(found)}")
    _report(sensors, older, 21.0, now - 1)
    later = _stale(game, monitor, now, lambda value: older not in value)
    game.judge("again", found != [] and older not in later and silent in later, f"{show(later)}")


@exercise.question(
    "reconnect",
    rubric=[
        Item("back", 1, "connects again after its connection was cut"),
        Item("hears", 2, "hears the sensors afterwards"),
    ],
    uses=["start_monitor", "summary"],
    hints=[
        "`loop_start()` and `loop_forever()` connect again by themselves. Who subscribes again?",
        "The broker forgets the subscriptions of a clean session when its connection ends.",
        "Subscribe in `on_connect`: paho calls it after every CONNACK, not only after the first.",
    ],
    lesson="04-client-life-cycle",
)
def reconnect(game: Game) -> None:
    """Cut the link, wait for the second CONNECT, then report."""
    monitor = _start(game)
    game.network.cut(None)
    back = game.seen(2, type="CONNACK", timeout=4)
    if not game.judge("back", len(back) >= 2, f"{len(game.trace.packets(type='CONNECT'))} CONNECT in 4 s"):  # noqa: PLR2004
        raise StudentError("The monitor did not come back, so nothing could be heard.")
    game.seen(2, type="SUBACK", timeout=1)
    house = game.rng.choice(HOUSES)
    _report(game.peer("sensors"), house, 20.0, 5)
    found = _summary(game, monitor, lambda value: _entry(value, house, "count") == 1)
    again = game.trace.packets(type="SUBSCRIBE")
    saw = f"{len(again)} SUBSCRIBE in all, and summary gives {show(found)}"
    game.judge("hears", _entry(found, house, "count") == 1, saw, again)


def _start(game: Game) -> Handle:
    """The student's monitor, connected and subscribed."""
    monitor: Handle = kept("start_monitor", started(game, "start_monitor"))
    return monitor


def _summary(game: Game, monitor: Handle, enough: Any) -> Any:
    """The student's summary as soon as `enough(value)`, or as it is after a while."""
    return asked(game, "summary", [monitor], dict, enough)


def _stale(game: Game, monitor: Handle, now: int, enough: Any) -> Any:
    return asked(game, "stale", [monitor, now], list, enough)


def _report(sensors: Client, house: str, temperature: float, second: int) -> None:
    sensors.publish(f"garden/{house}/climate", _climate(f"{house}-1", temperature, 60, second), qos=1)


def _climate(device_id: str, temperature: Any, humidity: float, timestamp: int) -> str:
    names = {"device_id": device_id, "temperature": temperature, "humidity": humidity, "timestamp": timestamp}
    return json.dumps(names)


def _measured(game: Game) -> tuple[str, float, float, int]:
    number = game.rng.randrange(10, 99)
    return f"sensor_{number}", _degrees(game, 10, 29), _degrees(game, 30, 90), game.rng.randrange(10**9)


def _degrees(game: Game, low: float, high: float) -> float:
    return round(game.rng.uniform(low, high), 1)


def _same(found: Any, wanted: dict[str, dict[str, float]]) -> bool:
    if not isinstance(found, dict) or set(found) != set(wanted):
        return False
    return all(
        _close(_entry(found, house, name), value) for house, row in wanted.items() for name, value in row.items()
    )


def _close(found: Any, wanted: float) -> bool:
    return isinstance(found, (int, float)) and abs(found - wanted) < 1e-6  # noqa: PLR2004 - sums may be added in another order


def _entry(found: Any, house: str, name: str) -> Any:
    row = found.get(house) if isinstance(found, dict) else None
    return row.get(name) if isinstance(row, dict) else None


def _qos(sent: list[Any]) -> str:
    return f"QoS {sorted({p.qos for p in sent})}" if sent else "no PUBLISH"


def _flags(alarms: list[Any]) -> str:
    return ", ".join(sorted({f"QoS {p.qos}, RETAIN {int(bool(p.retain))}" for p in alarms})) or "no alarm"
