"""Exercise 3: a lighthouse with birth, will and status, a display that joins late, and a clean farewell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import asked, elsewhere, kept, listed, names, started, text, told, will_of, will_words
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from mqttkit.client import Client
    from mqttkit.grading.game import Game

exercise = Exercise("3-retain-and-will", "The lighthouse that says goodbye")

TOWERS = ("skerry", "gannet", "cormorant", "fulmar", "petrel", "puffin")


@exercise.question(
    "birth",
    rubric=[
        Item("will", 1, "its CONNECT carries the will: offline on coast/{name}/status"),
        Item(
            "will-flags",
            1,
            "the will has QoS 1 and the RETAIN flag",
            hint="QoS and RETAIN of the will are given together with its topic and payload.",
        ),
        Item(
            "online",
            1,
            "then it publishes online to the same topic",
            hint="Nobody but itself can say online: it publishes that as soon as it is connected.",
        ),
        Item("online-flags", 1, "online has QoS 1 and the RETAIN flag, too"),
    ],
    uses=["start_lighthouse"],
    hints=[
        "A will belongs to the CONNECT packet: it has to be set before connecting.",
        "client.will_set(topic, 'offline', qos=1, retain=True); with the kit Client(..., will=Will(...)).",
        "Publish 'online' in on_connect, with qos=1 and retain=True: then it is sent after every CONNACK.",
    ],
    lesson="06-retain-and-will",
)
def birth(game: Game) -> None:
    """Read the CONNECT and the first PUBLISH."""
    tower = game.rng.choice(TOWERS)
    topic = f"coast/{tower}/status"
    started(game, "start_lighthouse", tower, subscribes=False)
    connects = game.trace.packets(type="CONNECT")
    will = will_of(connects[0])
    game.judge("will", will is not None and will[:2] == (topic, "offline"), will_words(will), connects)
    game.judge("will-flags", will is not None and will[2:] == (1, True), will_words(will), connects)
    born = game.seen(type="PUBLISH", receiver="broker", topic=topic)
    game.judge("online", born and text(born[0]) == "online", told(born) if born else _UNBORN, born)
    game.judge("online-flags", born and born[0].qos == 1 and born[0].retain, told(born), born)


_UNBORN = "no PUBLISH: is the network loop running (`loop_start()`), and does `on_connect` publish?"


@exercise.question(
    "light",
    rubric=[
        Item("publish", 1, "publishes on or off to coast/{name}/light"),
        Item("stored", 1, "whoever comes later learns the last state"),
    ],
    uses=["start_lighthouse", "set_light"],
    hints=[
        "What start_lighthouse returns is handed to set_light: it needs the client and the name.",
        "The broker stores the last message of a topic when it has the RETAIN flag.",
        "client.publish(f'coast/{name}/light', 'on' if shining else 'off', qos=1, retain=True)",
    ],
    lesson="06-retain-and-will",
)
def light(game: Game) -> None:
    """Switch it a few times, then ask the broker what it has stored."""
    tower = game.rng.choice(TOWERS)
    house = _lighthouse(game, tower)
    watcher = game.peer("watcher", f"coast/{tower}/light")
    states = [True, False, game.rng.random() < 0.5]  # noqa: PLR2004 - a coin
    for shining in states:
        game.call("set_light", house, shining)
    topic, words = f"coast/{tower}/light", ["on" if shining else "off" for shining in states]
    sent = game.seen(len(states), type="PUBLISH", receiver="broker", topic=topic)
    game.until(lambda: len(watcher.messages) >= len(sent), timeout=1)  # then the broker has worked on them
    game.judge(
        "publish", [text(p) for p in sent] == words, told(sent) if sent else elsewhere(game, topic, "status"), sent
    )
    stored = _stored(game, topic)
    game.judge(
        "stored",
        stored == words[-1],
        f"the broker has stored {stored!r}" if stored is not None else "nothing is stored",
        sent,
    )


@exercise.question(
    "crash",
    rubric=[
        Item("fires", 1, "when its link is cut, everybody learns offline"),
        Item(
            "back",
            2,
            "when it is back, everybody learns online again",
            hint="The will said offline, and that is retained. Who publishes online again, and when?",
        ),
    ],
    uses=["start_lighthouse"],
    hints=[
        "The broker sends the will, when the connection ends without DISCONNECT. You have set it already.",
        "After a reconnect the retained message still says offline. Who publishes online again?",
        "on_connect is called after every CONNACK: publish online there, not after connect().",
    ],
    lesson="06-retain-and-will",
)
def crash(game: Game) -> None:
    """Cut the link and listen as a neighbour does."""
    tower = game.rng.choice(TOWERS)
    topic = f"coast/{tower}/status"
    _lighthouse(game, tower)
    born = game.seen(type="PUBLISH", receiver="broker", topic=topic)
    neighbour = game.peer("neighbour")
    neighbour.subscribe(topic, qos=1)
    game.until(lambda: neighbour.messages or not born, timeout=1)
    will = will_of(game.trace.packets(type="CONNECT")[0])
    game.network.cut(None)
    # What was not promised will not come: there is no need to wait for it.
    promised = will is not None and will[0] == topic
    gone = game.until(lambda: _heard(neighbour)[-1:] == ["offline"], timeout=2 if promised else 0.2)
    game.judge(
        "fires", gone, f"the neighbour heard {listed(_heard(neighbour))}{'' if promised else f'; {will_words(will)}'}"
    )
    back = gone and game.until(lambda: _heard(neighbour)[-1:] == ["online"], timeout=3)
    game.judge(
        "back",
        back,
        f"the neighbour heard {listed(_heard(neighbour))}; {len(game.trace.packets(type='CONNECT'))} CONNECT",
    )


def _heard(client: Client) -> list[str]:
    return [message.text for message in client.messages]


@exercise.question(
    "farewell",
    rubric=[
        Item("goodbye", 2, "everybody learns offline, although a will is not sent after DISCONNECT"),
        Item("leave", 1, "it leaves with DISCONNECT, and does not come back"),
    ],
    uses=["start_lighthouse", "stop_lighthouse"],
    hints=[
        "DISCONNECT tells the broker: all is well, throw the will away [MQTT-3.14.4-3]. So who says offline?",
        "Publish offline yourself, retained, and wait until it is acknowledged.",
        "client.publish(topic, 'offline', qos=1, retain=True).wait_for_publish(timeout=5); then disconnect() and loop_stop().",
    ],
    lesson="06-retain-and-will",
)
def farewell(game: Game) -> None:
    """Let it leave, and look what is stored."""
    tower = game.rng.choice(TOWERS)
    topic = f"coast/{tower}/status"
    house = _lighthouse(game, tower)
    game.seen(type="PUBLISH", receiver="broker", topic=topic)
    game.call("stop_lighthouse", house)
    ends = game.seen(type="DISCONNECT", timeout=1)
    sent = game.trace.packets(type="PUBLISH", receiver="broker", topic=topic)
    again = [p for p in game.trace.packets(type="CONNECT") if ends and p.number > ends[0].number]
    game.judge("leave", ends and not again, f"{len(ends)} DISCONNECT, {len(again)} CONNECT afterwards", [*sent, *ends])
    stored = _stored(game, topic)
    game.judge(
        "goodbye",
        sent and stored == "offline" and text(sent[-1]) == "offline",
        f"{'nothing is stored' if stored is None else f'stored is {stored!r}'}; sent {told(sent)}",
        sent,
    )


@exercise.question(
    "display",
    rubric=[
        Item("late", 2, "a display that starts late knows status and light of every lighthouse"),
        Item("live", 1, "it follows what changes"),
        Item("removed", 1, "a lighthouse whose status is cleared (an empty payload) disappears"),
    ],
    uses=["start_display", "shown"],
    hints=[
        "Retained messages arrive right after SUBACK, through on_message like all others.",
        "coast/+/status and coast/+/light: the middle level is the name, the last one tells what it is.",
        "An empty payload clears the retained message. Live it arrives as b'': remove the name from your dict.",
    ],
    lesson="06-retain-and-will",
)
def display(game: Game) -> None:
    """Store states first, start the display, then change one and clear another."""
    harbour = game.peer("harbour")
    first, second, third = game.rng.sample(TOWERS, 3)
    for tower, status, shining in ((first, "online", "on"), (second, "offline", "off"), (third, "online", "off")):
        harbour.publish(f"coast/{tower}/status", status, qos=1, retain=True)
        harbour.publish(f"coast/{tower}/light", shining, qos=1, retain=True)
    screen = kept("start_display", started(game, "start_display"))
    wanted = {first: _row("online", "on"), second: _row("offline", "off"), third: _row("online", "off")}
    found = _shown(game, screen, wanted)
    game.judge("late", found == wanted, show(found, 200), game.trace.packets(type="SUBSCRIBE"))
    harbour.publish(f"coast/{second}/status", "online", qos=1)
    wanted[second] = _row("online", "off")
    found = _shown(game, screen, wanted)
    game.judge("live", found.get(second) == wanted[second], show(found, 200))
    harbour.publish(f"coast/{third}/light", b"", qos=1, retain=True)
    harbour.publish(f"coast/{third}/status", b"", qos=1, retain=True)
    harbour.publish(f"coast/{first}/light", "off", qos=1, retain=True)  # the fence
    wanted = {first: _row("online", "off"), second: wanted[second]}
    found = _shown(game, screen, wanted)
    game.judge("removed", third not in found and first in found, show(found, 200))


def _row(status: str, shining: str) -> dict[str, str]:
    return {"status": status, "light": shining}


def _shown(game: Game, screen: Handle, wanted: Any) -> Any:
    return asked(game, "shown", [screen], dict, lambda value: value == wanted)


@exercise.question(
    "forget",
    rubric=[
        Item("cleared", 2, "the broker has stored neither status nor light of it any more"),
        Item("others", 1, "the other lighthouses are left alone"),
    ],
    uses=["forget"],
    hints=[
        "There is no packet that deletes. A retained message is replaced by the next one.",
        "A retained message with an empty payload removes what is stored [MQTT-3.3.1-10].",
        "client.publish(topic, b'', qos=1, retain=True) for both topics; wait for both, then disconnect.",
    ],
    lesson="06-retain-and-will",
)
def forget(game: Game) -> None:
    """Store states of two, let one be forgotten."""
    harbour = game.peer("harbour", "coast/#")
    gone, stays = game.rng.sample(TOWERS, 2)
    for tower in (gone, stays):
        for what, value in (("status", "offline"), ("light", "off")):
            harbour.publish(f"coast/{tower}/{what}", value, qos=1, retain=True)
    game.call("forget", game.address, gone)
    game.until(lambda: len([m for m in harbour.messages if not m.payload]) >= 2, timeout=0.5)  # noqa: PLR2004 - topics
    sent = game.trace.packets(type="PUBLISH", receiver="broker")
    left = sorted(t for t in (f"coast/{gone}/status", f"coast/{gone}/light") if _stored(game, t) is not None)
    game.judge("cleared", not left, f"still stored: {', '.join(left)}; sent {told(sent)}", sent)
    both = [_stored(game, f"coast/{stays}/{what}") for what in ("status", "light")]
    say = f"stored of {stays}: {listed('nothing' if v is None else v for v in both)}"
    say += f"; this counts when {gone} is forgotten" if left else ""
    game.judge("others", not left and both == ["offline", "off"], say, sent)


def _lighthouse(game: Game, tower: str) -> Handle:
    house: Handle = kept("start_lighthouse", started(game, "start_lighthouse", tower, subscribes=False))
    if not game.seen(type="CONNACK", timeout=1):
        raise StudentError(f"CONNECT arrived, but {names(game.trace.packets(type='CONNECT'))} was not accepted.")
    return house


def _stored(game: Game, topic: str) -> str | None:
    """What the broker has stored of `topic`, asked as any late subscriber would."""
    late = game.peer(f"late-{game.trace.mark()}-{topic.replace('/', '-')}")
    late.subscribe([topic, "fence"], qos=1)
    late.publish("fence", "all retained messages came before this one", qos=1)
    game.until(lambda: any(m.topic == "fence" for m in late.messages), timeout=2)
    found = [m.text for m in late.messages if m.topic == topic]
    late.close()
    return found[-1] if found else None
