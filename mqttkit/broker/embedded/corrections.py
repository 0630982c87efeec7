"""The list of corrections: what amqtt 0.12.1 does otherwise than the MQTT 3.1.1 standard, one small override each.

A correction is a method that answers one question of the protocol ("at which QoS is this delivered?"). Beside it stands
`stock`, what amqtt does at that point. A test can switch off any single one with `without` and see its probe fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Correction:
    """One override.

    Attributes:
        name: name of the method.
        statement: normative statements it restores, such as "MQTT-3.8.4-6".
        stock: what amqtt 0.12.1 does instead.
        sentence: what is right, in one sentence.
    """

    name: str
    statement: str
    stock: Callable[..., Any]
    sentence: str


CORRECTIONS: dict[str, Correction] = {}


def corrects(statement: str, *, stock: Callable[..., Any]) -> Callable[[Method], Method]:
    """Register the decorated method as a correction that restores `statement`."""

    def register(method: Method) -> Method:
        sentence = (method.__doc__ or "").strip().partition("\n")[0]  # "" where python -OO has removed it
        CORRECTIONS[method.__name__] = Correction(method.__name__, statement, stock, sentence)
        return method

    return register


def without(cls: type, names: Iterable[str]) -> type:
    """`cls` with the corrections `names` switched off: there it does what amqtt does."""
    off = {name: CORRECTIONS[name].stock for name in names if hasattr(cls, name)}
    return type(cls.__name__, (cls,), off) if off else cls
