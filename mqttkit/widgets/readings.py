"""Numbers out of messages: from the payload itself, or from a field of its JSON. Pure."""

from __future__ import annotations

import json
import math
from array import array
from collections import deque
from dataclasses import dataclass
from typing import Any

from mqttkit.errors import InvalidArgument
from mqttkit.topics import check_topic_filter


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series gets its values: `home/kitchen/climate#temperature` is the field of a JSON payload.

    Attributes:
        topic_filter: which messages; wildcards are allowed.
        path: names of the field and of what it is in; for a list, its index. Empty: the payload is the number.
    """

    topic_filter: str
    path: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read `topic#field.inner`; `#` as the last level of a filter is no field."""
        topic, mark, path = text.rpartition("#")
        if not mark or topic == "" or topic.endswith("/"):  # "#" alone or "home/#": the wildcard
            topic, path = text, ""
        return cls(check_topic_filter(topic), tuple(path.split(".")) if path else ())

    def value(self, payload: bytes) -> float:
        """The number in `payload`.

        Raises:
            InvalidArgument: there is none; the message says what was there instead.
        """
        found: Any = payload.decode("utf-8", "replace").strip() if not self.path else self._field(payload)
        if isinstance(found, bool):
            return float(found)
        return drawable(found)

    def _field(self, payload: bytes) -> Any:
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            raise InvalidArgument(f"{payload[:40]!r} is not JSON") from None
        for name in self.path:
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise InvalidArgument(f"the JSON has no field {'.'.join(self.path)!r}")
        return found


def drawable(value: Any) -> float:
    """`value` as a number that has a place in a chart.

    Raises:
        InvalidArgument: it is none, or no finite one that a 64-bit float can hold.
    """
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise InvalidArgument(f"{str(value)[:40]!r} is not a number") from None
    if not math.isfinite(number):
        raise InvalidArgument(f"{str(value)[:40]!r} cannot be drawn")
    return number


class Series:
    """The last readings of one series: times in milliseconds, values, and how many have not been sent yet."""

    def __init__(self, keep: int) -> None:
        self.times: deque[float] = deque(maxlen=keep)
        self.values: deque[float] = deque(maxlen=keep)
        self.unsent = 0
        self.total = 0
        self.at = 0.0

    def add(self, time_ms: float, value: float, at: float) -> None:
        """A reading; `at` is when it came, in seconds of a clock that does not jump."""
        self.times.append(time_ms)
        self.values.append(value)
        self.unsent = min(self.unsent + 1, len(self.times))
        self.total += 1
        self.at = at

    def part(self, count: int) -> tuple[bytes, bytes]:
        """The last `count` times and values as 64-bit floats."""
        self.unsent = 0
        start = len(self.times) - count
        return array("d", list(self.times)[start:]).tobytes(), array("d", list(self.values)[start:]).tobytes()
