"""What a broker tells about itself: plain, frozen values that can be compared and shown as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn, TypeVar

from mqttkit._tables import table_html, table_text
from mqttkit.errors import BrokerError

T = TypeVar("T")
_LONGEST = 40  # characters of a payload in a table


class NotTold(tuple[Any, ...]):
    """In place of what a broker does not tell: shown as "not told"; to look into it raises BrokerError with a sentence."""

    __slots__ = ()
    sentence = "mosquitto does not tell which messages wait in its sessions. Use Broker() to look inside."

    def _refuse(self, *_: object) -> NoReturn:
        raise BrokerError(self.sentence)

    __len__ = __iter__ = __bool__ = __contains__ = __getitem__ = _refuse

    def __repr__(self) -> str:
        return "not told"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotTold)

    def __hash__(self) -> int:
        return hash(self.sentence)


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """A connected client.

    Attributes:
        client_id: its name; unique on a broker.
        username: the user it logged in as, or None.
        clean_session: True when the broker forgets it at the end of the connection.
        keep_alive: in seconds; 0 means that silence is never taken for death.
        protocol: 4 for MQTT 3.1.1, 3 for MQTT 3.1, 5 for MQTT 5.
        listener: mqtt, mqtts, ws or wss.
        will_topic: where its will would be published, or None.
    """

    client_id: str
    username: str | None
    clean_session: bool
    keep_alive: int
    protocol: int = 4
    listener: str = "mqtt"
    will_topic: str | None = None


def describe(client: Any, *, present: bool) -> str:
    """The text of a connect event, of a ConnectedClient or its CONNECT; `present` is the session present flag of CONNACK."""
    words = ["clean session" if client.clean_session else "persistent session"]
    words += ["session present"] if present else []
    words += [f"keep alive {client.keep_alive} s"]
    words += [f"user {client.username}"] if client.username else []
    words += [f"will on {client.will_topic}"] if client.will_topic else []
    return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants what, at which granted QoS."""

    client_id: str
    topic_filter: str
    qos: int


@dataclass(frozen=True, slots=True)
class RetainedMessage:
    """The message a broker keeps for later subscribers of a topic."""

    topic: str
    payload: bytes
    qos: int


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that a client has not acknowledged yet."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int


@dataclass(frozen=True, slots=True)
class SessionState:
    """What the broker remembers of a client.

    mosquitto does not tell the last three: they are `NotTold` there.

    Attributes:
        client_id: whose session.
        connected: True while the client is there.
        clean_session: True when it ends with the connection.
        subscriptions: how many.
        in_flight: messages sent and not acknowledged.
        queued: messages that wait to be sent.
        unreleased: packet identifiers of QoS 2 messages of the client whose PUBREL has not come.
    """

    client_id: str
    connected: bool
    clean_session: bool
    subscriptions: int
    in_flight: tuple[Queued, ...] = ()
    queued: tuple[Queued, ...] = ()
    unreleased: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """One thing that happened in a broker.

    Attributes:
        number: 1, 2, 3 … in the order they happened.
        time: seconds since the broker was made.
        kind: connect, refuse, disconnect, subscribe, unsubscribe, publish, will, queued, dropped, start, stop or error.
        client_id: whom it is about; "" for nobody.
        text: details, or why.
        topic: of the message, for publish, will, queued and dropped.
        payload: of the message; None where the broker does not tell (mosquitto).
        qos: of the message.
        retain: of the message.
    """

    number: int
    time: float = field(repr=False, compare=False)
    kind: str
    client_id: str
    text: str = ""
    topic: str | None = None
    payload: bytes | None = None
    qos: int | None = None
    retain: bool | None = None

    def __str__(self) -> str:
        message = f"{self.topic} {_cell(self.payload)}".rstrip() if self.topic is not None else ""
        return " ".join(part for part in (self.kind, self.client_id, message, self.text) if part)


class Table(list[T]):
    """A list of the values above that displays as a table."""

    def __init__(self, kind: type[T], rows: Iterable[T] = ()) -> None:
        super().__init__(rows)
        self._names = [column.name for column in fields(kind) if column.repr]  # type: ignore[arg-type]
        self._columns = [name.replace("_", " ") for name in self._names]

    def _cells(self) -> list[list[str]]:
        return [[_cell(getattr(row, name)) for name in self._names] for row in self]

    def __str__(self) -> str:
        return table_text(self._columns, self._cells())

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return table_html(self._columns, self._cells())


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        text = value.decode("utf-8", "backslashreplace")
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        return f'"{shown}"'
    if isinstance(value, NotTold):
        return "not told"
    if isinstance(value, tuple):
        return str(len(value))
    return "" if value is None else str(value)
