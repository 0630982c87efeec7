"""What a broker knows, as tables of text. Pure but for the questions to the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mqttkit.broker import NotTold
from mqttkit.errors import BrokerError
from mqttkit.widgets.show import preview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROTOCOLS = {3: "3.1", 4: "3.1.1", 5: "5"}


class Rows(NamedTuple):
    """A table: names of its columns, and its cells as texts."""

    columns: list[str]
    rows: list[list[str]]

    def shown(self, limit: int) -> dict[str, Any]:
        """The first `limit` rows, and how many there are."""
        return {"columns": self.columns, "rows": self.rows[:limit], "count": len(self.rows)}


def broker_tables(broker: Any) -> dict[str, Rows]:
    """Clients, subscriptions, retained messages and sessions of `broker`; empty while it is stopped.

    Raises:
        BrokerError: it runs and does not answer.
    """
    clients, subscriptions, sessions = (
        _told(broker, question) for question in (broker.clients, broker.subscriptions, broker.sessions)
    )
    return as_tables(clients, subscriptions, _kept(broker), sessions)


def as_tables(
    clients: list[Any], subscriptions: list[Any], retained: list[Any], sessions: list[Any]
) -> dict[str, Rows]:
    """What a broker has told, as tables by name."""
    return {
        "Clients": Rows(
            ["client id", "user", "MQTT", "session", "keep alive", "listener", "will topic"],
            [_client(one) for one in sorted(clients, key=lambda one: one.client_id)],
        ),
        "Subscriptions": Rows(
            ["client id", "topic filter", "QoS"],
            sorted([one.client_id, one.topic_filter, str(one.qos)] for one in subscriptions),
        ),
        "Retained": Rows(
            ["topic", "payload", "bytes", "QoS"],
            sorted([one.topic, preview(one.payload), str(len(one.payload)), str(one.qos)] for one in retained),
        ),
        "Sessions": Rows(
            ["client id", "connected", "session", "subscriptions", "in flight", "queued"],
            [_session(one) for one in sorted(sessions, key=lambda one: one.client_id)],
        ),
    }


def has_in_flight(tables: Mapping[str, Rows]) -> bool:
    """Whether a session waits for an acknowledgement, which is no event of the broker."""
    sessions = tables.get("Sessions")
    at = sessions.columns.index("in flight") if sessions else 0
    return sessions is not None and any(row[at] not in ("0", "not told") for row in sessions.rows)


def _told(broker: Any, question: Callable[[], list[Any]]) -> list[Any]:
    """The answer; nothing where the broker is stopped."""
    try:
        return question()
    except BrokerError:
        if broker.running:
            raise
        return []


def _kept(broker: Any) -> list[Any]:
    """The retained messages; nothing where the broker does not list them, as mosquitto."""
    try:
        return list(broker.retained())
    except BrokerError:
        return []


# The figures of `$SYS` that mosquitto and those who follow it publish, in words.
_FIGURES = {
    "version": "version",
    "uptime": "running for",
    "clients/connected": "clients connected",
    "clients/total": "clients and kept sessions",
    "clients/maximum": "most clients at once",
    "subscriptions/count": "subscriptions",
    "retained messages/count": "retained messages",
    "messages/received": "packets received",
    "messages/sent": "packets sent",
    "load/publish/received/1min": "messages received a minute",
    "load/publish/sent/1min": "messages sent a minute",
    "publish/messages/dropped": "messages dropped",
}


def sys_tables(values: Mapping[str, str]) -> dict[str, Rows]:
    """What a broker elsewhere publishes below `$SYS`: the figures people ask for first, then everything."""
    known = [
        [words, values[f"$SYS/broker/{name}"]] for name, words in _FIGURES.items() if f"$SYS/broker/{name}" in values
    ]
    everything = Rows(["topic", "value"], [list(pair) for pair in sorted(values.items())])
    return {"Figures": Rows(["figure", "value"], known), "All of $SYS": everything}


def _client(one: Any) -> list[str]:
    return [
        one.client_id,
        one.username or "",
        _PROTOCOLS.get(one.protocol, str(one.protocol)),
        "clean" if one.clean_session else "kept",
        f"{one.keep_alive} s" if one.keep_alive else "off",
        one.listener,
        one.will_topic or "",
    ]


def _session(one: Any) -> list[str]:
    return [
        one.client_id,
        "yes" if one.connected else "no",
        "clean" if one.clean_session else "kept",
        str(one.subscriptions),
        _queue(one.in_flight),
        _queue(one.queued),
    ]


def _queue(messages: Any) -> str:
    """How many messages wait, and the topics of the first few."""
    if isinstance(messages, NotTold):
        return "not told"
    if not messages:
        return "0"
    topics = ", ".join(message.topic for message in messages[:3])
    return f"{len(messages)}: {topics}{', …' if len(messages) > 3 else ''}"  # noqa: PLR2004 - a few
