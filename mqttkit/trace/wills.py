"""Which PUBLISH from the broker is the will of whom. No I/O.

A will follows the end of its client's connection [MQTT-3.1.2-8]. The relay may see it before that end (the broker
publishes first and closes then), and a broker may hold it back (Will Delay Interval of MQTT 5, 3.1.3.2.2).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from mqttkit.trace.records import Captured, Link


class Wills:
    """Wills that were fired, that came early, and that are held back.

    Attributes:
        owner: number of a PUBLISH from the broker -> the client whose will it is.
    """

    def __init__(self, links: Mapping[int, Link]) -> None:
        self.owner: dict[int, str] = {}
        self._links = links
        self._ends: dict[int, str] = {}  # end of a connection -> the client whose will it fires
        self._early: dict[int, list[Captured]] = defaultdict(list)  # seen before the end of their link
        self._late: dict[Hashable, int] = {}  # held back by the broker -> end of its connection

    def forget(self, number: int) -> None:
        """Forgets what concerns entries up to `number`."""
        self.owner = {one: name for one, name in self.owner.items() if one > number}

    def mark(self, item: Captured, cause: int) -> None:
        """Remembers that `item` is a will, if the end of a connection caused it."""
        if item.type == "PUBLISH" and cause in self._ends:
            self.owner[item.number] = self._ends[cause]

    def link_of(self, message: Hashable, over: Collection[int]) -> int | None:
        """The connection, of those that are not over, whose will is (topic, payload)."""
        for link in list(self._links.values()):  # the relay may add one meanwhile
            if link.will is not None and link.number not in over and message == message_of(link):
                return link.number
        return None

    def came_early(self, item: Captured, link: int) -> None:
        """The will of `link` was seen before its end."""
        self._early[link].append(item)

    def early(self, link: int) -> list[Captured]:
        """The wills that were seen before the end of `link`; they are forgotten."""
        return self._early.pop(link, [])

    def fire(self, end: int, link: Link) -> tuple[str, bytes] | None:
        """The event `end` ends `link`: returns the (topic, payload) that must go out now, None where it is held back."""
        self._ends[end] = link.name
        message = message_of(link)
        if link.will_delay:
            self._late[message] = end
            return None
        return message

    def held_back(self, message: Hashable) -> int | None:
        """The end of the connection whose will, held back by the broker, is `message`."""
        return self._late.get(message)


def message_of(link: Link) -> tuple[str, bytes]:
    """(topic, payload) of the will of `link`, which must have one."""
    assert link.will is not None
    payload = link.will.payload
    return link.will.topic, payload.encode() if isinstance(payload, str) else payload
