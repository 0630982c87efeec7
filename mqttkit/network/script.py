"""Scripts: faults that come one after the other, each at its time or after its packet."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqttkit._checks import check_timeout
from mqttkit._words import check_call, did_you_mean
from mqttkit.errors import InvalidArgument, MqttKitError, Timeout
from mqttkit.network.matching import Match, match_of

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
            near = did_you_mean(self.do, _ACTIONS)
            raise InvalidArgument(f"A script cannot do {self.do!r}.{near} It can: {', '.join(_ACTIONS)}.")
        if isinstance(self.args, str):
            raise InvalidArgument(f"args={self.args!r} must be a list or tuple of arguments: args=({self.args!r},).")
        if not isinstance(self.after, (int, float)) or not 0 <= self.after < math.inf:
            raise InvalidArgument(f"after={self.after!r} makes no sense: give seconds, from 0.")
        self._check_call()  # a wrong word is told now, not when its turn comes

    def _check_call(self) -> None:
        from mqttkit.network.network import Network

        action = getattr(Network, self.do)
        if self.do != "heal":
            check_call(action, (None, *self.args), self.options)
        if self.on is not None:
            match_of(self.on)


class Script:
    """Runs steps in order, in the thread of the network.

    Attributes:
        done: how many steps were taken.
        error: what went wrong in a step; None while all is well.
    """

    def __init__(self, network: Network, steps: Sequence[Step]) -> None:
        for step in steps:
            if not isinstance(step, Step):
                raise InvalidArgument(f'A script is made of Steps, such as Step("lose", ("PUBACK",)), not {step!r}.')
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
        if not self._finished.wait(check_timeout(timeout)):
            raise Timeout(
                f"After {timeout:g} s the script still waits for step {self.done + 1}: {self._steps[self.done]}."
            )
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"<script: {self.done} of {len(self._steps)} steps taken>"

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
            self._match = match_of(step.on)

    def _saw(self, wire: Wire) -> None:
        match = self._match
        if match is None:
            return
        fits = match.fits(wire)
        if match.error is not None:
            self._stop(match.error)
        elif fits:
            self._match = None
            after = self._steps[self.done].after
            if after > 0:
                self._network.soon(after, self._take)
            else:
                self._take()  # at once: the next packet may be there already

    def _stop(self, error: Exception) -> None:
        """The `where` function of a step failed: no step follows."""
        self._match = None
        step, what = self.done + 1, f"{type(error).__name__}: {error}"
        self.error = InvalidArgument(f"The `where` function of step {step} of the script failed with {what}.")
        self._prepare()

    def _take(self) -> None:
        step = self._steps[self.done]
        try:
            getattr(self._network, step.do)(*step.args, **step.options)
        except MqttKitError as error:
            self.error = error
        self.done += 1
        self._prepare()
