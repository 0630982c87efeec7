"""Writes the data types of the standard (1.5) and MQTT 5 properties as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidArgument
from mqttkit.packets.names import MAX_REMAINING_LENGTH
from mqttkit.packets.properties import BY_KEY, Property

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SIZE = {"byte": 1, "uint16": 2, "uint32": 4}


def number(value: int, size: int, name: str) -> bytes:
    """A number in `size` bytes, the most significant first."""
    if not isinstance(value, int) or not 0 <= value < 256**size:
        raise InvalidArgument(f"{name} is a number from 0 to {256**size - 1}, not {value!r}.")
    return value.to_bytes(size, "big")


def varint(value: int) -> bytes:
    """A variable byte integer (MQTT 5, 1.5.5; the Remaining Length of 3.1.1, 2.2.3)."""
    if not isinstance(value, int) or not 0 <= value <= MAX_REMAINING_LENGTH:
        raise InvalidArgument(f"A variable byte integer holds 0 to {MAX_REMAINING_LENGTH}, not {value!r}.")
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - the continuation bit
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def prefixed(value: str | bytes, name: str) -> bytes:
    """Text (as UTF-8) or bytes behind their length in two bytes."""
    data = as_bytes(value, name)
    if len(data) > 0xFFFF:  # noqa: PLR2004 - two bytes of length
        raise InvalidArgument(f"{name} has at most 65535 bytes, not {len(data)}.")
    return number(len(data), 2, name) + data


def as_bytes(value: str | bytes, name: str) -> bytes:
    """Text as UTF-8, bytes as they are (so that tests can send what is not UTF-8)."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise InvalidArgument(f"{name} is text or bytes, not {type(value).__name__} {value!r}.")


def properties(values: Mapping[str, Any]) -> bytes:
    """Property Length and all properties, in the order of `values`."""
    body = b"".join(_property(_kind(key), one) for key, value in values.items() for one in _each(key, value))
    return varint(len(body)) + body


def _kind(key: str) -> Property:
    if key not in BY_KEY:
        raise InvalidArgument(f"MQTT 5 has no property {key!r}. It has: {', '.join(sorted(BY_KEY))}.")
    return BY_KEY[key]


def _each(key: str, value: Any) -> Iterable[Any]:
    """A value that may come several times is a tuple; one alone need not be."""
    if not BY_KEY.get(key, _kind(key)).repeatable:
        return (value,)
    if isinstance(value, dict):
        return tuple(value.items())
    alone = isinstance(value, int) or (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str))  # noqa: PLR2004
    return (value,) if alone else tuple(value)


def _property(kind: Property, value: Any) -> bytes:
    identifier = varint(kind.identifier)
    if kind.kind == "pair":
        name, text = value
        return identifier + prefixed(name, kind.name) + prefixed(text, kind.name)
    if kind.kind == "varint":
        return identifier + varint(value)
    if kind.kind in _SIZE:
        return identifier + number(value, _SIZE[kind.kind], kind.name)
    return identifier + prefixed(value, kind.name)
