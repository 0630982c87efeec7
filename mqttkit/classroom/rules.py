"""What a member of a class may do. Pure: decoded packets in, decisions out.

Everybody joins with the class password. The MQTT user name is each person's own secret: whoever first used a client id
keeps it, and nobody else can take it over [MQTT-3.1.4-2] or write under it. The page and `ChatClient` make one up; with
mosquitto_pub any `-u` will do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mqttkit import chat

if TYPE_CHECKING:
    from mqttkit.packets import Packet

ACCEPTED, BAD_CLIENT_ID, UNAVAILABLE, NOT_ALLOWED = 0, 2, 3, 5
"""CONNACK return codes [MQTT-3.2.2-4]."""
MAX_MEMBERS = 2000
MAX_RETAINED = 20
"""How many of a member's own topics may hold a retained message: each costs the broker memory until the class ends."""
MAX_FILTERS = 50
MAX_FILTER_LENGTH = 200
NAME_KEPT_SECONDS = 600.0
"""How long the name of a sleeping phone, whose session is kept, is not given to somebody else."""
_MAX_ADDRESSES = 4096
INSTRUCTOR = "instructor"
"""User name of whoever runs the class."""
OWN = "people"
"""First level of the topics a member may use freely: people/{client_id}/…"""
CONTROL = "class"
"""First level of the topics between the instructor's page and the server."""


@dataclass
class Bucket:
    """A rate limit: `burst` at once, then `rate` per second."""

    burst: float
    rate: float
    clock: Callable[[], float] = time.monotonic
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = self.burst, self.clock()

    def has_one(self) -> bool:
        """Whether one is left."""
        now = self.clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left >= 1

    def take(self) -> bool:
        """Use one; False when none is left."""
        if not self.has_one():
            return False
        self._left -= 1
        return True


@dataclass(eq=False)
class Member:
    """One person, over all their connections.

    Attributes:
        links: how many connections are open.
        session_kept: whether the broker keeps what they miss.
        left_at: when the last connection ended, while the session is kept; None otherwise.
        retained, filters: topics of their own that hold a message, or will by their will, and what they subscribed to.
        will_topic: the topic of their own that their will would leave a message on; "" when there is none.
        lines, packets, others, answers, connects: limits for chat lines, messages, requests, acknowledgements, CONNECTs;
            notices limits how many they are sent.
    """

    client_id: str
    key: bytes
    instructor: bool = False
    name: str = ""
    muted: bool = False
    removed: bool = False
    links: int = 0
    session_kept: bool = False
    left_at: float | None = None
    retained: set[str] = field(default_factory=set)
    filters: set[str] = field(default_factory=set)
    will_topic: str = ""
    lines: Bucket = field(default_factory=lambda: Bucket(8, 1.5))
    packets: Bucket = field(default_factory=lambda: Bucket(60, 20))
    others: Bucket = field(default_factory=lambda: Bucket(100, 10))
    answers: Bucket = field(default_factory=lambda: Bucket(5000, 500))
    connects: Bucket = field(default_factory=lambda: Bucket(20, 0.5))
    notices: Bucket = field(default_factory=lambda: Bucket(3, 0.3))

    def came(self) -> None:
        """Another connection is open; who was away for too long has to ask for their name again."""
        if not self.has_name():
            self.name = ""
        self.links += 1
        self.left_at = None

    def has_name(self) -> bool:
        """Whether they hold a name that nobody else may take now."""
        asleep = self.left_at is not None and time.monotonic() - self.left_at < NAME_KEPT_SECONDS
        return bool(self.name) and (self.links > 0 or asleep)


class Rules:
    """The rules of one class.

    Args:
        room: name of the room.
        password: what everybody must know; "" lets everybody in (only sensible on loopback).
        instructor_key: password of the user name `instructor`.
    """

    def __init__(self, room: str, password: str, instructor_key: str) -> None:
        self.room = chat.check_room(room)
        self.state = chat.RoomState(room)
        self.members: dict[str, Member] = {}
        self._password = password
        self._instructor_key = instructor_key
        self._wrong: dict[str, Bucket] = {}

    def login(self, packet: Packet, address: str = "") -> tuple[int, Member | None]:
        """Decide on a CONNECT from `address`: CONNACK return code and, where it is 0, the member."""
        client_id = packet.client_id or ""
        try:
            chat.check_client_id(client_id)
        except chat.ChatError:
            return BAD_CLIENT_ID, None
        if not self.may_try(address) and not self._is_known(packet):
            return UNAVAILABLE, None
        instructor = self.is_instructor(packet.username, packet.password)
        if not instructor and (packet.username == INSTRUCTOR or not self._knows_password(packet)):
            self.note_wrong(address)
            return NOT_ALLOWED, None
        return self._admit(packet, client_id, instructor)

    def _admit(self, packet: Packet, client_id: str, instructor: bool) -> tuple[int, Member | None]:
        """Decide on somebody who knows the password."""
        key = _digest(packet.username or "")
        known = self.members.get(client_id)
        if known is None and len(self.members) >= MAX_MEMBERS and not self._forget_one():
            return UNAVAILABLE, None
        member = known or Member(client_id, key, instructor)
        if not hmac.compare_digest(member.key, key) or member.instructor != instructor or member.removed:
            return NOT_ALLOWED, None
        if (self.state.ended and not instructor) or (packet.will is not None and self.refusal_of_will(member, packet)):
            return NOT_ALLOWED, None
        if not member.connects.take():
            return UNAVAILABLE, None
        self.members[client_id] = member
        _note_will(member, packet)
        return ACCEPTED, member

    def is_instructor(self, username: str | None, password: bytes | None) -> bool:
        """Whether these are the words of whoever runs the class."""
        return username == INSTRUCTOR and _same(password, self._instructor_key)

    def note_wrong(self, address: str) -> None:
        """A wrong password came from `address`."""
        if len(self._wrong) > _MAX_ADDRESSES:
            self._wrong.clear()
        self._wrong.setdefault(address, Bucket(30, 0.5)).take()

    def may_try(self, address: str) -> bool:
        """Whether an address may try a password. A delay of wrong answers alone slows nobody who tries many at a time."""
        return address not in self._wrong or self._wrong[address].has_one()

    def _is_known(self, packet: Packet) -> bool:
        """Whether they came in before: they may come back whatever their neighbours try, but not as often as they like."""
        known = self.members.get(packet.client_id or "")
        return (
            known is not None
            and hmac.compare_digest(known.key, _digest(packet.username or ""))
            and known.connects.take()
        )

    def _forget_one(self) -> bool:
        """Make room for a newcomer: forget who came first of those that are not here, and were not removed or muted.

        Those for whom the broker keeps a session go last: who takes their client id then would get what waits for them.
        """
        gone = (one for one in self.members.values() if not (one.links or one.removed or one.muted))
        first = min(gone, key=lambda one: one.session_kept, default=None)
        return first is not None and self.members.pop(first.client_id) is first

    def refusal_of_will(self, member: Member, packet: Packet) -> str | None:
        """Why the will of this CONNECT is not accepted; None when it is."""
        assert packet.will is not None
        will = packet.will
        payload = will.payload.encode() if isinstance(will.payload, str) else will.payload
        if will.topic == chat.message_topic(self.room, member.client_id):
            return "A will is no way to write: it would get past mute and read-only."
        return self._refusal(member, will.topic, payload, retain=will.retain)

    def refusal(self, member: Member, packet: Packet) -> str | None:
        """Why this PUBLISH is not passed on, as a sentence for its sender; None when it is."""
        topic, payload = packet.topic or "", packet.payload or b""
        if member.instructor:
            return (
                None if self._of_class(topic) else f"The class uses topics under chat/{self.room}/, not {topic[:60]!r}."
            )
        if not member.packets.take():
            return "Too many messages: this one was not delivered. Slow down."
        return self._refusal(member, topic, payload, retain=bool(packet.retain)) or self._refusal_now(member, topic)

    def may_subscribe(self, member: Member, *filters: str) -> bool:
        """Whether a member may subscribe to all of these: the room, other people's topics, notices to themselves."""
        few = member.instructor or len(member.filters.union(filters)) <= MAX_FILTERS
        return few and all(self._may_subscribe(member, one) for one in filters)

    def _may_subscribe(self, member: Member, topic_filter: str) -> bool:
        levels = topic_filter.split("/")
        if member.instructor:
            return levels[0] in ("chat", OWN, CONTROL)
        if len(topic_filter) > MAX_FILTER_LENGTH:
            return False
        if levels[:2] == ["chat", self.room]:
            return levels[2:3] in (["message"], ["presence"], ["room"]) or levels[2:] == ["notice", member.client_id]
        return levels[0] == OWN and len(levels) > 1

    def note(self, member: Member, packet: Packet) -> None:
        """Remember what an accepted message changes: the name under which they are present, what is retained."""
        topic, payload = packet.topic or "", packet.payload or b""
        self.note_presence(member, topic, payload)
        if packet.retain and topic.startswith(f"{OWN}/"):
            (member.retained.add if payload or topic == member.will_topic else member.retained.discard)(topic)

    def note_presence(self, member: Member, topic: str, payload: bytes) -> None:
        """Remember the name under which a member is present."""
        if topic == chat.presence_topic(self.room, member.client_id) and payload:
            item = chat.decode(topic, payload)
            if isinstance(item, chat.Presence):
                member.name = item.name if item.online else ""

    def _refusal(self, member: Member, topic: str, payload: bytes, *, retain: bool) -> str | None:
        if topic.startswith(f"{OWN}/{member.client_id}/"):
            return _refusal_of_own(member, topic, payload, retain=retain)
        if topic not in (
            chat.message_topic(self.room, member.client_id),
            chat.presence_topic(self.room, member.client_id),
        ):
            return f"You are {member.client_id}: you may publish to chat/{self.room}/message/{member.client_id} and {OWN}/{member.client_id}/…, not to {topic[:80]}."
        try:
            item = chat.decode(topic, payload)
        except chat.ChatError as error:
            return f"Not delivered: {error}. A line looks like {json.dumps({'name': 'Ada', 'text': 'Hello'})}"
        if isinstance(item, chat.ChatLine) and retain:
            return "Not delivered: a chat line must not be retained, or it would greet everybody who comes later."
        return self._name_refusal(member, item)

    def _name_refusal(
        self, member: Member, item: chat.ChatLine | chat.Presence | chat.RoomState | chat.Notice
    ) -> str | None:
        if isinstance(item, chat.ChatLine) or (isinstance(item, chat.Presence) and item.online):
            if item.name == member.name:
                return None  # it was free when they came in
            others = (other for other in self.members.values() if other is not member and other.has_name())
            taken = [INSTRUCTOR, *(other.name for other in others)]
            better = chat.unique_name(item.name, taken)
            if better != item.name:
                return f"Somebody else here is called {item.name}. Call yourself {better}."
        return None

    def _refusal_now(self, member: Member, topic: str) -> str | None:
        if "/message/" not in topic or not topic.startswith("chat/"):
            return None
        if self.state.ended:
            return "The class has ended."
        if member.muted:
            return "The instructor muted you: others do not see this line."
        if self.state.read_only:
            return "Only the instructor may write now."
        if not member.lines.take():
            return "You write too fast: this line was not delivered. Try again in a few seconds."
        return None

    def _of_class(self, topic: str) -> bool:
        return topic.startswith((f"chat/{self.room}/", f"{OWN}/", f"{CONTROL}/"))

    def _knows_password(self, packet: Packet) -> bool:
        return not self._password or _same(packet.password, self._password)


def _note_will(member: Member, packet: Packet) -> None:
    """A will can leave a retained message, too: it is counted before it is sent, since nobody sees it pass."""
    will = packet.will
    own = will is not None and will.retain and will.payload and will.topic.startswith(f"{OWN}/")
    member.will_topic = will.topic if will is not None and own else ""
    if member.will_topic:
        member.retained.add(member.will_topic)


def _refusal_of_own(member: Member, topic: str, payload: bytes, *, retain: bool) -> str | None:
    """Why a member may not publish this to a topic of their own."""
    if len(payload) > chat.MAX_PAYLOAD:
        return f"At most {chat.MAX_PAYLOAD} bytes per message."
    if len(topic) > MAX_FILTER_LENGTH:
        return f"At most {MAX_FILTER_LENGTH} characters per topic."
    if retain and payload and len(member.retained | {topic}) > MAX_RETAINED:
        return f"At most {MAX_RETAINED} of your topics may hold a retained message. Clear one with an empty payload."
    return None


def _same(given: bytes | None, wanted: str) -> bool:
    """Compared in constant time."""
    return given is not None and hmac.compare_digest(given, wanted.encode())


def _digest(key: str) -> bytes:
    """Only a digest of a person's secret is kept."""
    return hashlib.sha256(key.encode()).digest()
