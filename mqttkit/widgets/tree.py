"""TopicTree: all topics of a broker as a tree, with their last values, live."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqttkit.errors import BrokerError
from mqttkit.topics import check_topic_filter
from mqttkit.widgets.arguments import check_place, check_text
from mqttkit.widgets.asker import PATIENCE, Asker
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.feed import Feed, direct, is_closed, is_ours, where
from mqttkit.widgets.show import preview

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.message import Message

MAX_TOPICS = 20_000
HISTORY = 20
_TWIN_LINES = 200


@dataclass(slots=True)
class Topic:
    """What is known of one topic.

    `retained`: the broker keeps a message of this topic. A live delivery does not tell [MQTT-3.3.1-9]: a broker in this
    kernel is asked, of one elsewhere only what it delivered with RETAIN=1 is known.
    """

    value: str = ""
    count: int = 0
    qos: int = 0
    retained: bool = False
    history: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def brief(self) -> list[Any]:
        """What the tree shows of it."""
        return [self.value, self.count, self.qos, self.retained]


class TopicTree(KitWidget):
    """The topics of a broker as a tree: last value, number of messages, RETAIN, and a short history of each.

    It subscribes with a client of its own, straight at the broker: on the packet ladder of a lab it does not appear.

        TopicTree(lab)
        TopicTree("mqtt://test.example:1883", "home/#")

    Args:
        place: a Lab, a Broker or a URL.
        topic_filter: what to subscribe to; `#` leaves out topics that begin with `$` [MQTT-4.7.2-1].
        options: for the client: username, password, tls, protocol.
    """

    _esm = module("tree.js")
    _css = style("tree.css")
    title = "Topic tree"
    actions = ("select", "forget")
    _feed: Feed | None = None
    _broker: Any = None
    _unlisten: Callable[[], None] = staticmethod(lambda: None)  # until there is something to end

    def __init__(self, place: Any, topic_filter: str = "#", **options: Any) -> None:
        self.topic_filter = check_topic_filter(check_text("topic_filter", topic_filter))
        self.topics: dict[str, Topic] = {}
        self.messages = 0
        self.dropped = 0
        self.selected = ""
        self._fresh: set[str] = set()
        self._ask = False
        self._place = check_place(place)
        self._where = where(place)
        self._options = options
        self._asker: Asker[set[str] | None] = Asker(self._kept, None, self._ask_again, self.report)
        super().__init__()

    def begin(self) -> None:
        take = guarded(self, self.take)
        self._feed = Feed(direct(self._place), "topic-tree", [self.topic_filter], take, self.touch, **self._options)
        self._broker = self._feed.place if is_ours(self._feed.place) else None
        if self._broker is not None:
            self._unlisten = self._broker.on_event(self._on_event)

    def _on_event(self, event: Any) -> None:
        self._ask = self._ask or bool(event.retain)

    def _ask_again(self) -> None:
        self._ask = True
        self.touch()

    def _kept(self) -> set[str] | None:
        """The topics of which the broker keeps a message; None where it does not tell."""
        try:
            return {message.topic for message in self._broker.retained()}
        except BrokerError:  # mosquitto, or a broker elsewhere: the RETAIN flags that arrive tell what is kept
            return None

    def _ask_broker(self, patience: float = PATIENCE) -> None:
        """Mark the topics of which the broker keeps a message."""
        if self._broker is None or not self._ask or not self._broker.running:
            return
        self._ask = False
        kept = self._asker.latest(patience)
        if kept is None:
            return
        for name, topic in self.topics.items():
            if topic.retained != (name in kept):
                topic.retained = name in kept
                self._fresh.add(name)

    def take(self, message: Message) -> None:
        """A message has arrived."""
        with self.lock:
            self.messages += 1
            topic = self._topic(message.topic)
            if topic is None:
                self.dropped += 1
                return
            topic.value = preview(message.payload)
            topic.count += 1
            topic.qos = message.qos
            topic.retained = topic.retained or message.retain
            topic.history.append((time.strftime("%H:%M:%S"), topic.value))
            self._fresh.add(message.topic)
        self.touch()

    def _topic(self, name: str) -> Topic | None:
        if name not in self.topics:
            if len(self.topics) >= MAX_TOPICS:
                return None
            self.topics[name] = Topic()
        return self.topics[name]

    def select(self, topic: str) -> None:
        """Show the history of `topic`; "" shows none."""
        with self.lock:
            self.selected = topic if topic in self.topics else ""

    def forget(self) -> None:
        """Empty the tree; what is published from now on builds it anew."""
        with self.lock:
            self.topics.clear()
            self._fresh.clear()
            self.messages = self.dropped = 0
            self.selected = ""
        self.send_snapshot()

    def __getitem__(self, topic: str) -> str:
        """The last value of `topic`, as shown."""
        return self.topics[topic].value

    def _head(self) -> dict[str, Any]:
        chosen = self.topics.get(self.selected)
        return {
            "where": self._where,
            "filter": self.topic_filter,
            "connected": self._feed is not None and self._feed.connected,
            "messages": self.messages,
            "dropped": self.dropped,
            "selected": self.selected,
            "history": list(chosen.history) if chosen else [],
        }

    def state(self) -> News:
        return News({**self._head(), "topics": {name: topic.brief() for name, topic in self.topics.items()}})

    def changes(self) -> News | None:
        self._ask_broker()
        fresh, self._fresh = self._fresh, set()
        return News(
            {**self._head(), "topics": {name: self.topics[name].brief() for name in fresh if name in self.topics}}
        )

    def is_over(self) -> bool:
        return is_closed(self._place) and self._feed is not None and not self._feed.connected

    def settle(self) -> None:
        if self._feed is not None:
            self._feed.settle()

    def text(self) -> str:
        with self.lock:
            self._ask_broker()
            lines = [self._line(name, depth, level) for name, depth, level in self._rows()]
        more = [f"… {len(lines) - _TWIN_LINES} more"] if len(lines) > _TWIN_LINES else []
        return "\n".join([*lines[:_TWIN_LINES], *more]) or "(no message yet)"

    def _rows(self) -> list[tuple[str, int, str]]:
        """Every level of every topic once, in order: (topic name up to here, depth, name of the level)."""
        rows, seen = [], set()
        for name in sorted(self.topics, key=lambda name: name.split("/")):
            levels = name.split("/")
            for depth in range(len(levels)):
                upto = "/".join(levels[: depth + 1])
                if (upto, depth) not in seen:
                    seen.add((upto, depth))
                    rows.append((upto, depth, levels[depth]))
        return rows

    def _line(self, name: str, depth: int, level: str) -> str:
        topic = self.topics.get(name)
        label = "  " * depth + (level or "(empty)")
        if topic is None:
            return label
        kept = "  retained" if topic.retained else ""
        return f"{label} = {topic.value}  ({topic.count} message{'s' if topic.count != 1 else ''}){kept}"

    def release(self) -> None:
        self._unlisten()
        if self._feed is not None:
            self._feed.close()
