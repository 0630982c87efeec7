"""Arguments of widgets, checked before anything is made: each mistake is one sentence. No I/O."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mqttkit.errors import InvalidArgument

CLIENT_OPTIONS = ("username", "password", "tls", "protocol", "transport", "keep_alive")
"""What the client of a widget may be told."""


def check_place(place: Any) -> Any:
    """`place`, if it is something that a client can connect to."""
    if isinstance(place, str) or isinstance(getattr(type(place), "url", None), property) or hasattr(place, "broker"):
        return place
    raise InvalidArgument(f"A widget needs a Lab, a Broker or a URL such as mqtt://localhost, not {_shown(place)}.")


def check_options(options: Collection[str], known: Collection[str] = CLIENT_OPTIONS) -> None:
    """Nothing, if all names in `options` are known."""
    for name in options:
        if name not in known:
            raise InvalidArgument(f"There is no option {name!r} here. There are: {', '.join(sorted(known))}.")


def check_number(name: str, value: Any, *, above: float | None = None) -> Any:
    """`value`, if it is a finite number, and greater than `above`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidArgument(f"{name} is a number, not {_shown(value)}.")
    if above is not None and value <= above:
        raise InvalidArgument(f"{name} is greater than {above:g}, not {value:g}.")
    return value


def check_text(name: str, value: Any) -> str:
    """`value`, if it is a text with something in it."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgument(f"{name} is a text, not {_shown(value)}.")
    return value


def check_list(name: str, value: Any) -> list[Any]:
    """The items of `value`, if it is a list, tuple or the like; a text is none."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, Collection)):
        raise InvalidArgument(f"{name} is a list such as ['a', 'b'], not {_shown(value)}.")
    return list(value)


def check_mapping(name: str, value: Any, example: str, *, empty: bool = False) -> Mapping[Any, Any]:
    """`value`, if it is a dict, and not an empty one unless that is allowed."""
    if not isinstance(value, Mapping) or not (value or empty):
        raise InvalidArgument(f"{name} is a dict such as {example}, not {_shown(value)}.")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else type(value).__name__  # noqa: PLR2004 - a sentence stays a sentence
