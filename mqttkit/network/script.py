"""Scripts: faults that come one after the other, each at its time or after its packet."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidArgument, MqttKitError, Timeout
from mqttkit.network.matching import Match

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mqttkit.network.network import Network
    from mqttkit.trace import Wire

_ACTIONS = ("lose", "duplicate", "delay", "reorder", "random_loss", "cut", "silence", "limit", "refuse", "heal")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a script: wait for a packet (if `on` is given), then `after` seconds, then do it.

    Attributes:
        do: name of a method of Network: "lose", "cut", "heal", ...
        args: its positional arguments.
        options: its keyword arguments.
        on: conditions of the packet to wait for, as for `lose`, such as {"type": "PUBLISH", "nth": 3}.
        after: seconds to wait before.
    """

    do: str
    args: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    on: Mapping[str, Any] | None = None
    after: float = 0.0

    def __post_init__(self) -> None:
        if self.do not in _ACTIONS:
            raise InvalidArgument(f"A script cannot do {self.do!r}. It can: {', '.join(_ACTIONS)}.")
        if self.on is not None:
            Match(**self.on)  # a wrong word is told now, not when its turn comes


class Script:
    """Runs steps in order, in the thread of the network.

    Attributes:
        done: how many steps were taken.
        error: what went wrong in a step; None while all is well.
    """

    def __init__(self, network: Network, steps: Sequence[Step]) -> None:
        self._network = network
        self._steps = list(steps)
        self._finished = threading.Event()
        self._match: Match | None = None
        self.done = 0
        self.error: MqttKitError | None = None

    def start(self) -> Script:
        """Begins with the first step."""
        self._network.watch(self._saw)
        self._network.soon(0.0, self._prepare)
        return self

    def wait(self, timeout: float = 5.0) -> None:
        """Waits until all steps were taken.

        Raises:
            Timeout: not in time; the message names the step that is waiting.
            InvalidArgument: a step could not be taken.
        """
        if not self._finished.wait(timeout):
            raise Timeout(
                f"After {timeout:g} s the script still waits for step {self.done + 1}: {self._steps[self.done]}."
            )
        if self.error is not None:
            raise self.error

    def _prepare(self) -> None:
        """Arms the next step (in the thread of the network)."""
        if self.done == len(self._steps) or self.error is not None:
            self._network.unwatch(self._saw)
            self._finished.set()
            return
        step = self._steps[self.done]
        if step.on is None:
            self._network.soon(step.after, self._take)
        else:
            self._match = Match(**step.on)

    def _saw(self, wire: Wire) -> None:
        if self._match is not None and self._match.fits(wire):
            self._match = None
            after = self._steps[self.done].after
            if after > 0:
                self._network.soon(after, self._take)
            else:
                self._take()  # at once: the next packet may be there already

    def _take(self) -> None:
        step = self._steps[self.done]
        try:
            getattr(self._network, step.do)(*step.args, **step.options)
        except MqttKitError as error:
            self.error = error
        self.done += 1
        self._prepare()
