"""The nearest valid word for a wrong one, and calls whose arguments do not fit told in one sentence.

A beginner's `lose("PUBAK")` or `lose("PUBACK", too="bob")` shall be answered in words, not with a traceback.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from mqttkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

P = ParamSpec("P")
R = TypeVar("R")

# Words that people use for an argument that has another name here.
_MEANT = {
    "receiver": "to",
    "recipient": "to",
    "to": "receiver",
    "from_": "sender",
    "source": "sender",
    "id": "packet_id",
    "mid": "packet_id",
    "client_id": "client",
    "predicate": "where",
    "condition": "where",
    "packet": "type",
    "packet_type": "type",
    "times": "count",
    "n": "nth",
    "time": "seconds",
    "rate": "bytes_per_second",
}


def nearest(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The word of `known` that is most like `word`, in capitals or not; None where none is."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(str(word).casefold(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """` Did you mean 'x'?` with the nearest word of `known`; "" where none is near."""
    near = nearest(word, known, cutoff=cutoff)
    return f" Did you mean {near!r}?" if near else ""


def in_words(*more: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function: a call that does not fit its signature raises InvalidArgument with one sentence.

    Args:
        more: names that the function takes in its `**` argument.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            check_call(call, args, kwargs)
            return function(*args, **kwargs)

        vars(call)["more_names"] = more  # check_call finds them
        return call

    return decorate


def check_call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raises InvalidArgument with one sentence if `function`, decorated with `in_words`, cannot be called like this.

    Args:
        function: what would be called.
        args: its positional arguments, with `self`.
        kwargs: its named ones.
    """
    more: tuple[str, ...] = vars(function)["more_names"]
    signature = inspect.signature(function)
    named = [name for name, one in signature.parameters.items() if name != "self" and one.kind is not one.VAR_KEYWORD]
    known = [*named, *more]
    for name in kwargs:
        if name not in known:
            raise InvalidArgument(f"{function.__name__}() has no argument {name!r}.{_meant(name, known)}")
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidArgument(f"{function.__name__}() was called wrongly: {error}. {_usage(signature)}") from None


def _meant(name: str, known: Sequence[str]) -> str:
    if _MEANT.get(name) in known:
        return f" Did you mean {_MEANT[name]!r}?"
    return did_you_mean(name, known) or f" It has: {', '.join(known)}."


def _usage(signature: inspect.Signature) -> str:
    """Which arguments go by place, and which by name."""
    shown = [one for name, one in signature.parameters.items() if name != "self"]
    by_place = [one.name for one in shown if one.kind is one.POSITIONAL_OR_KEYWORD]
    return f'Write {", ".join(by_place)} in this order, and all else by name, such as to="bob".'
