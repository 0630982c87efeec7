"""Exercise 4: sensors report temperature and humidity, a monitor keeps statistics and raises an alarm. Tasks 3 to 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.grading.exercises.climate import HOUSES, degrees, entry, report, same
from mqttkit.grading.exercises.temperature_sensor import exercise
from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import asked, filters, kept, names, started, text
from mqttkit.grading.rubric import Item
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from mqttkit.grading.game import Game


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
    climate = {house: [degrees(game, 12, 29) for _ in range(3)] for house in game.rng.sample(HOUSES, 3)}
    sensors = game.peer("sensors")
    for second in range(3):
        for house, readings in climate.items():
            report(sensors, house, readings[second], second)
    wanted = {h: {"count": 3, "min": min(v), "max": max(v), "mean": sum(v) / 3} for h, v in climate.items()}
    values = _summary(game, monitor, lambda value: same(value, wanted))
    game.judge("values", same(values, wanted), f"{show(values, 200)}")


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
    up, between, down = degrees(game, 30.5, 39), degrees(game, 28.2, 29.8), degrees(game, 15, 27.5)
    plan = [(hot, 30.0), (hot, up), (hot, between), (hot, up + 1), (hot, 28.0), (hot, down), (hot, between), (hot, up)]
    quiet = [(mild, 30.0), (mild, between), (mild, down), (mild, 30.0)]
    for second, (house, value) in enumerate([pair for pairs in zip(plan, quiet * 2, strict=True) for pair in pairs]):
        report(sensors, house, value, second)
    report(sensors, fence, 45.0, 98)
    report(sensors, fence, 10.0, 99)
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
        "Put `json.loads` and every use of its values in a try; return on ValueError, TypeError, KeyError and OverflowError.",
        "Remember (device_id, timestamp) of every reading in a set; return when it is there already.",
    ],
    lesson="03-payloads",
)
def robust(game: Game) -> None:
    """First a reading that comes twice, and only then broken payloads: who falls over them has de-duplicated before."""
    monitor = _start(game)
    house, first_fence, last_fence, odd = game.rng.sample(HOUSES, 4)
    sensors = game.peer("sensors")
    cold, mild, warm = sorted(degrees(game, low, low + 5) for low in (10, 16, 22))
    for second, value in ((1, cold), (2, mild), (1, cold)):
        report(sensors, house, value, second)
    report(sensors, first_fence, 20.0, 3)
    before = _summary(game, monitor, lambda value: isinstance(value, dict) and first_fence in value)
    once = entry(before, house, "count")
    say = f"count {show(once)} for 2 different readings, one of which came twice" if once else show(before, 200)
    game.judge("twice", once == 2 and entry(before, first_fence, "count") == 1, say)  # noqa: PLR2004 - as many as differ
    for bad in _RUBBISH:
        sensors.publish(f"garden/{house}/climate", bad, qos=1)
    for strange in _STRANGE:
        sensors.publish(f"garden/{odd}/climate", strange, qos=1)
    report(sensors, house, warm, 4)
    report(sensors, last_fence, 20.0, 5)
    after = _summary(game, monitor, lambda value: isinstance(value, dict) and last_fence in value)
    _judge_rubbish(game, house, once, after, alive=entry(after, last_fence, "count") == 1, hottest=warm)


def _judge_rubbish(game: Game, house: str, before: Any, after: Any, *, alive: bool, hottest: float) -> None:
    found, top = entry(after, house, "count"), entry(after, house, "max")
    right = isinstance(before, (int, float)) and before > 0 and found == before + 1 and top == hottest
    say = f"count {show(before)} before the rubbish, and {show(found)} after it and one good reading"
    game.judge("rubbish", alive and right, say if alive else f"it heard nothing after the rubbish: {show(after, 160)}")


_RUBBISH = (
    b"\xff\xfe",
    b"",
    b"25.6",
    b"[1, 2]",
    b"null",
    b'{"temperature": 20}',
    b'{"device_id": "x", "temperature": "warm", "humidity": 50, "timestamp": 3}',
    b'{"device_id": "x", "temperature": 20, "humidity": 50, "timestamp": "soon"}',
)
_STRANGE = (  # a monitor may count these, but not fall over them
    b'{"device_id": ["x"], "temperature": 20, "humidity": 50, "timestamp": 3}',
    b'{"device_id": "x", "temperature": 1%s, "humidity": 50, "timestamp": 3}' % (b"0" * 400),
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
    # Those that are stale come last: when they are in the list, the others have been heard, too.
    for house, age in ((limit, 60), (fresh, 3), (silent, 61), (older, 900)):
        report(sensors, house, 20.0, now - age)
    found = _stale(game, monitor, now, lambda value: value == sorted([silent, older]))
    game.judge("silent", [h for h in found if h != limit] == sorted([silent, older]), f"{show(found)}")
    game.judge("limit", limit not in found and found != [], f"{show(found)}")
    report(sensors, older, 21.0, now - 1)
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
    report(game.peer("sensors"), house, 20.0, 5)
    found = _summary(game, monitor, lambda value: entry(value, house, "count") == 1)
    again = game.trace.packets(type="SUBSCRIBE")
    saw = f"{len(again)} SUBSCRIBE in all, and summary gives {show(found)}"
    game.judge("hears", entry(found, house, "count") == 1, saw, again)


def _start(game: Game) -> Handle:
    """The student's monitor, connected and subscribed."""
    monitor: Handle = kept("start_monitor", started(game, "start_monitor"))
    return monitor


def _summary(game: Game, monitor: Handle, enough: Any) -> Any:
    """The student's summary as soon as `enough(value)`, or as it is after a while."""
    return asked(game, "summary", [monitor], dict, enough)


def _stale(game: Game, monitor: Handle, now: int, enough: Any) -> Any:
    return asked(game, "stale", [monitor, now], list, enough)


def _flags(alarms: list[Any]) -> str:
    return ", ".join(sorted({f"QoS {p.qos}, RETAIN {int(bool(p.retain))}" for p in alarms})) or "no alarm"
