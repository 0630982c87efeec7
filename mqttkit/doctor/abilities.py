"""What can that broker do? `mqttkit doctor --broker URL` asks it, with real clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from typing_extensions import Self

from mqttkit._tables import table_html
from mqttkit.client import Client
from mqttkit.client.address import find_address
from mqttkit.errors import ConnectError, MqttKitError, SubscribeRefused, Timeout
from mqttkit.message import Message, Will

_WAIT = 3.0
_LARGE = 1_000_000
_USUAL_WEBSOCKET_PORTS = (9001, 8083, 8000, 8080)


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing that a broker was asked to do.

    Attributes:
        name: what was asked.
        answer: "yes", "no", or what it did instead.
        why: what was seen where the answer is not yes.
    """

    name: str
    answer: str
    why: str = ""


class Guest:
    """Visits a broker: every client and topic has a name of its own, and everything is taken away again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._mark = uuid4().hex[:8]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def name(self, word: str) -> str:
        """A client id that nobody else has."""
        return f"doctor-{self._mark}-{word}"

    def topic(self, rest: str) -> str:
        """A topic name that nobody else uses."""
        return f"mqttkit-doctor/{self._mark}/{rest}"

    def client(self, word: str, **options: Any) -> Client:
        """A connected client, gone after the visit."""
        client = Client(options.pop("url", self.url), self.name(word), **options)
        self._stack.callback(client.close)
        return client.connect(timeout=_WAIT)

    def forget(self, topic: str) -> None:
        """Clear a retained message when the visit ends."""
        self._stack.callback(lambda: self.client("clears").publish(topic, b"", qos=1, retain=True, timeout=_WAIT))


def _quality_1(guest: Guest) -> str:
    return _delivered_at(guest, 1)


def _quality_2(guest: Guest) -> str:
    return _delivered_at(guest, 2)


def _delivered_at(guest: Guest, qos: int) -> str:
    listener, topic = guest.client("listens"), guest.topic("qos")
    granted = listener.subscribe(topic, qos=qos)
    if granted != qos:
        return f"granted as {granted}"
    guest.client("speaks").publish(topic, "x", qos=qos, timeout=_WAIT)
    (message,) = listener.wait_for(1, timeout=_WAIT)
    return _yes_if(message.qos == qos, f"delivered at QoS {message.qos}")


def _retained(guest: Guest) -> str:
    topic = guest.topic("retained")
    return _finds_retained(guest, topic, topic)


def _retained_by_wildcard(guest: Guest) -> str:
    return _finds_retained(guest, guest.topic("retained/here"), guest.topic("retained/+"))


def _finds_retained(guest: Guest, topic: str, topic_filter: str) -> str:
    guest.forget(topic)
    guest.client("speaks").publish(topic, "kept", qos=1, retain=True, timeout=_WAIT)
    late = guest.client("late")
    late.subscribe(topic_filter, qos=1)
    (message,) = late.wait_for(1, timeout=_WAIT)
    return _yes_if(message.retain, "delivered without RETAIN")


def _will(guest: Guest) -> str:
    listener, topic = guest.client("listens"), guest.topic("will")
    listener.subscribe(topic, qos=1)
    guest.client("dies", will=Will(topic, "gone", qos=1)).kill()
    return _yes_if(bool(listener.wait_for(1, timeout=_WAIT)))


def _takeover(guest: Guest) -> str:
    first = guest.client("twin")
    guest.client("twin")
    return _yes_if(first.wait_closed(_WAIT), "both stay connected")


def _offline_queue(guest: Guest) -> str:
    topic = guest.topic("queue")
    sleeper = guest.client("sleeps", clean_session=False)
    try:
        sleeper.subscribe(topic, qos=1)
        sleeper.disconnect()
        guest.client("speaks").publish(topic, "missed", qos=1, timeout=_WAIT)
        sleeper.connect(timeout=_WAIT)
        missed = sleeper.wait_for(1, timeout=_WAIT)
        return _yes_if(sleeper.session_present and len(missed) == 1, "session not present")
    finally:
        sleeper.close()
        guest.client("sleeps", clean_session=True)  # ends the kept session


def _large(guest: Guest) -> str:
    listener, topic = guest.client("listens"), guest.topic("large")
    listener.subscribe(topic, qos=1)
    guest.client("speaks").publish(topic, bytes(_LARGE), qos=1, timeout=3 * _WAIT)
    (message,) = listener.wait_for(1, timeout=3 * _WAIT)
    return _yes_if(len(message.payload) == _LARGE, f"{len(message.payload)} bytes arrived")


def _sys_topics(guest: Guest) -> str:
    listener = guest.client("listens")
    listener.subscribe("$SYS/#")
    return _yes_if(bool(listener.wait_for(1, timeout=_WAIT)))


def _mqtt_5(guest: Guest) -> str:
    listener, topic = guest.client("listens", protocol=5), guest.topic("v5")
    listener.subscribe(topic, qos=1)
    properties = {"user_property": [("from", "doctor")]}
    guest.client("speaks", protocol=5).publish(topic, "x", qos=1, properties=properties, timeout=_WAIT)
    (message,) = listener.wait_for(1, timeout=_WAIT)
    return _yes_if("user_property" in message.properties, "without user properties")


def _shared(guest: Guest) -> str:
    topic, end = guest.topic("shared"), guest.topic("end")
    workers = [_worker(guest, word, topic, end) for word in ("one", "two")]
    speaker = guest.client("speaks")
    for number in range(10):
        speaker.publish(topic, number, qos=1, timeout=_WAIT)
    speaker.publish(end, "", qos=1, timeout=_WAIT)  # once this is there, all before it are
    copies = sum(len(_before_end(worker, end)) for worker in workers)
    return _yes_if(copies == 10, f"{copies} copies of 10 messages")  # noqa: PLR2004 - as many as were sent


def _worker(guest: Guest, word: str, topic: str, end: str) -> Client:
    """A member of the group; with MQTT 5 where the broker has it, as shared subscriptions belong to that."""
    try:
        worker = guest.client(word, protocol=5)
    except (ConnectError, Timeout):
        worker = guest.client(word)
    worker.subscribe(f"$share/doctor/{topic}", qos=1)
    worker.subscribe(end, qos=1)
    return worker


def _before_end(worker: Client, end: str) -> list[Message]:
    worker.wait_for(1, timeout=_WAIT, topic=end)
    return [message for message in worker.messages if message.topic != end]


def _websocket(guest: Guest) -> str:
    address = find_address(guest.url, None, tls=False)
    if address.websocket:
        return "yes"
    scheme = "wss" if address.tls else "ws"  # a password that was meant for TLS is not sent in the open
    for port in (address.port, *_USUAL_WEBSOCKET_PORTS):
        try:
            guest.client(
                "web", url=f"{scheme}://{address.host}:{port}", username=address.username, password=address.password
            )
        except MqttKitError:
            continue
        return f"yes, port {port}"
    tried = ", ".join(map(str, (address.port, *_USUAL_WEBSOCKET_PORTS)))
    raise Timeout(f"none of the ports {tried} speaks it")


PROBES: dict[str, Callable[[Guest], str]] = {
    "QoS 1": _quality_1,
    "QoS 2": _quality_2,
    "retained message": _retained,
    "retained message through a wildcard": _retained_by_wildcard,
    "will message when a client dies": _will,
    "same client id: the first one is disconnected": _takeover,
    "queue for a sleeping client": _offline_queue,
    "a message of 1 MB": _large,
    "$SYS topics": _sys_topics,
    "MQTT 5": _mqtt_5,
    "shared subscriptions": _shared,
    "WebSocket": _websocket,
}


def probe(url: str) -> Iterator[Ability]:
    """Ask the broker at `url` for one ability after the other; about a minute at most.

    Raises:
        ConnectError, Timeout: it cannot be reached, or does not let us in.
        InvalidArgument: `url` is not the address of a broker.
    """
    with Guest(url) as guest:
        guest.client("knocks")
    for name, ask in PROBES.items():
        yield _ask(name, ask, url)


def _ask(name: str, ask: Callable[[Guest], str], url: str) -> Ability:
    try:
        with Guest(url) as guest:
            answer = ask(guest)
    except (ConnectError, SubscribeRefused, Timeout) as error:
        return Ability(name, "no", _first_sentence(error))
    return Ability(name, answer if answer.startswith("yes") else "no", "" if answer.startswith("yes") else answer)


def _yes_if(good: bool, otherwise: str = "nothing arrived") -> str:
    return "yes" if good else otherwise


def _first_sentence(error: Exception) -> str:
    if isinstance(error, SubscribeRefused):
        return "the subscription was refused"
    return str(error).partition(". ")[0].splitlines()[0]


class Abilities(list[Ability]):
    """All answers of one broker; displays as a table."""

    def __str__(self) -> str:
        width = max((len(one.name) for one in self), default=0)
        return "\n".join(f"{one.name:{width}}  {line(one)}" for one in self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return table_html(("ability", "answer", "seen"), [(one.name, one.answer, one.why) for one in self])


def abilities(url: str) -> Abilities:
    """What the broker at `url` can do, as a table. Raises as `probe` does."""
    return Abilities(probe(url))


def line(one: Ability) -> str:
    """The answer on one line."""
    return f"{one.answer}: {one.why}" if one.why else one.answer


def run_abilities(url: str) -> int:
    """Print each answer as it comes; 0 when the broker answered, whatever it can do."""
    address = find_address(url, None, tls=False)
    answers = probe(url)
    width = max(map(len, PROBES))
    for number, one in enumerate(answers):
        if number == 0:
            print(f"The broker at {address} was asked, with real clients:\n", flush=True)
        print(f"  {one.name:{width}}  {line(one)}", flush=True)
    return 0
