"""The room protocol: how people who chat over MQTT find and understand each other.

One definition for the widget, the join page, the exercise, its grader and the lesson. Everything here is pure: bytes in,
values out, no socket. Any MQTT client can take part; with mosquitto_pub it is one line:

    mosquitto_pub -q 1 -i ada -t chat/physics/message/ada -m '{"name": "Ada", "text": "Hello"}'

| topic                              | QoS | retained | payload (JSON, UTF-8)                                  |
|------------------------------------|-----|----------|--------------------------------------------------------|
| `chat/{room}/message/{client_id}`  | 1   | no       | `{"name": "Ada", "text": "Hello"}`, may carry `"id"`   |
| `chat/{room}/presence/{client_id}` | 1   | yes      | `{"name": "Ada", "online": true}`; `false` as the will |
| `chat/{room}/room`                 | 1   | yes      | `{"read_only": false, "ended": false, "cleared": 0}`   |
| `chat/{room}/notice/{client_id}`   | 1   | no       | `{"text": "You write too fast."}`                      |

Each person writes under their own client identifier, so that a broker's access rules can hold them to it. A presence that
is `false` says "was here"; an empty payload (which clears the retained message [MQTT-3.3.1-10]) removes the person. Only
whoever runs the room writes `chat/{room}/room`, and `notice` to tell one person something. QoS 1 may deliver twice: `id`,
chosen by the sender, tells a copy from a line that somebody really typed twice.

What arrives was written by strangers. `decode` refuses what is too long, not JSON, or not of this shape, and cleans names
and texts of control characters; it never interprets a text as anything but text.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mqttkit.errors import InvalidArgument
from mqttkit.message import Will

MAX_PAYLOAD = 8192
"""Longest payload in bytes that is looked at."""
MAX_TEXT = 2000
"""Longest text of one chat line, in characters."""
MAX_NAME = 40
"""Longest display name, in characters."""
QOS = 1
"""QoS of every message of the protocol: a line may not get lost, and a second copy can be recognised."""

_ROOM = re.compile(r"[\w-]{1,32}")
_CLIENT_ID = re.compile(r"[\w-]{1,64}")
# Written out of sight or backwards, these make one name look like another.
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # needed inside emoji and in several scripts
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks that show nothing
_MAX_MARKS = 4  # combining marks on one letter; no script needs more, and a tower of them covers the lines around it

Kind = Literal["message", "presence", "notice", "room"]


class ChatError(InvalidArgument):
    """A room name, a topic or a payload is not what the room protocol allows."""


class Address(NamedTuple):
    """What a topic of the protocol says: the room, the kind, and whose it is ("" for the room itself)."""

    room: str
    kind: Kind
    client_id: str


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One line somebody wrote. `id` is the sender's number of the line, "" where it gave none."""

    room: str
    client_id: str
    name: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a person is in the room. `gone` is True when the person was removed (empty payload)."""

    room: str
    client_id: str
    name: str
    online: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class RoomState:
    """What whoever runs the room decided. `cleared` counts how often the lines were wiped."""

    room: str
    read_only: bool = False
    ended: bool = False
    cleared: int = 0
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence from whoever runs the room to one person."""

    room: str
    client_id: str
    text: str


def check_room(room: str) -> str:
    """Return `room`; raise ChatError unless it is 1 to 32 letters, digits, `-` or `_` (so: one topic level)."""
    if not isinstance(room, str) or not _ROOM.fullmatch(room):
        raise ChatError(f"{str(room)[:40]!r} cannot be a room: use 1 to 32 letters, digits, - or _, such as 'physics'.")
    return room


def check_client_id(client_id: str) -> str:
    """Return `client_id`; raise ChatError unless it can stand as one topic level."""
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise ChatError(f"{str(client_id)[:80]!r} cannot be a client id here: use 1 to 64 letters, digits, - or _.")
    return client_id


def message_topic(room: str, client_id: str) -> str:
    """Topic name under which `client_id` writes to `room`."""
    return f"chat/{check_room(room)}/message/{check_client_id(client_id)}"


def presence_topic(room: str, client_id: str) -> str:
    """Topic name of the retained presence of `client_id` in `room`."""
    return f"chat/{check_room(room)}/presence/{check_client_id(client_id)}"


def room_topic(room: str) -> str:
    """Topic name of the retained state of `room`."""
    return f"chat/{check_room(room)}/room"


def notice_topic(room: str, client_id: str) -> str:
    """Topic name of what whoever runs `room` tells `client_id` alone."""
    return f"chat/{check_room(room)}/notice/{check_client_id(client_id)}"


def room_filters(room: str, client_id: str) -> tuple[str, str, str, str]:
    """The topic filters a member subscribes to: messages, presences, state of the room, notices to them."""
    check_room(room)
    return f"chat/{room}/message/+", f"chat/{room}/presence/+", room_topic(room), notice_topic(room, client_id)


def parse_topic(topic: str) -> Address | None:
    """Split a topic name of the protocol; None where it is none."""
    match topic.split("/"):
        case ["chat", room, "room"] if _ROOM.fullmatch(room):
            return Address(room, "room", "")
        case ["chat", room, ("message" | "presence" | "notice") as kind, who] if _ROOM.fullmatch(
            room
        ) and _CLIENT_ID.fullmatch(who):
            return Address(room, kind, who)
    return None


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """`text` as it may be shown: normalised, without control and bidirectional override characters, at most `limit` long.

    Line breaks stay. Lone surrogates, which UTF-8 cannot carry, are removed.
    """
    if text.isascii() and text.isprintable():  # has none of these; in a flood the time counts
        return text.strip()[:limit]
    kept = (c for c in text.replace("\t", " ") if c in "\n" + _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    return unicodedata.normalize("NFC", "".join(_few_marks(kept))).strip()[:limit]


def _few_marks(text: Iterable[str]) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MAX_MARKS:
            yield character


def clean_name(name: str) -> str:
    """A display name: one line, single spaces, 1 to 40 characters; "somebody" where nothing visible is left."""
    if not isinstance(name, str):
        raise ChatError(f"A name is a text, not {name!r:.40}.")
    letters = "".join(c for c in clean_text(name, 10 * MAX_NAME) if c not in _BLANKS)
    visible = " ".join(letters.split())[:MAX_NAME].strip()
    return visible if visible.strip(_JOINERS) else "somebody"


def unique_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or "name 2", "name 3" … when somebody in `taken` already goes by it (capitals do not count)."""
    wanted = clean_name(name)
    used = {_fold(other) for other in taken}
    number, candidate = 1, wanted
    while _fold(candidate) in used:
        number += 1
        candidate = f"{wanted[: MAX_NAME - 1 - len(str(number))].rstrip()} {number}"
    return candidate


def new_client_id(name: str = "") -> str:
    """A client identifier nobody else has: letters of the name, then eight random characters.

    At most 23 characters out of [0-9a-z], which every broker must accept [MQTT-3.1.3-5].
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^0-9a-z]", "", plain)[:15] + secrets.token_hex(4)


def encode_line(name: str, text: str, id: str = "") -> bytes:  # noqa: A002 - the name it has on the wire
    """Payload of one chat line. Raises ChatError where nothing visible is left of `text` or it is too long."""
    if not isinstance(text, str):
        raise ChatError(f"A line is a text, not {text!r:.40}. Try str(…).")
    if len(text) > MAX_TEXT:
        raise ChatError(f"The line has {len(text)} characters; at most {MAX_TEXT} are allowed. Send it in parts.")
    said = clean_text(text)
    if not said:
        raise ChatError("There is nothing to send: the line is empty.")
    return _json({"name": clean_name(name), "text": said} | ({"id": id} if id else {}))


def encode_presence(name: str, online: bool) -> bytes:
    """Payload of a presence message; publish it retained."""
    return _json({"name": clean_name(name), "online": online})


def encode_room(state: RoomState) -> bytes:
    """Payload of the state of a room; publish it retained."""
    return _json({key: getattr(state, key) for key in ("read_only", "ended", "cleared", "recorded")})


def encode_notice(text: str) -> bytes:
    """Payload of a notice to one person."""
    return _json({"text": clean_text(text)})


def presence_will(room: str, client_id: str, name: str) -> Will:
    """The will message that tells the room when `client_id` vanishes: its presence, false and retained."""
    return Will(presence_topic(room, client_id), encode_presence(name, online=False), qos=QOS, retain=True)


def decode(topic: str, payload: bytes) -> ChatLine | Presence | RoomState | Notice:
    """Read one received message of the protocol.

    Raises:
        ChatError: the topic is none of the protocol's, or the payload is too long or not of its shape.
    """
    address = parse_topic(topic)
    if address is None:
        raise ChatError(f"{topic[:80]!r} is no topic of a chat room.")
    if address.kind == "presence" and not payload:
        return Presence(address.room, address.client_id, "", online=False, gone=True)
    content = _object(payload)
    if address.kind == "room":
        return _room_state(address.room, content)
    if address.kind == "notice":
        return Notice(address.room, address.client_id, clean_text(_string(content, "text")))
    name = clean_name(_string(content, "name"))
    if address.kind == "presence":
        return Presence(address.room, address.client_id, name, online=_flag(content, "online"))
    text = clean_text(_string(content, "text"), MAX_PAYLOAD)
    if not text:
        raise ChatError("the text is empty")
    if len(text) > MAX_TEXT:
        raise ChatError(f"the text has {len(text)} characters, at most {MAX_TEXT} are allowed")
    return ChatLine(address.room, address.client_id, name, text, _id(content))


def _fold(name: str) -> str:
    """What two names have in common when they look alike."""
    return unicodedata.normalize("NFKC", clean_name(name)).casefold().replace(_JOINERS[0], "").replace(_JOINERS[1], "")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD:
        raise ChatError(f"the payload has {len(payload)} bytes, at most {MAX_PAYLOAD} are read")
    try:
        content = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise ChatError(f"the payload is not JSON in UTF-8 ({type(error).__name__})") from None
    if not isinstance(content, dict):
        raise ChatError("the payload is JSON, but no object with names and values")
    return content


def _string(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise ChatError(f"the payload has no text {key!r}")
    return value


def _flag(content: Mapping[str, Any], key: str) -> bool:
    value = content.get(key)
    if not isinstance(value, bool):
        raise ChatError(f"the payload has no true or false {key!r}")
    return value


def _id(content: Mapping[str, Any]) -> str:
    value = content.get("id", "")
    return clean_text(value, 40) if isinstance(value, str) else str(value)[:40] if isinstance(value, int) else ""


def _room_state(room: str, content: Mapping[str, Any]) -> RoomState:
    cleared = content.get("cleared", 0)
    if not isinstance(cleared, int) or isinstance(cleared, bool):
        raise ChatError("the payload has no number 'cleared'")
    recorded = content.get("recorded") is True
    return RoomState(room, _flag(content, "read_only"), _flag(content, "ended"), cleared, recorded)
