"""What one member of a chat room sees: lines, people, the state of the room. Pure: messages in, state out."""

from __future__ import annotations

from collections import deque

from mqttkit.chat.protocol import ChatError, ChatLine, Notice, Presence, RoomState, decode, parse_topic

MAX_PEOPLE = 2000
"""How many people a room keeps in mind; more presences than that are refused."""


class RoomView:
    """The room as seen by one member, fed with every message that member receives.

    Args:
        room: name of the room; messages of other rooms are ignored.
        client_id: who looks, so that one's own lines can be told apart.
        keep: number of lines kept; the oldest go first.

    Attributes:
        lines: the last lines, oldest first.
        people: presence of each person by client id, in order of arrival.
        state: what whoever runs the room decided.
        notices: what whoever runs the room told this member.
        refused: how many messages could not be read; `last_refusal` says why the latest could not.
    """

    def __init__(self, room: str, client_id: str = "", *, keep: int = 500) -> None:
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ChatError(f"keep is the number of lines that are kept, 1 or more, not {keep!r}.")
        self.room = room
        self.client_id = client_id
        self.lines: deque[ChatLine] = deque(maxlen=keep)
        self.people: dict[str, Presence] = {}
        self.state = RoomState(room)
        self.notices: deque[Notice] = deque(maxlen=20)
        self.refused = 0
        self.last_refusal = ""
        self._seen: deque[tuple[str, str]] = deque(maxlen=keep)

    def feed(self, topic: str, payload: bytes) -> ChatLine | Presence | RoomState | Notice | None:
        """Take in one received message; what changed, or None where it changed nothing."""
        address = parse_topic(topic)
        if address is None or address.room != self.room:
            return None
        try:
            item = decode(topic, payload)
        except ChatError as error:
            self.refused += 1
            self.last_refusal = f"{topic}: {error}"
            return None
        return self._take(item)

    def online(self) -> list[Presence]:
        """The people in the room now, in order of arrival."""
        return [person for person in self.people.values() if person.online]

    def names(self) -> list[str]:
        """Names of the others who are online: what one's own name must differ from."""
        return [person.name for person in self.online() if person.client_id != self.client_id]

    def is_own(self, item: ChatLine | Presence) -> bool:
        """Whether this member wrote it: by client id, since two people may have one name."""
        return item.client_id == self.client_id

    def __repr__(self) -> str:
        return f"RoomView({self.room!r}, {len(self.online())} online, {len(self.lines)} lines)"

    def _take(self, item: ChatLine | Presence | RoomState | Notice) -> ChatLine | Presence | RoomState | Notice | None:
        if isinstance(item, ChatLine):
            return self._take_line(item)
        if isinstance(item, Presence):
            return self._take_presence(item)
        if isinstance(item, RoomState):
            if item.cleared != self.state.cleared:
                self.lines.clear()
            self.state = item
        else:
            self.notices.append(item)
        return item

    def _take_line(self, line: ChatLine) -> ChatLine | None:
        mark = (line.client_id, line.id)
        if line.id and mark in self._seen:
            return None  # QoS 1 delivered a second copy
        self._seen.append(mark)
        self.lines.append(line)
        return line

    def _take_presence(self, presence: Presence) -> Presence | None:
        known = self.people.get(presence.client_id)
        if presence.gone:
            return presence if self.people.pop(presence.client_id, None) else None
        if known is None and len(self.people) >= MAX_PEOPLE:
            self.refused += 1
            self.last_refusal = f"more than {MAX_PEOPLE} people in {self.room!r}"
            return None
        if known == presence:
            return None
        self.people[presence.client_id] = presence
        return presence
