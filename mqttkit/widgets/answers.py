"""Whether two answers say the same: what a learner typed or chose, and what was measured. Pure."""

from __future__ import annotations

import math
import re
from typing import Any


def words(value: Any) -> str:
    """An answer as a learner reads it: True is "yes", b"21" is "21", a list is "a, b"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(words(item) for item in value))
    if isinstance(value, (list, tuple)):
        return ", ".join(words(item) for item in value)
    return str(value)


def same(given: Any, right: Any) -> bool:
    """True when both say the same, whatever capitals, spaces and quotation marks; 22 is 22.0."""
    one, other = _plain(given), _plain(right)
    if one == other:
        return True
    numbers = _number(one), _number(other)
    return None not in numbers and math.isclose(*numbers, rel_tol=1e-9)  # type: ignore[arg-type]


def _plain(value: Any) -> str:
    text = re.sub(r"\s+", " ", words(value)).strip().casefold()
    return text.strip("\"'`“”\u2018\u2019").rstrip(".").strip()


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
