"""Exercise 1: a topic hierarchy for a museum. Tasks 5 and 6: a guard who hears what is wanted, and a free design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.errors import InvalidTopic
from mqttkit.grading.exercises.topic_filters import ROOMS, WINGS, exercise, fault_of
from mqttkit.grading.game import StudentError
from mqttkit.grading.moves import asked, filters, kept, started, text
from mqttkit.grading.rubric import Item
from mqttkit.grading.values import show
from mqttkit.topics import check_topic_name, matches

if TYPE_CHECKING:
    from mqttkit.grading.game import Game


@exercise.question(
    "guard",
    rubric=[
        Item(
            "connect",
            1,
            "connects with the client identifier guard",
            hint="The client identifier is an argument of the constructor of the client.",
        ),
        Item("one", 1, "one SUBSCRIBE with one filter is enough"),
        Item("wanted", 1, "only what is wanted crosses the network"),
        Item(
            "seen",
            1,
            "seen returns every alarm of this floor, in order",
            hint="Every alarm is a pair (topic, text), and the payload arrives as bytes: decode it.",
        ),
    ],
    uses=["start_guard", "seen"],
    hints=[
        "Let the broker choose: the filter decides what is sent to you at all.",
        "Five levels again: museum, the wing, the floor, any room, alarm.",
        "Subscribe in on_connect to f'museum/{wing}/{floor}/+/alarm', and append (message.topic, text) to a list in on_message.",
    ],
    lesson="01-first-message",
)
def guard(game: Game) -> None:
    """Publish alarms of this floor between many other messages."""
    wing, floor = game.rng.choice(WINGS), game.rng.randrange(1, 4)
    watch = kept("start_guard", started(game, "start_guard", wing, floor))
    connects = game.trace.packets(type="CONNECT")
    game.judge(
        "connect", any(p.packet.client_id == "guard" for p in connects), f"{connects[0].packet.client_id}", connects
    )
    found = filters(game)
    game.judge("one", len(found) == 1, ", ".join(name for name, _ in found), game.trace.packets(type="SUBSCRIBE"))
    wanted = _publish_around(game, wing, floor)
    last = wanted[-1]  # all that is not wanted was sent before it
    seen = asked(game, "seen", [watch], list, lambda value: value[-1:] in ([last], [list(last)]))
    delivered = game.trace.packets(type="PUBLISH", sender="broker")
    game.judge(
        "seen",
        [tuple(x) if isinstance(x, (list, tuple)) else x for x in seen] == wanted,
        f"{show(seen, 160)}; expected: the {len(wanted)} alarms of museum/{wing}/{floor} and nothing else, as pairs (topic, text)"
        + (_UNREAD if delivered and not seen else ""),
    )
    extra = [p for p in delivered if (p.topic, text(p)) not in wanted]
    game.judge("wanted", delivered and not extra, f"{len(extra)} other messages of {len(delivered)}", extra[:3])


_UNREAD = ". They were sent to it: is the network loop running (`loop_start()`), and does `on_message` keep them?"


def _publish_around(game: Game, wing: str, floor: int) -> list[tuple[str, str]]:
    """Alarms of the floor, and what must not arrive; returns the alarms."""
    museum = game.peer("museum")
    wanted = []
    for number, room in enumerate(game.rng.sample(ROOMS, 3)):
        other = game.rng.choice([w for w in WINGS if w != wing])
        for topic in (
            f"museum/{other}/{floor}/{room}/alarm",
            f"museum/{wing}/{floor + 1}/{room}/alarm",
            f"museum/{wing}/{floor}/{room}/visitors",
        ):
            museum.publish(topic, str(number), qos=1)
        wanted.append((f"museum/{wing}/{floor}/{room}/alarm", f"case {number}"))
        museum.publish(*wanted[-1], qos=1)
    return wanted


@exercise.question(
    "design",
    rubric=[
        Item("valid", 1, "at least eight different topic names, all valid, none with a wildcard or a / at the ends"),
        Item("tree", 1, "they form a tree: a common beginning, three levels or more"),
        Item("useful", 1, "three filters that each select at least two of them, but not all, and not the same ones"),
    ],
    uses=["MY_TOPICS", "MY_FILTERS"],
    hints=[
        "Think from the general to the special: house, room, thing, quantity.",
        "Every question somebody may ask (all lamps? one room?) should have one filter as its answer.",
        "Put the kind of value last: home/kitchen/lamp/state, so that home/+/lamp/state finds all lamps.",
    ],
    lesson="02-topics-and-wildcards",
)
def design(game: Game) -> None:
    """A free design, judged by rules that every good hierarchy keeps."""
    topics = [str(t) for t in game.wanted("MY_TOPICS", game.value("MY_TOPICS"), list)]
    wishes = [str(f) for f in game.wanted("MY_FILTERS", game.value("MY_FILTERS"), list)]
    if not topics:
        raise StudentError("not started yet")
    problem = next((why for topic in topics if (why := _problem(topic))), "") or (
        "fewer than eight" if len(set(topics)) < 8 else ""  # noqa: PLR2004 - said in words beside it
    )
    game.judge("valid", not problem, problem)
    deep = all(topic.count("/") >= 2 for topic in topics) and len({topic.split("/")[0] for topic in topics}) == 1  # noqa: PLR2004
    game.judge(
        "tree", deep, f"first levels: {', '.join(sorted({topic.split('/')[0] or '(empty)' for topic in topics}))}"
    )
    game.judge("useful", *_useful([topic for topic in topics if not _problem(topic)], wishes))


def _problem(topic: str) -> str:
    try:
        check_topic_name(topic)
    except InvalidTopic as error:
        return str(error).splitlines()[0]
    return f"{topic!r} begins or ends with /" if topic.strip("/") != topic else ""


def _useful(topics: list[str], wishes: list[str]) -> tuple[bool, str]:
    chosen = []
    for wish in wishes:
        if fault := fault_of(wish):
            return False, fault
        chosen.append(frozenset(t for t in topics if matches(wish, t)))
    some = [c for c in chosen if 1 < len(c) < len(set(topics))]
    return len(set(some)) >= 3, f"{len(set(some))} filters select at least two of the topics, but not all"  # noqa: PLR2004
