"""Faults: what a network may do to packets, each with a name, a scope and a count."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit._checks import check_timeout
from mqttkit.errors import InvalidArgument, Timeout
from mqttkit.network.matching import Match

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.network.network import Network
    from mqttkit.trace import Link, Wire

PATIENCE = 1.0  # seconds that the end of a `with` block waits for the packet it is about
_LOOK = 0.05  # seconds between two looks at the count: a packet that is held back is not in the trace yet


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
        self._told = False
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
        elif self.match.error is not None:
            self._matched.set()  # nobody needs to wait for it any more

    def strike(self, verdict: Verdict) -> None:
        """Adds to `verdict` what it does to every packet that it concerns."""
        raise NotImplementedError

    def silences(self, link: Link) -> bool:  # noqa: ARG002 - of interest to one kind only
        """True where the link carries nothing at all, not even its end."""
        return False

    def refuses(self, link: Link) -> bool:  # noqa: ARG002 - of interest to one kind only
        """True where the link may not come up."""
        return False

    def rate(self, link: Link) -> float:  # noqa: ARG002 - of interest to one kind only
        """Bytes per second that the link may carry; 0 for no limit."""
        return 0.0

    def heal(self) -> None:
        """Ends the fault; what it did stays done.

        Raises:
            InvalidArgument: its `where` function failed at a packet.
        """
        self._network.end_fault(self)
        self.raise_error()

    def raise_error(self) -> None:
        """Tells, once, that the `where` function failed."""
        error = self.match.error
        if error is not None and not self._told:
            self._told = True
            raise InvalidArgument(
                f"The `where` function of '{self.name}' failed with {type(error).__name__}: {error}. It gets every "
                "Packet that fits otherwise; a part that a packet does not have is None."
            ) from error

    def wait_for(self, count: int = 1, timeout: float = 5.0) -> None:
        """Waits until it has matched `count` times.

        Raises:
            Timeout: not within `timeout` seconds; the message says how often it did.
        """
        trace, deadline = self._network.trace, time.monotonic() + check_timeout(timeout)
        mark = trace.mark()
        while self.count < count:
            self.raise_error()
            left = deadline - time.monotonic()
            if not trace.wait_for_change(mark, min(max(0.0, left), _LOOK)) and left <= 0:
                raise Timeout(f"Waited {timeout:g} s for {count} times '{self.name}'; so far: {self.outcome()}.")
            mark = trace.mark()

    def outcome(self) -> str:
        """What it has done, in words; where it never matched, what passed in place of what it was meant for."""
        if self.match.error is not None:
            return f"its condition failed: {type(self.match.error).__name__}"
        if self.count:
            return f"{self.count} packet{'s' if self.count > 1 else ''}"
        return f"never matched{self._why_never()}"

    def _why_never(self) -> str:
        stranger = self._network.stranger(self.match.to, self.match.sender, self.match.client)
        if stranger or not self.match.type:
            return stranger
        passed, kind = self.match.passed, self.match.type
        return f": {passed} {kind} passed, none that fits" if passed else f": no {kind} passed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.active and self._network.is_running:
                if self.waits:
                    self._matched.wait(PATIENCE)
                self._network.settle(PATIENCE)
        finally:  # also where the stop button ends the waiting: a fault never outlives its block
            self._network.end_fault(self)
        if kind is None:
            self.raise_error()

    def __repr__(self) -> str:
        return f"<{self.name}: {'active' if self.active else 'healed'}, {self.outcome()}>"


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
        self._matched.set()
        way = (wire.link.number, wire.to_broker)
        dice = self._dice.setdefault(way, random.Random(f"{self._seed}:{way}"))  # noqa: S311 - a lesson, not a secret
        if dice.random() < self._probability:
            verdict.lost = "lost"
            self.lost += 1

    def outcome(self) -> str:
        """How many got lost, of how many."""
        return f"{self.lost} of {self.count} packets"
