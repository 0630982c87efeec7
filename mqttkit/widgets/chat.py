"""ChatRoom: a room of the chat protocol (`mqttkit.chat`) as a window in the notebook."""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from mqttkit import chat
from mqttkit.chat import ChatError, ChatLine, Notice, Presence, RoomState
from mqttkit.chat.room import RoomView
from mqttkit.errors import MqttKitError
from mqttkit.widgets.arguments import check_options, check_place, check_text
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.feed import Feed, is_closed, where

if TYPE_CHECKING:
    from mqttkit.message import Message

KEPT = 200
"""Lines kept and shown."""
_DECIDED = {
    "read_only": "Only the host writes here at the moment.",
    "recorded": "This room is recorded.",
    "ended": "The host has ended this room.",
}


class ChatRoom(KitWidget):
    """A chat room: read, write, see who is there. Phones, other notebooks and mosquitto_pub meet in the same room.

        ChatRoom(lab, name="Ada")
        ChatRoom("mqtt://class:password@192.0.2.7", "physics", name="Ada")

    Args:
        place: a Lab (what is said is then on its packet ladder), a Broker or a URL.
        room: letters, digits, `-` and `_`.
        name: what the others see; a number is added where somebody has it already.
        options: for the client: username, password, tls.
    """

    _esm = module("chat.js")
    _css = style("chat.css")
    title = "Chat room"
    actions = ("say", "enter", "rename")
    _feed: Feed | None = None
    _joined = False
    every = 0.15  # the first line after a pause comes at once; in a flood nobody reads faster

    def __init__(self, place: Any, room: str = "lobby", name: str = "guest", **options: Any) -> None:
        check_options(options)
        self.place = check_place(place)
        self.name = chat.clean_name(check_text("name", name))
        self.room = chat.check_room(check_text("room", room))
        self._options = options
        self._lines: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._fresh: list[dict[str, Any]] = []
        self._counted = 0
        self._heard = self._sent = 0  # tokens of the last line that a page wanted to send, and of the last one sent
        self._whole = False  # lines were taken away: pages need to be told all that is left
        self._said = 0
        super().__init__()

    def begin(self) -> None:
        self._join()

    # Coming and going

    def _join(self) -> None:
        """Enter the room; a second time under another name where somebody has this one already."""
        self._connect()
        taken = self.view.names()
        free = chat.unique_name(self.name, taken)
        if free != self.name:
            self._leave()
            self.name = free
            self._connect()
        self._announce()
        self._system(f"You are in “{self.room}” as {self.name}.")
        self._joined = True

    def _connect(self) -> None:
        self._joined = False
        self.view = RoomView(self.room, keep=KEPT)
        short = re.sub(r"[^a-z0-9]", "", self.name.lower())[:10] or "guest"
        feed = Feed(
            self.place,
            f"{short}-chat",  # whoever has the same name may have a client of their own, which must not be thrown off
            lambda client_id: chat.room_filters(self.room, client_id),
            guarded(self, self.take),
            self._on_connection,
            qos=chat.QOS,
            will_of=lambda client_id: chat.presence_will(self.room, client_id, self.name),
            **self._options,
        )
        self._feed = feed
        self.view.client_id = feed.name
        feed.settle()

    def _announce(self) -> None:
        """Say that this person is here; retained, so that whoever comes later knows."""
        feed = self._feed
        if feed is not None:
            topic = chat.presence_topic(self.room, feed.name)
            feed.client.paho.publish(topic, chat.encode_presence(self.name, online=True), chat.QOS, retain=True)

    def _on_connection(self) -> None:
        """The connection came or went; after an interruption the will has said that we are gone, so say otherwise."""
        if self._joined and self._feed is not None:
            if self._feed.connected:
                self._announce()
            self._system(self._tell_connection(self._feed.connected))
        self.touch()

    def _tell_connection(self, connected: bool) -> str:
        if connected:
            return "Connected again."
        return "The lab was closed." if is_closed(self.place) else "The connection is lost; trying again …"

    def is_over(self) -> bool:
        return is_closed(self.place) and not (self._feed is not None and self._feed.connected)

    def _leave(self) -> None:
        """Say goodbye, if anybody was told that we are here, and disconnect."""
        feed, announced = self._feed, self._joined
        self._feed, self._joined = None, False
        if feed is None:
            return
        with contextlib.suppress(MqttKitError):  # whoever cannot say goodbye any more has a will
            if feed.connected and announced:
                topic = chat.presence_topic(self.room, feed.name)
                feed.client.publish(
                    topic, chat.encode_presence(self.name, online=False), chat.QOS, retain=True, timeout=2
                )
        feed.close()

    # What the page may ask for

    def say(self, text: str, token: int = 0) -> None:
        """Write a line; the page keeps the text until this has worked."""
        try:
            self._publish(text)
            self._sent = token
        finally:
            self._heard = token

    def _publish(self, text: str) -> None:
        feed = self._feed
        if feed is None or not feed.connected:
            raise ChatError("Not sent: there is no connection at the moment. The text is kept; try again in a moment.")
        if not self.can_write:
            raise ChatError("Not sent: at the moment only the host writes here.")
        self._said += 1
        line = chat.encode_line(self.name, text, f"{feed.name}-{time.time_ns():x}-{self._said}")
        feed.client.publish(chat.message_topic(self.room, feed.name), line, chat.QOS)

    def enter(self, room: str) -> None:
        """Go to another room."""
        self._move(chat.check_room(room), self.name)
        self.send_snapshot()

    def rename(self, name: str) -> None:
        """Be called otherwise from now on."""
        self._move(self.room, chat.clean_name(name))

    def _move(self, room: str, name: str) -> None:
        """Leave, and enter as somebody else or elsewhere; where that is refused, everything is as before."""
        if self._feed is not None and not self._feed.connected:
            raise ChatError("There is no connection at the moment. Try again in a moment.")
        with self.lock:
            before = self.room, self.name, list(self._lines)
        self._leave()
        self._settle_in(room, name, [] if room != self.room else before[2])
        try:
            self._join()
        except MqttKitError:
            self._settle_in(*before)
            with contextlib.suppress(MqttKitError):  # the first error says more
                self._join()
            raise

    def _settle_in(self, room: str, name: str, lines: list[dict[str, Any]]) -> None:
        with self.lock:
            self.room, self.name, self._whole = room, name, True
            self._lines = deque(lines, maxlen=KEPT)

    @property
    def can_write(self) -> bool:
        """False while the room is read-only or has ended."""
        return not (self.view.state.read_only or self.view.state.ended)

    # What comes in

    def take(self, message: Message) -> None:
        """A message of the room has arrived."""
        with self.lock:
            known = self.view.people.get(message.topic.rpartition("/")[2])
            before = self.view.state
            item = self.view.feed(message.topic, message.payload)
            if isinstance(item, ChatLine):
                self._add("own" if self.view.is_own(item) else "other", item.name, item.text)
            elif isinstance(item, Presence):
                self._tell_presence(item, known)
            elif isinstance(item, RoomState):
                self._tell_state(before, item)
            elif isinstance(item, Notice):
                self._add("system", "", item.text)
        self.touch()

    def _tell_presence(self, person: Presence, known: Presence | None) -> None:
        was = known is not None and known.online
        if self._joined and not self.view.is_own(person) and person.online != was:
            name = person.name or (known.name if known else "somebody")
            self._add("system", "", f"{name} {'joined' if person.online else 'left'}.")

    def _tell_state(self, before: RoomState, state: RoomState) -> None:
        if state.cleared != before.cleared:
            self._lines = deque((line for line in self._lines if line["kind"] == "system"), maxlen=KEPT)
            self._whole = True
        for name, words in _DECIDED.items():
            if getattr(state, name) and not getattr(before, name):
                self._add("system", "", words)

    def _system(self, text: str) -> None:
        with self.lock:
            self._add("system", "", text)
        self.touch()

    def _add(self, kind: str, name: str, text: str) -> None:
        self._counted += 1
        line = {"number": self._counted, "kind": kind, "name": name, "text": text, "time": time.strftime("%H:%M")}
        self._lines.append(line)
        self._fresh.append(line)
        del self._fresh[:-KEPT]

    # What there is to see

    def people(self) -> list[dict[str, Any]]:
        """Who is or was here: those online first, each by name."""
        everybody = sorted(
            self.view.people.values(), key=lambda one: (not one.online, one.name.casefold(), one.client_id)
        )
        return [
            {"id": one.client_id, "name": one.name, "online": one.online, "me": self.view.is_own(one)}
            for one in everybody
        ]

    def _head(self) -> dict[str, Any]:
        return {
            "where": where(self.place),
            "room": self.room,
            "name": self.name,
            "connected": self._feed is not None and self._feed.connected,
            "writable": self.can_write,
            "people": self.people()[:200],
            "online": len(self.view.online()),
            "refused": self.view.refused,
            "heard": self._heard,
            "sent": self._sent,
        }

    def state(self) -> News:
        return News({**self._head(), "lines": list(self._lines)})

    def changes(self) -> News | None:
        fresh, self._fresh = self._fresh, []
        whole, self._whole = self._whole, False
        return None if whole else News({**self._head(), "fresh": fresh})

    def settle(self) -> None:
        if self._feed is not None:
            self._feed.settle()

    def text(self) -> str:
        with self.lock:
            here = ", ".join(person["name"] for person in self.people() if person["online"])
            lines = [f"{one['name']}: {one['text']}" if one["name"] else f"* {one['text']}" for one in self._lines]
        return "\n".join([f"Room “{self.room}”. Online: {here or 'nobody'}", *lines])

    def release(self) -> None:
        self._leave()
