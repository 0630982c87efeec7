"""Who subscribed to what: the matches of a topic, found quickly. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from mqttkit.topics import filter_levels, topic_levels

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

T = TypeVar("T")


class FilterIndex(Generic[T]):
    """Who subscribed to what, as a tree of levels: finding the matches takes as long as the topic has levels.

    Every entry is a topic filter with a key (such as a client id) and a value (such as the granted QoS).
    Not thread-safe: it belongs to one event loop.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._filters: dict[Hashable, dict[str, None]] = {}  # key -> its filters, in order
        self._found: dict[str, list[tuple[str, Hashable, T]]] = {}  # topic -> matches, until the next change

    def add(self, topic_filter: str, key: Hashable, value: T) -> None:
        """Stores `value` for `key` under `topic_filter`; one that is there already is replaced [MQTT-3.8.4-3].

        Raises:
            InvalidTopic: `topic_filter` breaks a rule of the standard.
        """
        node = self._root
        for level in filter_levels(topic_filter):
            node = node.children.setdefault(level, _Node())
        node.entries[topic_filter, key] = value
        self._filters.setdefault(key, {})[topic_filter] = None
        self._found.clear()

    def remove(self, topic_filter: str, key: Hashable) -> bool:
        """Removes one entry; returns False where there was none."""
        if topic_filter not in self._filters.get(key, ()):
            return False
        del self._filters[key][topic_filter]
        if not self._filters[key]:
            del self._filters[key]
        self._prune(topic_filter, key)
        self._found.clear()
        return True

    def remove_key(self, key: Hashable) -> int:
        """Removes all entries of `key` and returns how many there were."""
        filters = list(self._filters.get(key, ()))
        for topic_filter in filters:
            self.remove(topic_filter, key)
        return len(filters)

    def match(self, topic: str) -> list[tuple[str, Hashable, T]]:
        """Returns (filter, key, value) of every entry whose filter matches `topic`; the order is always the same.

        Raises:
            InvalidTopic: `topic` is no valid topic name.
        """
        found = self._found.get(topic)
        if found is None:
            if len(self._found) > 1000:  # noqa: PLR2004 - bounded, whatever clients publish to
                self._found.clear()
            found = self._found[topic] = list(self._search(topic))
        return found.copy()

    def filters(self, key: Hashable) -> list[str]:
        """The filters stored for `key`, in the order they were added."""
        return list(self._filters.get(key, ()))

    def __len__(self) -> int:
        return sum(map(len, self._filters.values()))

    def _search(self, topic: str) -> Iterator[tuple[str, Hashable, T]]:
        levels = topic_levels(topic)
        hidden = topic[0] == "$"
        waiting = [(self._root, 0)]
        while waiting:
            node, depth = waiting.pop()
            wild = not (hidden and depth == 0)
            if wild and "#" in node.children:
                yield from node.children["#"].found()
            if depth == len(levels):
                yield from node.found()
                continue
            if wild and "+" in node.children:
                waiting.append((node.children["+"], depth + 1))
            if levels[depth] in node.children:
                waiting.append((node.children[levels[depth]], depth + 1))

    def _prune(self, topic_filter: str, key: Hashable) -> None:
        path = [self._root]
        levels = filter_levels(topic_filter)
        for level in levels:
            path.append(path[-1].children[level])
        del path[-1].entries[topic_filter, key]
        for parent, level in zip(path[-2::-1], reversed(levels), strict=True):
            if parent.children[level].entries or parent.children[level].children:
                break
            del parent.children[level]


class _Node(Generic[T]):
    __slots__ = ("children", "entries")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.entries: dict[tuple[str, Hashable], T] = {}

    def found(self) -> Iterator[tuple[str, Hashable, T]]:
        for (topic_filter, key), value in self.entries.items():
            yield topic_filter, key, value
