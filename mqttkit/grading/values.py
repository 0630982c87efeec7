"""Values that cross between a student's kernel and the grader: JSON only, so nothing a student defined runs in the grader."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class Address(str):
    """Where an exercise's broker listens: the URL as text, and its parts for raw paho.

    `Client(broker, "me")` takes it as it is; `paho_client.connect(broker.host, broker.port)` takes its parts.
    """

    __slots__ = ()

    @property
    def host(self) -> str:
        """Host name or IP address."""
        return urlsplit(self).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """TCP port, 1883 when the URL names none."""
        return urlsplit(self).port or 1883


@dataclass(frozen=True, repr=False)
class Handle:
    """An object that stays in the student's kernel, such as a client: the grader only knows its number and type."""

    number: int
    type: str

    def __repr__(self) -> str:
        return f"a {self.type} object"

    def as_json(self) -> dict[str, Any]:
        """How it crosses between kernel and grader."""
        return {"$object": self.number, "type": self.type}


class Unsendable(TypeError):
    """A value that has no form on the wire between kernel and grader."""


_DEEPEST = 20
_LARGEST = 1 << 20  # characters of a value in JSON


class Store:
    """Objects kept in the student's kernel, numbered in the order in which they were first mentioned."""

    def __init__(self) -> None:
        self.objects: list[Any] = []

    def sendable(self, value: Any) -> Any:
        """See `encode`. Raises Unsendable where that is too much to send."""
        encoded = self.encode(value)
        if len(json.dumps(encoded)) > _LARGEST:
            raise Unsendable(f"it is larger than {_LARGEST >> 20} MB")
        return encoded

    def encode(self, value: Any, depth: int = 0) -> Any:
        """JSON for `value`. Numbers, text and containers are copied as plain values, everything else becomes a handle.

        A subclass of str or int is sent as the plain text or number it holds: what its methods claim does not travel.
        """
        if depth > _DEEPEST:
            raise Unsendable(f"it is nested more than {_DEEPEST} levels deep")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (str, int, float)):
            return _encode_plain(value)
        if isinstance(value, (bytes, bytearray)):
            return {"$bytes": bytes(value).hex()}
        if value is Ellipsis:
            return {"$ellipsis": True}
        if isinstance(value, Handle):
            return value.as_json()
        return self._encode_container(value, depth)

    def _encode_container(self, value: Any, depth: int) -> Any:
        if isinstance(value, list):
            return [self.encode(item, depth + 1) for item in list.__iter__(value)]
        if isinstance(value, tuple):
            return {"$tuple": [self.encode(item, depth + 1) for item in tuple.__iter__(value)]}
        if isinstance(value, (set, frozenset)):
            return {"$set": sorted((self.encode(item, depth + 1) for item in value), key=repr)}
        if isinstance(value, dict):
            pairs = [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in dict.items(value)]
            return {"$dict": pairs}
        return self.keep(value)

    def keep(self, value: Any) -> Any:
        """JSON for a handle on `value` itself, whatever it is; None stays None.

        What goes on in the background changes a list or a dict after it was returned: a copy would not see that.
        """
        if value is None:
            return None
        if not any(value is known for known in self.objects):
            self.objects.append(value)
        number = next(i for i, known in enumerate(self.objects) if known is value)
        return Handle(number, type(value).__name__).as_json()

    def decode(self, data: Any) -> Any:
        """The value of `data` in the student's kernel: handles become the objects again."""
        if isinstance(data, dict) and "$object" in data:
            return self.objects[data["$object"]]
        return decode(data, self.decode)


def _encode_plain(value: str | float) -> Any:
    if isinstance(value, Address):
        return {"$address": str(value)}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    number = float.__float__(value)
    return number if math.isfinite(number) else {"$float": repr(number)}


def decode(data: Any, inner: Any = None) -> Any:
    """The Python value of `data`, made of plain types only; an object of the student's kernel becomes a `Handle`."""
    again = inner or decode
    if isinstance(data, list):
        return [again(item) for item in data]
    if not isinstance(data, dict):
        return data
    kind = next(iter(data), "")
    if kind == "$object":
        return Handle(int(data["$object"]), str(data.get("type", "object"))[:80])
    return _DECODERS[kind](data[kind], again) if kind in _DECODERS else None


def _decode_pairs(pairs: Any, again: Any) -> dict[Any, Any]:
    return {_hashable(again(key)): again(value) for key, value in pairs}


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, (list, dict, set)) else value


_DECODERS: dict[str, Any] = {
    "$address": lambda value, _: Address(value),
    "$float": lambda value, _: float(value),
    "$bytes": lambda value, _: bytes.fromhex(value),
    "$ellipsis": lambda _value, _: Ellipsis,
    "$tuple": lambda value, again: tuple(again(item) for item in value),
    "$set": lambda value, again: {_hashable(again(item)) for item in value},
    "$dict": _decode_pairs,
}


def kind_of(value: Any) -> str:
    """The type of a decoded value in words: what a learner calls it."""
    if isinstance(value, Handle):
        return value.type
    return "None" if value is None else type(value).__name__


def show(value: Any, width: int = 90) -> str:
    """`value` as a learner may read it in one line, shortened to `width` characters."""
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"
