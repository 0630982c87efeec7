"""Faults: what a network may do to packets, each with a name, a scope and a count."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit.errors import Timeout
from mqttkit.network.matching import Match

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.network.network import Network
    from mqttkit.trace import Link, Wire

PATIENCE = 1.0  # seconds that the end of a `with` block waits for the packet it is about


@dataclass(slots=True)
class Verdict:
    """What shall happen to one packet.

    Attributes:
        lost: why it does not arrive; None when it does.
        copies: how often it arrives.
        delay: seconds it waits.
        rate: bytes per second of the link; 0 for no limit.
        hold: True where the next packet overtakes it.
        cut: True where the link is cut instead of carrying it.
    """

    lost: str | None = None
    copies: int = 1
    delay: float = 0.0
    rate: float = 0.0
    hold: bool = False
    cut: bool = False


class Fault:
    """Something the network does to chosen packets until `heal()`, or until the end of a `with` block.

    At the end of the block it first waits (at most a second) for a packet that it concerns, and until the handshakes
    that are under way have ended or are explained.

    Attributes:
        name: what it does, in words, such as "lose PUBACK to bob".
        active: False once healed.
    """

    verb = ""
    waits = True  # the end of a block waits for a match

    def __init__(self, network: Network, match: Match) -> None:
        self._network = network
        self.match = match
        self.name = f"{self.verb} {match}".strip()
        self.active = True
        self._matched = threading.Event()

    @property
    def count(self) -> int:
        """How many packets it has concerned so far."""
        return self.match.found

    def judge(self, wire: Wire, verdict: Verdict) -> None:
        """Adds to `verdict` what this fault does to a packet (in the thread of the relay)."""
        if self.match.fits(wire):
            self.strike(verdict)
            self._matched.set()

    def strike(self, verdict: Verdict) -> None:
        """Adds to `verdict` what it does to every packet that it concerns."""
        raise NotImplementedError

    def silences(self, link: Link) -> bool:  # noqa: ARG002 - of interest to one kind only
        """True where the link carries nothing at all, not even its end."""
        return False

    def refuses(self, link: Link) -> bool:  # noqa: ARG002 - of interest to one kind only
        """True where the link may not come up."""
        return False

    def heal(self) -> None:
        """Ends the fault; what it did stays done."""
        self._network.end_fault(self)

    def wait_for(self, count: int = 1, timeout: float = 5.0) -> None:
        """Waits until it has matched `count` times.

        Raises:
            Timeout: not within `timeout` seconds; the message says how often it did.
        """
        trace, deadline = self._network.trace, time.monotonic() + timeout
        mark = trace.mark()
        while self.count < count:
            if not trace.wait_for_change(mark, max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                raise Timeout(f"Waited {timeout:g} s for {count} times '{self.name}'; so far: {self.outcome()}.")
            mark = trace.mark()

    def outcome(self) -> str:
        """What it has done, in words."""
        if self.count:
            return f"{self.count} packet{'s' if self.count > 1 else ''}"
        return "never matched"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.active:
            if self.waits:
                self._matched.wait(PATIENCE)
            self._network.settle(PATIENCE)
        self.heal()

    def __repr__(self) -> str:
        state = "active" if self.active else "healed"
        return f"<{self.name}: {state}, {self.outcome()}{self._why_never()}>"

    def _why_never(self) -> str:
        return "" if self.count else self._network.hint_for(self.match)


class Lose(Fault):
    """Swallows packets; the link stays open."""

    verb = "lose"

    def strike(self, verdict: Verdict) -> None:
        """The packet does not arrive."""
        verdict.lost = "lost"


class Duplicate(Fault):
    """Delivers packets twice."""

    verb = "duplicate"

    def strike(self, verdict: Verdict) -> None:
        """The packet arrives once more."""
        verdict.copies += 1


class Delay(Fault):
    """Holds packets back; what comes later on the same link waits behind them, as in TCP."""

    verb = "delay"

    def __init__(self, network: Network, match: Match, seconds: float) -> None:
        super().__init__(network, match)
        self.seconds = seconds
        self.name = f"{self.name} by {seconds:g} s"

    def strike(self, verdict: Verdict) -> None:
        """The packet waits."""
        verdict.delay += self.seconds


class Reorder(Fault):
    """Lets the next packet overtake, where the standard leaves the order open (MQTT 3.1.1, 4.6)."""

    verb = "reorder"

    def strike(self, verdict: Verdict) -> None:
        """The next packet may overtake."""
        verdict.hold = True


class CutAt(Fault):
    """Cuts the link when a packet comes, in place of carrying it."""

    verb = "cut the connection at"

    def strike(self, verdict: Verdict) -> None:
        """The link ends here."""
        verdict.cut = True


class RandomLoss(Fault):
    """Loses packets by chance, the same ones for the same seed."""

    verb = "lose at random"
    waits = False

    def __init__(self, network: Network, match: Match, probability: float, seed: str) -> None:
        super().__init__(network, match)
        self._probability = probability
        self._seed = seed
        self._dice: dict[tuple[int, bool], random.Random] = {}
        self.lost = 0
        self.name = f"{self.name} ({probability:.0%})"

    def judge(self, wire: Wire, verdict: Verdict) -> None:
        """Throws the die for a packet that fits: one die for each way of each link, so that races change nothing."""
        if not self.match.fits(wire):
            return
        way = (wire.link.number, wire.to_broker)
        dice = self._dice.setdefault(way, random.Random(f"{self._seed}:{way}"))  # noqa: S311 - a lesson, not a secret
        if dice.random() < self._probability:
            verdict.lost = "lost"
            self.lost += 1

    def outcome(self) -> str:
        """How many got lost, of how many."""
        return f"{self.lost} of {self.count} packets"


class OfClient(Fault):
    """A fault of whole connections: of one client, or (None) of all."""

    waits = False

    def __init__(self, network: Network, client: str | None) -> None:
        super().__init__(network, Match())
        self.client = client
        self.name = f"{self.verb} {client or 'everybody'}"

    def concerns(self, link: Link) -> bool:
        """True where the link is one of the client's."""
        return self.client in (None, link.name)

    def judge(self, wire: Wire, verdict: Verdict) -> None:
        """Adds to `verdict` what this fault does to a packet of the client."""
        if self.concerns(wire.link):
            self.match.found += 1
            self.strike(verdict)

    def strike(self, verdict: Verdict) -> None:
        """Packets pass, unless a kind says otherwise."""

    def _why_never(self) -> str:
        return ""


class Silence(OfClient):
    """A link that carries nothing, not even the news that one side has gone."""

    verb = "silence"

    def strike(self, verdict: Verdict) -> None:
        """Nothing arrives."""
        verdict.lost = "lost in silence"

    def silences(self, link: Link) -> bool:
        """True for the client's links."""
        return self.concerns(link)


class Limit(OfClient):
    """Carries so many bytes per second in each direction of each link."""

    verb = "limit"

    def __init__(self, network: Network, client: str | None, rate: float) -> None:
        super().__init__(network, client)
        self._rate = rate
        self.name = f"{self.name} to {rate:g} bytes/s"

    def strike(self, verdict: Verdict) -> None:
        """The packet takes its time."""
        verdict.rate = min(self._rate, verdict.rate or self._rate)


class Refuse(OfClient):
    """Lets no new connection up."""

    verb = "refuse"

    def __init__(self, network: Network, client: str | None) -> None:
        super().__init__(network, client)
        self.name = f"refuse new connections{f' of {client}' if client else ''}"

    def judge(self, wire: Wire, verdict: Verdict) -> None:
        """Packets of connections that are up pass."""

    def refuses(self, link: Link) -> bool:
        """True for the client's links; counts them."""
        if not self.concerns(link):
            return False
        self.match.found += 1
        return True

    def outcome(self) -> str:
        """How many connections did not come up."""
        return f"{self.count} refused" if self.count else "nobody came"


class Cut(OfClient):
    """Connections that were cut: done as soon as made."""

    verb = "cut"

    def __init__(self, network: Network, client: str | None, count: int) -> None:
        super().__init__(network, client)
        self.match.found = count

    def outcome(self) -> str:
        """How many connections were cut."""
        return f"{self.count} connection{'' if self.count == 1 else 's'} cut"
