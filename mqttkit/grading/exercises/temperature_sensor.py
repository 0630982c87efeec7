"""Exercise 4, tasks 1 and 2: a reading as JSON, and the sensor that sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.grading.exercises.climate import HOUSES, climate, measured
from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import as_json, connected, names, told
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import show

if TYPE_CHECKING:
    from mqttkit.client import Client
    from mqttkit.grading.game import Game

exercise = Exercise("4-temperature-monitor", "The night watch of the glass houses")


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
    given = dict(zip(("device_id", "temperature", "humidity", "timestamp"), measured(game), strict=True))
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
    payloads = [climate(*measured(game)) for _ in range(4)]
    name = f"sensor-{house}"
    observer = game.peer("observer", "#")
    game.call("send_readings", game.address, house, payloads, timeout=4)
    connected(game, "send_readings", timeout=1)
    connects = game.trace.packets(type="CONNECT")
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


def _qos(sent: list[Any]) -> str:
    return ", ".join(f"QoS {qos}" for qos in sorted({p.qos for p in sent})) or "no PUBLISH"
