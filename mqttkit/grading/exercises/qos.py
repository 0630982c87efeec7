"""Exercise 2: choose a QoS, send so that it arrives, count right although messages arrive twice."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from mqttkit.grading.moves import asked, connected, filters, kept, names, started, text, told, wished
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.student import SCENARIO
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from mqttkit.grading.game import Game
    from mqttkit.trace import Captured

exercise = Exercise("2-qos", "The ferry that counts its passengers")

CHOICES = {
    "position every second": 0,
    "fire alarm, twice does no harm": 1,
    "passengers who boarded, no de-duplication": 2,
}


@exercise.question(
    "choose",
    rubric=[Item(f"choice-{number}", 1, need) for number, need in enumerate(CHOICES, 1)],
    uses=["CHOICE"],
    hints=[
        "Ask two questions each time: what if one is lost? what if one comes twice?",
        "The cheapest QoS that does no harm is the right one.",
        "QoS 0: at most once. QoS 1: at least once. QoS 2: exactly once, with four packets instead of one.",
    ],
    lesson="05-qos",
)
def choose(game: Game) -> None:
    """Compare with the cheapest QoS that does no harm."""
    given = game.wanted("CHOICE", game.value("CHOICE"), dict)
    for number, (need, right) in enumerate(CHOICES.items(), 1):
        found = given.get(need, ...)
        say = "not started yet" if found is ... else f"{show(found)}: " + _why(found, right)
        game.judge(f"choice-{number}", type(found) is int and found == right, say)


def _why(found: Any, right: int) -> str:
    if not isinstance(found, int) or found not in (0, 1, 2):
        return "a QoS is 0, 1 or 2"
    return "it may be lost" if found == 0 else "it may come twice" if found < right else "more packets than needed"


@exercise.question(
    "hops",
    rubric=[
        Item("lower", 1, "the lower of the two decides, whichever side asks for it"),
        Item("equal", 1, "all nine combinations are right"),
    ],
    uses=["delivered_qos"],
    hints=[
        "QoS is agreed on each hop: publisher to broker, and broker to subscriber.",
        "The broker never delivers with more than the publisher used, nor with more than the subscription allows.",
        "Python has a function for the smaller of two numbers: min.",
    ],
    lesson="05-qos",
)
def hops(game: Game) -> None:
    """All nine combinations."""
    wrong = []
    pairs = [(published, subscribed) for published in range(3) for subscribed in range(3)]
    game.rng.shuffle(pairs)
    for published, subscribed in pairs:
        found = game.wanted("delivered_qos", game.call("delivered_qos", published, subscribed), int)
        if found != min(published, subscribed):
            wrong.append((published, subscribed, found))
    say = "; ".join(f"published {p}, subscribed {s}: gave {f}" for p, s, f in wrong[:2])
    game.judge("lower", not [w for w in wrong if w[0] != w[1]], say)
    game.judge("equal", not wrong, say)


@exercise.question(
    "send",
    rubric=[
        Item(
            "publish",
            1,
            "one PUBLISH with the topic, payload and QoS that were asked for",
            hint="Topic, payload and QoS are parameters of send: hand all three on to publish().",
        ),
        Item("handshake", 1, "returns only when the handshake is complete"),
        Item(
            "leave",
            1,
            "then ends the connection with DISCONNECT",
            hint="First the last packet of the handshake, then DISCONNECT: what does your function do between publish() and disconnect()?",
        ),
    ],
    uses=["send"],
    hints=[
        "`publish()` only puts the message into a queue. The network loop sends it.",
        "`info = client.publish(...)`, then `info.wait_for_publish(timeout=5)`.",
        "connect, loop_start, publish, wait_for_publish, disconnect, loop_stop: in this order. The kit's Client waits by itself.",
    ],
    lesson="05-qos",
)
def send(game: Game) -> None:
    """One message at QoS 1 and one at QoS 2, over a slow network."""
    game.network.delay(0.05)
    complete, right, left = [], [], []
    for qos, last in ((1, "PUBACK"), (2, "PUBCOMP")):
        topic, payload = f"ferry/{game.rng.randrange(10, 99)}/speed", f"{game.rng.uniform(5, 20):.1f}"
        since = game.trace.mark()
        game.call("send", game.address, topic, payload, qos, timeout=4)
        connected(game, "send", timeout=0.5)
        complete.append(game.trace.packets(type=last, sender="broker", since=since, delivered=True))
        game.seen(type="DISCONNECT", since=since, timeout=1)
        sent = game.trace.packets(type="PUBLISH", receiver="broker", since=since)
        right.append([(p.topic, text(p), p.qos) for p in sent] == [(topic, payload, qos)])
        left.append(_fault_of_leaving(game.trace.packets(since=since), last))
    sent = game.trace.packets(type="PUBLISH", receiver="broker")
    game.judge("publish", all(right), told(sent), sent)
    acks = [p.type for p in game.trace.packets() if p.type in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")]
    game.judge(
        "handshake",
        all(complete),
        f"it returned after {', '.join(acks)}" if acks else "it returned, and no acknowledgement had come",
        sent,
    )
    wire = [p for p in game.trace.packets() if p.type in ("PUBLISH", "DISCONNECT", *acks)]
    game.judge("leave", not any(left), "; ".join(dict.fromkeys(fault for fault in left if fault)), wire)


def _fault_of_leaving(packets: list[Captured], last: str) -> str:
    """What is wrong with the end of one message's connection, "" for nothing: DISCONNECT has to come after packet `last`."""
    kinds = [p.type for p in packets if p.type in ("DISCONNECT", last)]
    if "DISCONNECT" not in kinds:
        return f"no DISCONNECT after {last}" if kinds else "no DISCONNECT"
    if last not in kinds:
        return f"DISCONNECT was sent, and {last} had not come"
    return "" if kinds.index(last) < kinds.index("DISCONNECT") else f"DISCONNECT was sent before {last} had come"


@exercise.question(
    "counter",
    rubric=[
        Item(
            "subscribe",
            1,
            "subscribes to ferry/+/boarded, with QoS 1 or 2",
            hint="One wildcard stands for the gate. The QoS of a subscription is asked for in subscribe().",
        ),
        Item(
            "total",
            1,
            "total adds up the people of all gates",
            hint="Nothing has come twice yet. The ids count the messages of one gate: another gate has the same ids.",
        ),
        Item("twice", 2, "a message that arrives twice is counted once"),
    ],
    uses=["start_counter", "total"],
    hints=[
        "At QoS 1 the same message may be delivered again: the receiver has to recognise it.",
        "Every message carries an id that its gate gave it. Remember which ids you have counted.",
        "The gate is a level of the topic: two gates may use the same id. Remember (topic, id).",
    ],
    lesson="05-qos",
)
def counter(game: Game) -> None:
    """Two gates with the same ids, and some messages a second time."""
    count = kept("start_counter", started(game, "start_counter"))
    wanted = filters(game)
    packets = game.trace.packets(type="SUBSCRIBE")
    game.judge("subscribe", wanted in ([("ferry/+/boarded", 1)], [("ferry/+/boarded", 2)]), wished(wanted), packets)
    gates = game.peer("gates")
    people = [[game.rng.randrange(1, 9) for _ in range(3)] for _ in range(2)]
    _board(gates, people)
    right = sum(map(sum, people))
    first = _total(game, count, right)
    game.judge("total", first == right, f"{show(first)}; expected: {right}")
    _board(gates, people)  # all of them a second time
    gates.publish("ferry/9/boarded", json.dumps({"id": 0, "people": _FENCE}), qos=1)
    last = _total(game, count, right + _FENCE, over=right + _FENCE)
    say = f"{show(last)}; expected: {first + _FENCE}, for every message came a second time, then a new one with {_FENCE} people"
    game.judge("twice", first > 0 and last == first + _FENCE, say)


_FENCE = 40  # people in the message that proves that all others have been counted


def _board(gates: Any, people: list[list[int]]) -> None:
    for gate, numbers in enumerate(people, 1):
        for number, some in enumerate(numbers):
            gates.publish(f"ferry/{gate}/boarded", json.dumps({"id": number, "people": some}), qos=1)


def _total(game: Game, count: Handle, right: int, over: int | None = None, timeout: float = 1.5) -> Any:
    def enough(value: int) -> bool:
        return value == right or (over is not None and value > over)

    return asked(game, "total", [count], int, enough, timeout=timeout)


@exercise.question(
    "asleep",
    rubric=[
        Item("session", 1, "connects with a client identifier of its own and without a clean session"),
        Item("missed", 2, "counts what was boarded while its link was down, once it is back"),
    ],
    uses=["start_counter", "total"],
    hints=[
        "With a clean session the broker forgets the subscription when the connection ends, and keeps nothing.",
        "mqtt.Client(..., client_id='counter', clean_session=False). The broker knows a session by the client identifier.",
        "QoS 1 on both sides: the broker keeps messages of QoS 1 and 2 only.",
    ],
    lesson="07-sessions",
)
def asleep(game: Game) -> None:
    """Cut the link and hold it down while people board."""
    count = kept("start_counter", started(game, "start_counter"))
    connects = game.trace.packets(type="CONNECT")
    durable = connects[0].packet.clean_session is False and bool(connects[0].packet.client_id)
    clean = "with" if connects[0].packet.clean_session else "without"
    game.judge("session", durable, f"{names(connects)}, {clean} a clean session", connects)
    gates = game.peer("gates")
    with game.network.refuse():
        game.network.cut(None)
        game.until(lambda: not _connected(game), timeout=1)
        people = [[game.rng.randrange(1, 9) for _ in range(3)]]
        _board(gates, people)
    back = game.seen(2, type="CONNACK", timeout=4)  # paho tries again after a second
    right = sum(map(sum, people))
    found = _total(game, count, right, timeout=1.5 if len(back) > 1 else 0)
    game.judge("missed", found == right, f"{show(found)} of {right} people; {_came_back(back)}", back)


def _came_back(accepted: list[Captured]) -> str:
    if len(accepted) < 2:  # noqa: PLR2004 - once before the cut, once after it
        return "it did not connect again"
    kept_ = accepted[-1].packet.session_present
    return f"it connected again, and the broker had {'kept its session' if kept_ else 'no session of it'}"


def _connected(game: Game) -> bool:
    return any(not game.is_peer(client.client_id) for client in game.broker.clients())


@exercise.question(
    "faults",
    rubric=[
        Item("all", 2, "every message arrives, although the link is cut and an acknowledgement lost with it"),
        Item("dup", 1, "what is sent again carries DUP and the same packet identifier"),
        Item("patient", 1, "returns only when everything is acknowledged"),
    ],
    uses=["send_all"],
    hints=[
        "paho keeps every unacknowledged message, connects again after about a second, and sends it once more. Let it.",
        "Do not publish again yourself, do not create a second client: wait long enough, `wait_for_publish(timeout=10)`.",
        "The same as send, with a list: publish all, then wait for each, then disconnect.",
    ],
    lesson="09-unreliable-networks",
)
def faults(game: Game) -> None:
    """Lose every acknowledgement, cut the link, and see what comes again."""
    observer = game.peer("observer", "ferry/log")
    lines = [f"line {game.rng.randrange(1000)}-{number}" for number in range(4)]
    returned = threading.Event()
    storm = threading.Thread(target=_storm, args=(game, len(lines), returned), name=SCENARIO, daemon=True)
    storm.start()
    try:
        game.call("send_all", game.address, "ferry/log", lines, timeout=6)
    finally:
        returned.set()
        storm.join(5)
    connected(game, "send_all", timeout=0.1)  # the storm has given it time
    acked = len({p.packet_id for p in game.trace.packets(type="PUBACK", sender="broker", delivered=True)})
    sent = game.trace.packets(type="PUBLISH", receiver="broker")
    game.until(lambda: not sent or set(lines) <= {m.text for m in observer.messages}, timeout=1)
    arrived = set(lines) <= {m.text for m in observer.messages} and all(p.qos for p in sent)
    game.judge("all", arrived, f"{len(observer.messages)} messages arrived; sent {told(sent)}", sent)
    game.judge("patient", acked >= len(lines), f"{acked} of {len(lines)} acknowledged when it returned")
    _judge_again(game, lines, sent)


def _storm(game: Game, count: int, returned: threading.Event) -> None:
    """No acknowledgement gets through, until the broker has everything (or nothing more comes) and the link is cut."""
    lost = game.network.lose("PUBACK", sender="broker")
    game.until(lambda: _at_the_broker(game) > 0 or returned.is_set(), timeout=3)
    if game.until(lambda: _at_the_broker(game) > 0, timeout=0.5):  # the clock below begins with the first message
        game.until(lambda: _at_the_broker(game) >= count, timeout=1)
    game.network.cut(None)
    lost.heal()


def _at_the_broker(game: Game) -> int:
    """Messages that the broker has: it acknowledged them, or they were sent without asking for that, and it can be reached."""
    if not game.trace.packets(type="CONNACK"):
        return 0
    unasked = [p for p in game.trace.packets(type="PUBLISH", receiver="broker") if not p.qos]
    return len(game.trace.packets(type="PUBACK", sender="broker")) + len(unasked)


def _judge_again(game: Game, lines: list[str], sent: list[Captured]) -> None:
    again = [p for p in sent if p.dup]
    copies = all(len({p.packet_id for p in sent if text(p) == line}) == 1 for line in lines)
    game.judge(
        "dup", again and copies, f"{len(sent)} PUBLISH for {len(lines)} messages, {len(again)} with DUP", sent[:8]
    )
