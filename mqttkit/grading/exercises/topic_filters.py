"""Exercise 1, tasks 1 to 4: names, filters for given needs, a matcher of the learner's own, broken filters. No network."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidTopic
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import show
from mqttkit.topics import check_topic_filter, matches

if TYPE_CHECKING:
    from mqttkit.grading.game import Game

exercise = Exercise("1-topics", "The museum that talks")

WINGS = ("east-wing", "west-wing", "tower")
ROOMS = ("egypt", "maps", "coins", "whales", "clocks", "masks")
QUANTITIES = ("temperature", "humidity", "alarm", "visitors")
NEEDS = {
    "all temperatures": {"what": "temperature"},
    "all alarms": {"what": "alarm"},
    "egypt": {"room": "egypt"},
    "east wing, floor 2": {"wing": "east-wing", "floor": "2"},
    "humidity of the tower": {"wing": "tower", "what": "humidity"},
    "the whole museum": {},
}


@exercise.question(
    "name",
    rubric=[
        Item("levels", 1, "returns museum/{wing}/{floor}/{room}/{quantity}"),
        Item(
            "clean",
            1,
            "small letters, with - in place of every space",
            hint="The levels are right. What becomes of a capital letter, and of a space?",
        ),
    ],
    uses=["topic_of"],
    hints=[
        "The levels of a topic name are separated by /. There is none at the beginning.",
        "An f-string puts the parts together; floor may be a number.",
        "text.lower().replace(' ', '-') makes 'East Wing' to 'east-wing'.",
    ],
    lesson="02-topics-and-wildcards",
)
def name(game: Game) -> None:
    """Ask for names with and without capitals and spaces."""
    wing, room, floor = game.rng.choice(WINGS), game.rng.choice(ROOMS), game.rng.randrange(1, 9)
    plain = game.wanted("topic_of", game.call("topic_of", wing, floor, room, "humidity"), str)
    game.judge("levels", plain == f"museum/{wing}/{floor}/{room}/humidity", show(plain))
    words = game.rng.sample(["Great", "Old", "Blue", "Long", "Lost"], 2)
    untidy = game.wanted(
        "topic_of", game.call("topic_of", "East Wing", floor, " ".join([*words, "Hall"]), "Temperature"), str
    )
    game.judge("clean", untidy == f"museum/east-wing/{floor}/{'-'.join(words).lower()}-hall/temperature", show(untidy))


@exercise.question(
    "filters",
    rubric=[Item(f"need-{number}", 1, f"one filter for: {need}") for number, need in enumerate(NEEDS, 1)],
    uses=["FILTERS"],
    hints=[
        "+ stands for exactly one level, whatever it is called; # at the end stands for all the rest.",
        "Count the levels: museum, wing, floor, room, quantity. A filter without # needs all five.",
        "All humidities of the west wing would be museum/west-wing/+/+/humidity.",
    ],
    lesson="02-topics-and-wildcards",
)
def filters_(game: Game) -> None:
    """Try each filter on every topic of the museum, and on some that lie outside."""
    given = game.wanted("FILTERS", game.value("FILTERS"), dict)
    for number, (need, wanted) in enumerate(NEEDS.items(), 1):
        game.judge(f"need-{number}", *_fits(given.get(need, ...), wanted))


def _fits(given: Any, wanted: Any) -> tuple[bool, str]:
    """(right, what was seen) of one filter."""
    if given is ... or given == "":
        return False, "not started yet"
    if fault := fault_of(given):
        return False, fault
    for topic, right in _museum(wanted):
        if matches(given, topic) != right:
            return False, f"{given} {'misses' if right else 'also matches'} {topic}"
    return True, given


def fault_of(given: Any) -> str:
    """Why `given` is no topic filter, in one line; "" where it is one."""
    if not isinstance(given, str):
        return f"a filter is text (str), and this is {show(given)}"
    try:
        check_topic_filter(given)
    except InvalidTopic as error:
        return str(error).splitlines()[0]
    return ""


def _museum(wanted: dict[str, str]) -> list[tuple[str, bool]]:
    inside = []
    for values in product(WINGS, "123", ROOMS, QUANTITIES):
        place = dict(zip(("wing", "floor", "room", "what"), values, strict=True))
        inside.append((f"museum/{'/'.join(values)}", wanted.items() <= place.items()))
    return [*inside, ("zoo/east-wing/2/egypt/temperature", False), ("/museum/tower/2/egypt/humidity", False)]


_GROUPS = {
    "plain": "equal levels match, case matters, and the number of levels counts",
    "plus": "+ stands for exactly one level, also an empty one",
    "hash": "# stands for all the rest",
    "parent": "# also matches the level above: a/# matches a",
    "dollar": "a wildcard at the beginning does not match a topic that begins with $",
    "empty": "a/b, /a/b and a/b/ are three different topics",
}


@exercise.question(
    "matches",
    rubric=[Item(group, 1, rule) for group, rule in _GROUPS.items()],
    uses=["matches"],
    hints=[
        "Split both at / and walk through the levels side by side.",
        "Three ways to end: # (all the rest, even nothing), a level that differs, and one of the two being longer.",
        "First of all: if topic starts with $ and the filter starts with + or #, the answer is False.",
    ],
    lesson="02-topics-and-wildcards",
)
def matches_(game: Game) -> None:
    """Compare the learner's matcher with the standard on random cases of each rule."""
    for group, cases in _cases(game).items():
        wrong = ""
        for topic_filter, topic in cases:
            right = matches(topic_filter, topic)
            found = game.wanted("matches", game.call("matches", topic_filter, topic), bool)
            if found is not right:
                wrong = wrong or f"matches({topic_filter!r}, {topic!r}) should be {right}, and was {found}"
        game.judge(group, not wrong, wrong)


def _cases(game: Game) -> dict[str, list[tuple[str, str]]]:
    a, b, c, d = game.rng.sample(["attic", "bath", "cellar", "den", "entry", "foyer", "garage"], 4)
    return {
        "plain": [(f"{a}/{b}", f"{a}/{b}"), (f"{a}/{b}", f"{a}/{c}"), (a, f"{a}/{b}"), (f"{a}/{b}", a), (a, a.title())],
        "plus": [(f"{a}/+", f"{a}/{b}"), (f"{a}/+", f"{a}/{b}/{c}"), (f"+/{b}", f"{a}/{b}"), (f"{a}/+", a), (f"{a}/+/{c}", f"{a}//{c}")],
        "hash": [("#", f"{a}/{b}/{c}"), (f"{a}/#", f"{a}/{b}/{c}/{d}"), (f"{a}/#", f"{b}/{c}"), (f"+/{b}/#", f"{c}/{b}/{d}")],
        "parent": [(f"{a}/#", a), (f"{a}/{b}/#", f"{a}/{b}"), (f"{a}/{b}/#", a), (f"{a}/+/#", f"{a}/{d}")],
        "dollar": [("#", f"$SYS/{a}"), (f"+/{a}", f"$SYS/{a}"), (f"$SYS/{a}", f"$SYS/{a}"), ("$SYS/#", f"$SYS/{b}"), (f"{a}/+", f"{a}/$x")],
        "empty": [(f"{a}/{b}", f"/{a}/{b}"), (f"/{a}/{b}", f"/{a}/{b}"), (f"{a}/{b}", f"{a}/{b}/"), (f"+/{a}/{b}", f"/{a}/{b}"), ("/+", f"/{c}")],
    }  # fmt: skip


REPAIRS = {
    "museum/#/temperature": ("museum/tower/1/maps/temperature", "museum/east-wing/3/coins/temperature"),
    "museum/tower+/1/maps/alarm": ("museum/tower/1/maps/alarm",),
    "museum/west-wing#": ("museum/west-wing/1/maps/alarm", "museum/west-wing/2/coins/visitors"),
    "/museum/+/+/+/visitors": ("museum/tower/2/masks/visitors", "museum/east-wing/1/clocks/visitors"),
}


@exercise.question(
    "repair",
    rubric=[Item(f"filter-{number}", 1, f"{broken} repaired") for number, broken in enumerate(REPAIRS, 1)],
    uses=["REPAIRED"],
    hints=[
        "A wildcard fills a whole level: nothing may stand beside it. And # may only be the last level.",
        "Read what each filter was meant to receive, and write that one.",
        "In the middle of a filter, use one + for each level.",
    ],
    lesson="02-topics-and-wildcards",
)
def repair(game: Game) -> None:
    """Each repaired filter has to be valid, match what was meant, and nothing of another quantity."""
    given = game.wanted("REPAIRED", game.value("REPAIRED"), dict)
    for number, (broken, meant) in enumerate(REPAIRS.items(), 1):
        wanted = set(meant)
        game.judge(f"filter-{number}", *_repaired(given.get(broken, ...), wanted, broken))


def _repaired(given: Any, meant: set[str], broken: str) -> tuple[bool, str]:
    if given is ... or given == broken:
        return False, "not started yet"
    if fault := fault_of(given):
        return False, fault
    missed = sorted(topic for topic in meant if not matches(given, topic))
    if missed:
        return False, f"{given} misses {missed[0]}"
    outside = "museum/tower/2/whales/humidity"
    return not matches(given, outside), f"{given} also matches {outside}"
