"""What a scenario plays with: the student's functions, a broker, the network before it, and the judgement."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mqttkit.errors import Timeout
from mqttkit.grading import patience, sentences
from mqttkit.grading.rubric import Question, Verdict, seeded
from mqttkit.grading.values import Address, Store, decode, kind_of, show

if TYPE_CHECKING:
    from mqttkit.broker import Broker
    from mqttkit.client import Client
    from mqttkit.network import Network
    from mqttkit.trace import Captured, Trace


ENTRIES = 5000  # packets and events of one game that are kept: a flood costs only its own sender's marks
BYTES = 32 << 20  # of the packets that are kept
RAW = 4096  # bytes of one packet on the tape; twice as many characters of each thing that is told about it
SLOWEST = 4.0  # times as long as on an idle machine: then a kernel that gives no answer is taken for lost


class Channel(Protocol):
    """The way to the student's kernel."""

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send one request; its answer. Raises StudentError when the kernel does not answer."""


class Gate(Protocol):
    """What lets a boxed kernel reach the broker of the question that is played now."""

    def open(self, host: str, port: int) -> str:
        """From now on connections lead to `host`:`port`; the URL the student's kernel has to use."""

    def shut(self) -> None:
        """From now on connections lead nowhere."""


_NONSENSE = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)  # what reading a forged answer may raise


class StudentError(Exception):
    """The student's code cannot go on in this scenario; the message is the sentence for the student."""


class Game:
    """One play of one question.

    Args:
        question: what is asked.
        channel: the way to the student's kernel.
        seed: names the random numbers: the same seed gives the same game.
        gate: leads a boxed kernel to this game's broker; None where the kernel reaches it by itself.
        url: a broker elsewhere to play with; None starts one for this game.
    """

    def __init__(
        self, question: Question, channel: Channel, seed: str, gate: Gate | None = None, url: str | None = None
    ) -> None:
        self.question = question
        self.rng = seeded(seed, question.id)
        self.verdicts = {item.id: Verdict(item) for item in question.rubric}
        self._judged: set[str] = set()
        self._channel = channel
        self._gate = gate
        self._url = url
        self._broker: Broker | None = None
        self._network: Network | None = None
        self._address: Address | None = None
        self._peers: list[Client] = []
        self._left = question.seconds

    # The student's code

    def call(self, name: str, *args: Any, timeout: float = 3.0, keep: bool = False) -> Any:
        """What the student's function `name` returns: plain values, or a `Handle` on an object of the kernel.

        Args:
            name: the function.
            args: its arguments; a `Handle` becomes the object again.
            timeout: seconds it may take.
            keep: what it returns is only handed to another function of the student's: a `Handle`, whatever it is, or None.

        Raises:
            StudentError: there is no such function, it raised, or it did not return within `timeout` seconds.
        """
        request = {"op": "call", "name": name, "args": _encode(args), "timeout": timeout, "keep": keep}
        return self._ask(name, request, timeout)

    def value(self, name: str) -> Any:
        """The value of the student's variable `name`."""
        return self._ask(name, {"op": "get", "name": name}, 3.0)

    def _ask(self, name: str, request: dict[str, Any], timeout: float) -> Any:
        begun = time.monotonic()
        answer = self._channel.ask(request, timeout * SLOWEST)  # the kernel itself keeps to `timeout`
        self._left -= min(time.monotonic() - begun, timeout)
        try:
            return _read(name, answer, timeout)
        except _NONSENSE:  # a kernel may send anything: that is no fault of the grader
            raise StudentError(sentences.gone("it sent something that is not an answer")) from None

    def wanted(self, name: str, value: Any, *types: type) -> Any:
        """`value`, when it has one of `types`. Raises StudentError with both types named."""
        fits = isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
        if value is None and not fits and not name.isupper():
            raise StudentError(sentences.nothing(name))
        if not fits:
            raise StudentError(sentences.other_type(name, types, kind_of(value), show(value)))
        return value

    # The other side

    @property
    def network(self) -> Network:
        """The network between the student's clients and the broker of this game, both started at first use."""
        if self._network is None:
            from mqttkit.broker import Broker
            from mqttkit.network import Network
            from mqttkit.witness import WitnessedBroker

            self._broker = WitnessedBroker(self._url) if self._url else Broker().start()
            self._network = Network(self._broker).start()
            self._network.trace.limit, self._network.trace.most_bytes = ENTRIES, BYTES
            if isinstance(self._broker, WitnessedBroker):
                self._broker.trace = self._network.trace
        return self._network

    @property
    def broker(self) -> Broker:
        """The broker behind the network: the grader's own clients go straight to it."""
        assert self.network is not None
        assert self._broker is not None
        return self._broker

    def is_peer(self, client_id: str) -> bool:
        """True for a client of the grader's own."""
        return any(client.client_id == client_id for client in self._peers)

    @property
    def address(self) -> Address:
        """Where the student's clients have to connect: the network of this game."""
        if self._address is None:
            url = self._gate.open(self.network.host, self.network.port) if self._gate else self.network.url
            self._address = Address(url)
        return self._address

    @property
    def trace(self) -> Trace:
        """Every packet of the student's clients."""
        return self.network.trace

    def peer(self, client_id: str, *filters: str, **options: Any) -> Client:
        """A client of the grader's own, connected past the network and subscribed at QoS 2.

        Its identifier ends in something that nobody can guess: the student's clients cannot throw it out.
        """
        from mqttkit.client import Client

        client = Client(self.broker, f"{client_id}-{secrets.token_hex(8)}", **options).connect()
        self._peers.append(client)
        for topic_filter in filters:
            client.subscribe(topic_filter, qos=2)
        return client

    def left(self, timeout: float) -> float:
        """`timeout`, or what is left of the question's time when that is less."""
        return max(0.05, min(timeout, self._left))

    def seen(self, count: int = 1, timeout: float = 2.0, **query: Any) -> list[Captured]:
        """The recorded packets that match `query`, as soon as there are `count` of them, or what there is by then."""
        self.until(lambda: len(self.trace.packets(**query)) >= count, timeout)
        return self.trace.packets(**query)

    def until(self, holds: Callable[[], Any], timeout: float = 2.0) -> bool:
        """True as soon as `holds()` is true; looked at again whenever something passed the network."""
        allowed = self.left(timeout)
        spent = patience.wait(holds, self.next_event, allowed)
        self._left -= allowed if spent is None else spent
        return spent is not None

    def next_event(self, timeout: float) -> None:
        """Wait for the next recorded packet, at most `timeout` seconds."""
        try:
            self.trace.wait_for(len(self.trace.packets()) + 1, timeout=timeout)
        except Timeout:
            return

    # The judgement

    def judge(self, item: str, ok: Any, saw: str = "", packets: Iterable[Captured] = ()) -> bool:
        """Decide one item of the rubric: `saw` tells what happened instead."""
        verdict = self.verdicts[item]
        verdict.ok, verdict.saw = bool(ok), saw
        verdict.packets = list(packets)
        self._judged.add(item)
        return verdict.ok

    def settle(self, sentence: str) -> None:
        """Every item that nobody judged is not earned, for the reason in `sentence`."""
        for name, verdict in self.verdicts.items():
            if name not in self._judged:
                verdict.ok, verdict.saw = False, sentence

    def diagnosis(self) -> str:
        """What went wrong where nobody saw it: a callback that raised, or that does not return."""
        try:
            facts = self.facts({"op": "diagnose"})
            errors, blocked = facts.get("errors"), facts.get("blocked")
            if errors:
                return sentences.lost_error(errors[0])
            return sentences.blocked(blocked[0]) if blocked else ""
        except (StudentError, TypeError, LookupError, AttributeError):  # a kernel may claim anything here
            return ""

    def facts(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the student's kernel tells about itself: helps to explain, never to judge."""
        facts = self._channel.ask(request, 3.0 * SLOWEST).get("facts")
        if not isinstance(facts, dict):
            raise StudentError(sentences.gone("it sent something that is not an answer"))
        return facts

    def tape(self) -> list[dict[str, Any]]:
        """Every packet that passed the network, as JSON."""
        return [] if self._network is None else [_packet_json(p) for p in self._network.trace.packets()]

    def close(self) -> None:
        """End the grader's clients, the network and the broker; the gate leads nowhere any more."""
        if self._gate is not None:
            self._gate.shut()
        for client in self._peers:
            client.close()
        for part in (self._network, self._broker):
            if part is not None:
                part.close()


def _read(name: str, answer: dict[str, Any], timeout: float) -> Any:
    """The value in an answer; StudentError where it tells of none, one of `_NONSENSE` where it is no answer."""
    if "missing" in answer:
        raise StudentError(sentences.missing(name))
    if "raised" in answer:
        raise StudentError(sentences.raised(name, answer["raised"]))
    if "late" in answer:
        raise StudentError(sentences.late(name, answer["late"], timeout))
    return decode(answer.get("value"))


def _packet_json(packet: Captured) -> dict[str, Any]:
    names = ("number", "link", "sender", "receiver", "type", "qos", "retain", "dup", "packet_id", "topic", "text")
    facts = {name: getattr(packet, name) for name in names}
    facts |= {
        "time": round(packet.time, 4),
        "delivered": packet.delivered,
        "fault": packet.fault,
        "raw": packet.raw[:RAW].hex(),
    }
    facts = {name: value[: 2 * RAW] if isinstance(value, str) else value for name, value in facts.items()}
    return {name: value for name, value in facts.items() if value is not None}


def _encode(args: Sequence[Any]) -> list[Any]:
    store = Store()
    return [store.encode(arg) for arg in args]
