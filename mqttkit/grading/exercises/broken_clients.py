"""Exercise 6: six clients, each with one classic mistake; each is judged by what it does under its own scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import asked, kept, names, text, told
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.grading.game import Game

exercise = Exercise("6-broken-clients", "The workshop of broken clients")

# Fingerprints of the clients as they are given: while a learner has not changed one, it is "not started yet".
GIVEN = {
    "start_deaf": "9982d49526eb318a",
    "start_old": "f2ddee5bbe11a8c6",
    "start_twins": "b4b57917aeb96fd0",
    "start_sulking": "7a32d122711e1fe0",
    "start_stuck": "87a2c27a968eb090",
    "start_forgetful": "cf850b85ffa74026",
}
LIFE = "04-client-life-cycle"


def _patient(id: str, rubric: list[Item], hints: list[str], lesson: str = LIFE) -> Callable[[Any], Any]:  # noqa: A002
    function = f"start_{id}"
    return exercise.question(
        id, rubric=rubric, uses=[function], hints=hints, lesson=lesson, given={function: GIVEN[function]}
    )


def _admit(game: Game, function: str) -> Handle:
    """The patient, connected; whether it subscribed is for the scenario to see."""
    client: Handle = kept(function, game.call(function, game.address, keep=True))
    if not game.seen(type="CONNACK", timeout=1.5):
        raise StudentError(f"No CONNECT arrived: does `{function}` still connect to `broker.host` and `broker.port`?")
    return client


def _ring(game: Game, words: list[str], topic: str = "ward/bell") -> None:
    bell = game.peer("bell")
    for word in words:
        bell.publish(topic, word, qos=1)
    bell.close()


def _hears(game: Game, client: Any, wanted: list[Any]) -> tuple[bool, str]:
    found = asked(game, "heard", [client], list, lambda value: value == wanted)
    return found == wanted, f"it heard {show(found)}, and the bell said {show(wanted)}"


def _words(game: Game) -> list[str]:
    return [f"{game.rng.choice(['ding', 'dong', 'clang'])} {game.rng.randrange(100)}" for _ in range(3)]


def _judge_listener(game: Game, client: Any) -> None:
    """Two items that several patients share: it is subscribed, and it hears the bell."""
    subscribed = game.seen(type="SUBACK", timeout=1)
    asked_for = game.trace.packets(type="SUBSCRIBE")
    game.judge(
        "subscribed",
        subscribed,
        f"{len(asked_for)} SUBSCRIBE after {len(game.trace.packets(type='CONNACK'))} CONNACK",
        game.trace.packets()[:4],
    )
    words = _words(game)
    _ring(game, words)
    game.judge("hears", *_hears(game, client, words))


_LISTENER = [
    Item("subscribed", 1, "its SUBSCRIBE to ward/bell reaches the broker"),
    Item("hears", 2, "it hears the bell"),
]


@_patient(
    "deaf",
    _LISTENER,
    [
        "Is there a SUBSCRIBE on the wire at all? Look at what comes between CONNECT and silence.",
        "`subscribe()` before the connection exists does nothing: it returns an error code that nobody looks at.",
        "Define on_connect(client, userdata, flags, reason_code, properties) and subscribe in there.",
    ],
)
def deaf(game: Game) -> None:
    """Ring the bell."""
    _judge_listener(game, _admit(game, "start_deaf"))


@_patient(
    "old",
    _LISTENER,
    [
        "Something went wrong in its network thread, where nobody was looking.",
        "With CallbackAPIVersion.VERSION2, paho calls on_connect with five arguments.",
        "def on_connect(client, userdata, flags, reason_code, properties): …",
    ],
)
def old(game: Game) -> None:
    """Ring the bell."""
    _judge_listener(game, _admit(game, "start_old"))


@_patient(
    "twins",
    [
        Item("both", 1, "both stay connected, each under a client identifier of its own"),
        Item("first", 1, "the first one hears the bell"),
        Item("second", 1, "the second one hears it as well"),
    ],
    [
        "Count the CONNECT packets, and look at their client identifiers.",
        "A second connection with the same client identifier ends the first one [MQTT-3.1.4-2], which comes back, and so on.",
        "Give each of the two an identifier of its own.",
    ],
)
def twins(game: Game) -> None:
    """Wait until both are there, then ring the bell."""
    both = game.wanted("start_twins", game.call("start_twins", game.address), list, tuple)
    if len(both) != 2:  # noqa: PLR2004 - twins
        raise StudentError(f"`start_twins` should return both clients, and returned {len(both)}.")
    game.seen(2, type="SUBACK", timeout=2)
    # A twin that was thrown out comes back after a second: a third CONNECT is the proof.
    game.seen(3, type="CONNECT", timeout=1.3 if _same_id(game) else 0.05)
    connects = game.trace.packets(type="CONNECT")
    together = len(connects) == len(game.broker.clients()) == 2 and not _same_id(game)  # noqa: PLR2004
    unnamed = any(not p.packet.client_id for p in connects)
    game.judge("both", together and not unnamed, _identifiers(connects, unnamed=unnamed), connects[:4])
    if not together:
        raise StudentError("The two are not there at the same time, so what each of them hears was not judged.")
    words = _words(game)
    _ring(game, words)
    game.judge("first", *_hears(game, both[0], words))
    game.judge("second", *_hears(game, both[1], words))


def _same_id(game: Game) -> bool:
    """True when two connections have one identifier; two empty ones differ, for the broker makes up a name for each."""
    given = [p.packet.client_id for p in game.trace.packets(type="CONNECT") if p.packet.client_id]
    return len(set(given)) < len(given)


def _identifiers(connects: list[Any], *, unnamed: bool) -> str:
    saw = f"{len(connects)} CONNECT, {names(connects)}"
    return saw + (": give each a client identifier of its own, not an empty one" if unnamed else "")


@_patient(
    "sulking",
    [
        Item("good", 1, "it remembers good reports"),
        Item("survives", 2, "it goes on after strange ones, and leaves them out"),
    ],
    [
        "An exception in on_message: where does it go? Who is left to read the next packet?",
        "It must survive: no JSON at all, JSON that is no object, and an object without drops.",
        "try: … except (ValueError, TypeError, KeyError): return",
    ],
    "03-payloads",
)
def sulking(game: Game) -> None:
    """Good reports, strange ones, good ones again."""
    client = _admit(game, "start_sulking")
    game.seen(type="SUBACK", timeout=1)
    pumps = game.peer("pumps")
    before, after = [game.rng.randrange(1, 50) for _ in range(2)], [game.rng.randrange(1, 50) for _ in range(2)]
    for drops in before:
        pumps.publish("ward/1/drops", f'{{"drops": {drops}}}', qos=1)
    good = asked(game, "heard", [client], list, lambda value: value == before)
    game.judge("good", good == before, f"it remembered {show(good)} of {show(before)}")
    for odd in (b"\xff\xfe", b"", b"seven", b"[3]", b"null", b'{"drips": 3}'):
        pumps.publish("ward/2/drops", odd, qos=1)
    for drops in after:
        pumps.publish("ward/3/drops", f'{{"drops": {drops}}}', qos=1)
    wanted = before + after
    found = asked(game, "heard", [client], list, lambda value: value == wanted)
    game.judge("survives", found == wanted, f"it remembered {show(found)} of {show(wanted)}")


@_patient(
    "stuck",
    [
        Item("first", 1, "it answers without waiting, and acknowledges the question"),
        Item("all", 2, "it answers every question, at QoS 1"),
    ],
    [
        "It handed its first answer to `publish()`, and no PUBLISH is on the wire. Who should send it?",
        "All packets are sent and read by the network thread, and that is the thread which runs on_message.",
        "In a callback publish without waiting: the handshake goes on by itself.",
    ],
)
def stuck(game: Game) -> None:
    """Three questions, one after the other."""
    _admit(game, "start_stuck")
    game.seen(type="SUBACK", timeout=1)
    words = _words(game)
    _ring(game, words, "ward/question")
    if game.seen(3, type="PUBLISH", receiver="broker", topic="ward/answer", timeout=1.5):
        game.seen(1, type="PUBACK", receiver="broker", timeout=0.5)  # sent when on_message has returned
    wire = [p for p in game.trace.packets() if p.type in ("PUBLISH", "PUBACK")]  # one moment for sentence and picture
    answers = [p for p in wire if p.receiver == "broker" and p.topic == "ward/answer"]
    acks = [p for p in wire if p.receiver == "broker" and p.type == "PUBACK"]
    right = [text(p) for p in answers] == words and all(p.qos == 1 for p in answers)
    asked_ = [p for p in wire if p.sender == "broker" and p.topic == "ward/question"]
    prompt = min((a.time - q.time for a, q in zip(answers, asked_, strict=False)), default=SLOW) < SLOW
    slow = "" if prompt or not answers else f", each at least {SLOW:g} s after its question (does `on_message` wait?)"
    saw = f"{len(answers)} answers{slow}, {len(acks)} questions acknowledged"
    game.judge("first", prompt and acks, saw, wire)
    game.judge("all", prompt and right, told(answers) + slow, answers)


SLOW = 0.9  # seconds: who waits a second in the callback, and then goes on, is as ill as who waits for ever


@_patient(
    "forgetful",
    [
        Item("before", 1, "it hears the bell"),
        Item(
            "after",
            2,
            "it hears the bell after its connection was cut and came back",
            hint="Count CONNECT and SUBSCRIBE on the wire after the cut.",
        ),
    ],
    [
        "Count CONNECT and SUBSCRIBE on the wire after the cut.",
        "The broker forgets the subscriptions of a clean session when its connection ends.",
        "on_connect is called after every CONNACK: subscribe there.",
    ],
)
def forgetful(game: Game) -> None:
    """Ring, cut, wait for it to come back, ring again."""
    client = _admit(game, "start_forgetful")
    game.seen(type="SUBACK", timeout=1)
    first, second = _words(game), _words(game)
    _ring(game, first)
    game.judge("before", *_hears(game, client, first))
    game.network.cut(None)
    game.seen(2, type="CONNACK", timeout=4)
    game.seen(2, type="SUBACK", timeout=0.5)
    _ring(game, second)
    heard, saw = _hears(game, client, first + second)
    wire = [p for p in game.trace.packets() if p.type in ("CONNECT", "SUBSCRIBE")]
    game.judge("after", heard, saw, wire)
