"""Faults of whole connections: silence, a slow link, a refusal, a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.errors import InvalidArgument
from mqttkit.network.faults import Fault, Verdict
from mqttkit.network.matching import Match
from mqttkit.trace.query import check_name
from mqttkit.trace.records import BROKER

if TYPE_CHECKING:
    from mqttkit.network.network import Network
    from mqttkit.trace import Link, Wire


class OfClient(Fault):
    """A fault of whole connections: of one client, or (None) of all."""

    waits = False

    def __init__(self, network: Network, client: str | None) -> None:
        check_name("client", client)
        if client == BROKER:
            raise InvalidArgument(
                f"The broker is at one end of every connection: {self.verb} a client, or leave the name out for all."
            )
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

    def outcome(self) -> str:
        """How many packets it concerned."""
        return super().outcome() if self.count else f"nothing was sent{self._network.stranger(self.client)}"


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

    def rate(self, link: Link) -> float:
        """Bytes per second on this link."""
        return self._rate if self.concerns(link) else 0.0


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
        return f"{self.count} refused" if self.count else "nobody came"  # a client that never came is no stranger


class Cut(OfClient):
    """Connections that were cut: done as soon as made."""

    verb = "cut"

    def __init__(self, network: Network, client: str | None, count: int) -> None:
        super().__init__(network, client)
        self.match.found = count

    def outcome(self) -> str:
        """How many connections were cut."""
        return f"{self.count} connection{'' if self.count == 1 else 's'} cut"
