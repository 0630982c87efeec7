"""Exercise 5: a chat client that speaks the room protocol of `mqttkit.chat`; the grader plays the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit import chat
from mqttkit.grading.moves import (
    as_json,
    asked,
    elsewhere,
    kept,
    listed,
    names,
    started,
    text,
    told,
    will_of,
    will_words,
)
from mqttkit.grading.rubric import Exercise, Item
from mqttkit.grading.values import Handle, show

if TYPE_CHECKING:
    from mqttkit.client import Client
    from mqttkit.grading.game import Game

exercise = Exercise("5-chat-room", "The room where everybody talks")

PEOPLE = ("Ada", "Grace", "Zoë", "Søren", "Noor", "José", "Mei", "Łukasz")
ROOMS = ("tea-room", "engine-room", "library", "rooftop")


@exercise.question(
    "line",
    rubric=[
        Item("json", 1, "returns a JSON object with exactly name and text"),
        Item("unicode", 1, "every character survives: accents, other scripts, emoji, quotation marks"),
    ],
    uses=["line"],
    hints=[
        "json.dumps turns a dict into text, and takes care of every quotation mark.",
        "Two names in the object: name and text.",
        'return json.dumps({"name": name, "text": text})',
    ],
    lesson="03-payloads",
)
def line(game: Game) -> None:
    """Read back what was packed."""
    said = ['He said "no"', "tschüß \\ 再见", "👩\u200d🚀 ready?", "mañana\nnext line"]
    name, words = game.rng.choice(PEOPLE), " ".join(game.rng.sample(said, len(said)))
    packed = game.wanted("line", game.call("line", name, words), str, bytes)
    data = as_json(packed)
    say = f"this is no JSON: {show(packed)}" if data is None else show(data)
    game.judge("json", isinstance(data, dict) and set(data) == {"name", "text"}, say)
    game.judge("unicode", data == {"name": name, "text": words}, say)


@exercise.question(
    "join",
    rubric=[
        Item("will", 1, "CONNECT carries the will: its presence, online false, QoS 1, retained"),
        Item("presence", 1, "it publishes its presence, online true, QoS 1, retained"),
        Item("address", 1, "presence stands on chat/{room}/presence/{client identifier}, with its own identifier"),
        Item("unique", 1, "two people of the same name get two client identifiers, and both stay"),
    ],
    uses=["join"],
    hints=[
        "First choose the client identifier: it is part of the topic of the will, which is part of CONNECT.",
        "Names are not unique, people are: f'{name}-{secrets.token_hex(4)}', or uuid. `mqttkit.chat.new_client_id` does it, too.",
        "client.will_set(topic, json.dumps({'name': name, 'online': False}), qos=1, retain=True), and the same with True in on_connect.",
    ],
    lesson="06-retain-and-will",
)
def join(game: Game) -> None:
    """Two people of one name join; read their CONNECT packets and what they publish."""
    room, name = game.rng.choice(ROOMS), game.rng.choice(PEOPLE)
    started(game, "join", room, name)
    started(game, "join", room, name, connections=2)
    connects = game.trace.packets(type="CONNECT")
    ids = [str(p.packet.client_id) for p in connects]
    wills = [will_of(p) for p in connects]
    right = [
        will is not None and as_json(will[1]) == {"name": name, "online": False} and will[2:] == (1, True)
        for will in wills
    ]
    game.judge("will", all(right), will_words(wills[0]), connects[:2])
    born = [
        p
        for p in game.seen(2, type="PUBLISH", receiver="broker", topic=f"chat/{room}/presence/+")
        if as_json(text(p)) == {"name": name, "online": True}
    ]
    game.judge("presence", len(born) >= 2 and all(p.qos == 1 and p.retain for p in born), told(born), born)  # noqa: PLR2004 - two people
    topics = {f"chat/{room}/presence/{client_id}" for client_id in ids}
    fits = {will[0] for will in wills if will} == topics == {p.topic for p in born}
    game.judge("address", fits, f"{names(connects)}; {told(born)}", [*connects[:2], *born[:2]])
    alive = {client.client_id for client in game.broker.clients()}
    saw = f"two people joined, {names(connects)}"  # the number of CONNECT says how often they came back
    game.judge("unique", len(set(ids)) == len(ids) == 2 and set(ids) <= alive, saw, connects)  # noqa: PLR2004


@exercise.question(
    "say",
    rubric=[
        Item("sent", 1, "each line goes to chat/{room}/message/{client identifier}"),
        Item("flags", 1, "QoS 1, and not retained: a line is an event, not a state"),
        Item("arrives", 1, "the others read name and text"),
    ],
    uses=["join", "say"],
    hints=[
        "Everybody writes under their own client identifier.",
        "What join returns is handed to say: it needs the client, the room, the identifier and the name.",
        "client.publish(f'chat/{room}/message/{client_id}', line(name, text), qos=1)",
    ],
    lesson="05-qos",
)
def say(game: Game) -> None:
    """Let the student speak while somebody else listens."""
    room, name = game.rng.choice(ROOMS), game.rng.choice(PEOPLE)
    other = game.peer("other", f"chat/{room}/message/+")
    chatter = _join(game, room, name)
    words = [f"line {number}: {game.rng.choice(['ça va?', '¿qué tal?', 'こんにちは', '🙂'])}" for number in range(3)]
    for spoken in words:
        game.call("say", chatter, spoken)
    me = str(game.trace.packets(type="CONNECT")[0].packet.client_id)
    sent = game.seen(3, type="PUBLISH", receiver="broker", topic=f"chat/{room}/message/+")
    saw = told(sent) if sent else elsewhere(game, f"chat/{room}/message/+", "presence")
    game.judge("sent", len(sent) >= 3 and {p.topic for p in sent} == {f"chat/{room}/message/{me}"}, saw, sent)  # noqa: PLR2004
    game.judge("flags", sent and all(p.qos == 1 and not p.retain for p in sent), told(sent), sent)
    game.until(lambda: len(other.messages) >= len(sent))  # what was sent to another topic does not arrive here
    heard = [as_json(m.payload) for m in other.messages]
    game.judge(
        "arrives", [_pair(item) for item in heard] == [(name, spoken) for spoken in words], show(heard, 160), sent
    )


def _pair(item: Any) -> tuple[Any, Any]:
    return (item.get("name"), item.get("text")) if isinstance(item, dict) else (None, None)


@exercise.question(
    "read",
    rubric=[
        Item("lines", 1, "lines returns what the others wrote, as (name, text), in order"),
        Item("own", 1, "no echo: what you wrote yourself is not among them, even when another has your name"),
        Item("odd", 2, "strange payloads are skipped, and it goes on listening"),
    ],
    uses=["join", "say", "lines"],
    hints=[
        "The broker sends you your own messages, too: the topic tells who wrote one.",
        "Compare the last level of the topic with your client identifier, not the name.",
        "Not JSON, no dict, no text where one should be: catch ValueError, TypeError and KeyError, check isinstance, and return.",
    ],
    lesson="03-payloads",
)
def read(game: Game) -> None:
    """Others write between odd payloads; one of them has the student's name."""
    room, name, friend = game.rng.choice(ROOMS), *game.rng.sample(PEOPLE, 2)
    chatter = _join(game, room, name)
    others = game.peer("others")
    written = [(friend, "first"), (name, "I have your name"), (friend, "ünïcødé 🎈")]
    _write(others, room, "friend", *written[0])
    game.call("say", chatter, "my own line")
    # Both have come back, so what is written from now on comes after them.
    game.seen(2, type="PUBLISH", sender="broker", topic=f"chat/{room}/message/+", timeout=1)
    for odd in (
        b"\xff\xfe\x00",
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"name": "x"}',
        b'{"name": 3, "text": ["a"]}',
        b"{" * 50,
    ):
        others.publish(f"chat/{room}/message/stranger", odd, qos=1)
    _write(others, room, "namesake", *written[1])
    _write(others, room, "friend", *written[2])
    found = asked(
        game, "lines", [chatter], list, lambda value: len(value) >= len(written) and _tuple(value[-1]) == written[-1]
    )
    pairs = [_tuple(item) for item in found]
    own = (name, "my own line") in pairs
    game.judge("odd", written[-1] in pairs and set(pairs) <= {*written, (name, "my own line")}, show(found, 160))
    game.judge("lines", [p for p in pairs if p in written] == written, show(found, 160))
    game.judge("own", not own and written[1] in pairs, show(found, 160))


def _tuple(item: Any) -> Any:
    """A pair that can be compared and collected, whatever a student put into it."""
    parts = item if isinstance(item, (list, tuple)) else [item]
    return tuple(part if isinstance(part, str) else show(part) for part in parts)


def _write(client: Client, room: str, client_id: str, name: str, words: str) -> None:
    client.publish(chat.message_topic(room, client_id), chat.encode_line(name, words), qos=1)


@exercise.question(
    "online",
    rubric=[
        Item("late", 2, "a late joiner sees who is there already, and not who has left"),
        Item("follows", 1, "it follows who comes and goes"),
        Item("killed", 1, "who vanishes without goodbye is gone, too"),
    ],
    uses=["join", "online"],
    hints=[
        "Presence is retained: after SUBACK the broker sends you the last one of everybody.",
        "Keep a dict {client identifier: name}; online false or an empty payload removes the entry.",
        "online(chatter) returns sorted names of all others who are there; you yourself do not count.",
    ],
    lesson="06-retain-and-will",
)
def online(game: Game) -> None:
    """People come before and after, leave politely, and vanish."""
    room = game.rng.choice(ROOMS)
    me, early, left, later, fence = game.rng.sample(PEOPLE, 5)
    vanishing = game.peer("early", will=chat.presence_will(room, "early", early))
    others = game.peer("others")
    _present(vanishing, room, "early", early, online=True)
    _present(others, room, "left", left, online=False)
    chatter = _join(game, room, me)
    # Its own presence is at the broker: its echo comes before the fence.
    game.seen(type="PUBACK", sender="broker", timeout=1)
    _present(others, room, "fence", fence, online=True)
    there = _names_are(game, chatter, [early, fence])
    game.judge("late", *there)
    enough = 1.5 if there[0] else 0.5  # seconds: who was wrong with plenty of time will hardly be right with more of it
    _present(others, room, "fence", fence, online=False)
    _present(others, room, "later", later, online=True)
    both = _names_are(game, chatter, [early, later], enough)
    _present(others, room, "later", later, online=False)
    alone = _names_are(game, chatter, [early], enough)
    game.judge("follows", both[0] and alone[0], both[1] if not both[0] else alone[1])
    vanishing.kill()
    gone = _names_are(game, chatter, [], enough)
    game.judge("killed", alone[0] and gone[0], gone[1])


def _present(client: Client, room: str, client_id: str, name: str, *, online: bool) -> None:
    client.publish(chat.presence_topic(room, client_id), chat.encode_presence(name, online), qos=1, retain=True)


def _names_are(game: Game, chatter: Handle, wanted: list[str], timeout: float = 1.5) -> tuple[bool, str]:
    found = asked(game, "online", [chatter], list, lambda value: value == sorted(wanted), timeout=timeout)
    return found == sorted(wanted), f"online gave {show(found)}; expected: {show(sorted(wanted))}"


@exercise.question(
    "leave",
    rubric=[
        Item("absent", 1, "after leaving, everybody who asks learns that it is offline"),
        Item("polite", 1, "it leaves with DISCONNECT"),
        Item("vanish", 1, "when its link is cut, the room learns it from the will"),
    ],
    uses=["join", "leave"],
    hints=[
        "After DISCONNECT the broker throws the will away: say it yourself before.",
        "Publish your presence once more, online false, QoS 1, retained, and wait for the acknowledgement.",
        "wait_for_publish(timeout=5), then disconnect(), then loop_stop().",
    ],
    lesson="06-retain-and-will",
)
def leave(game: Game) -> None:
    """One leaves, one is cut off."""
    room, name = game.rng.choice(ROOMS), game.rng.choice(PEOPLE)
    watcher = game.peer("watcher", f"chat/{room}/presence/+")
    game.call("leave", _join(game, room, name))
    me = str(game.trace.packets(type="CONNECT")[0].packet.client_id)
    ends = game.seen(type="DISCONNECT", timeout=1)
    game.judge("polite", ends, f"{len(ends)} DISCONNECT", ends)
    game.until(lambda: _states(watcher, me)[-1:] == [False], timeout=1)
    sent = game.trace.packets(type="PUBLISH", receiver="broker", topic=f"chat/{room}/presence/+")
    game.judge(
        "absent",
        _states(watcher, me)[-1:] == [False] and sent and sent[-1].retain,
        f"the room heard online: {listed(_states(watcher, me))}; sent {told(sent)}",
        sent,
    )
    started(game, "join", room, name, connections=2)
    second = str(game.trace.packets(type="CONNECT")[-1].packet.client_id)
    game.until(lambda: _states(watcher, second)[-1:] == [True])
    game.network.cut(None)
    gone = game.until(lambda: False in _states(watcher, second))
    game.judge("vanish", gone, f"the room heard online: {listed(_states(watcher, second))}")


def _states(watcher: Client, client_id: str) -> list[Any]:
    found = [as_json(m.payload) for m in watcher.messages if m.topic.endswith(f"/{client_id}")]
    return [item.get("online") for item in found if isinstance(item, dict)]


def _join(game: Game, room: str, name: str) -> Handle:
    """Joined, and every handshake complete: TCP throws away what it has not sent when a client closes with unread packets."""
    chatter: Handle = kept("join", started(game, "join", room, name))
    game.until(lambda: _is_in(game, room) and not game.trace.unsettled(), timeout=0.5)
    return chatter


def _is_in(game: Game, room: str) -> bool:
    """True when two subscriptions were answered, and somebody has said to be there."""
    answered = sum(len(p.packet.return_codes) for p in game.trace.packets(type="SUBACK"))
    said = game.trace.packets(type="PUBLISH", receiver="broker", topic=f"chat/{room}/presence/+")
    return answered >= 2 and bool(said)  # noqa: PLR2004 - messages and presence
