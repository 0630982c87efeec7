"""Moves that several scenarios make: start a student's client, ask until an answer is right, tell what packets say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mqttkit.grading.game import StudentError

if TYPE_CHECKING:
    from mqttkit.grading.game import Game
    from mqttkit.trace import Captured


def started(game: Game, function: str, *args: Any, subscribes: bool = True, connections: int = 1) -> Any:
    """A `Handle` on what the student's `function(broker, *args)` returns, once its client is connected and subscribed.

    None where it returns None: see `kept`.

    Raises:
        StudentError: no CONNECT arrived, or no SUBSCRIBE was answered.
    """
    thing = game.call(function, game.address, *args, keep=True)
    connected(game, function, connections=connections)
    if subscribes and len(game.seen(connections, type="SUBACK", timeout=1.5)) < connections:
        raise StudentError(
            "It connected, and no SUBSCRIBE was answered: is the network loop running (`loop_start()`), and is the "
            "subscription sent after CONNACK, in `on_connect`?"
        )
    return thing


def connected(game: Game, function: str, *, connections: int = 1, timeout: float = 1.5) -> None:
    """Raises StudentError where the student's `function` has made no CONNECT."""
    if len(game.seen(connections, type="CONNECT", timeout=timeout)) < connections:
        raise StudentError(f"No CONNECT arrived: does `{function}` connect to `broker.host` and `broker.port`?")


def kept(function: str, thing: Any) -> Any:
    """`thing`, when `function` returned something that other tasks can use.

    Raises:
        StudentError: it is None.
    """
    if thing is None:
        raise StudentError(
            f"`{function}` returned nothing (None): return what your other functions need to go on with it."
        )
    return thing


def asked(
    game: Game, function: str, args: list[Any], wanted: type, enough: Callable[[Any], Any], *, timeout: float = 1.5
) -> Any:
    """What the student's `function` returns as soon as `enough(value)`, or what it returned last.

    Raises:
        StudentError: it returned something else than a `wanted`.
    """
    last: list[Any] = [None]

    def ask() -> bool:
        last[0] = game.wanted(function, game.call(function, *args), wanted)
        return bool(enough(last[0]))

    game.until(ask, timeout=timeout)
    return last[0]


def told(packets: list[Captured]) -> str:
    """What PUBLISH packets say, in one line."""
    lines = [f"{p.topic} {text(p)!r} (QoS {p.qos}{', RETAIN' if p.retain else ''})" for p in packets[:4]]
    return "; ".join(lines) + ("; …" if len(packets) > 4 else "") if lines else "no PUBLISH"  # noqa: PLR2004 - as many as fit


def elsewhere(game: Game, topic: str, but: str) -> str:
    """What was published to other topics, where nothing came to `topic`; those with the level `but` are another task's."""
    other = [p for p in game.trace.packets(type="PUBLISH", receiver="broker") if but not in str(p.topic).split("/")]
    return f"no PUBLISH to {topic}" + (f"; this came instead: {told(other)}" if other else "")


def listed(words: Iterable[Any]) -> str:
    """Several words in one line."""
    return ", ".join(map(str, words)) or "nothing"


def text(packet: Captured) -> str:
    """The payload of a PUBLISH as text."""
    return (packet.payload or b"").decode("utf-8", "replace")


def names(connects: list[Captured]) -> str:
    """The client identifiers of CONNECT packets."""
    found = sorted({str(p.packet.client_id or "(empty)") for p in connects})
    return f"client identifier {', '.join(found)}" if found else "no CONNECT"


def filters(game: Game, sender: str | None = None) -> list[tuple[str, int]]:
    """Every (topic filter, requested QoS) in the SUBSCRIBE packets so far, sorted."""
    packets = game.trace.packets(type="SUBSCRIBE", sender=sender)
    return sorted({(str(name), int(qos)) for p in packets for name, qos in p.packet.filters or ()})


def wished(found: list[tuple[str, int]]) -> str:
    """What `filters` gave, in MQTT's words."""
    return "SUBSCRIBE " + (", ".join(f"{name} with QoS {qos}" for name, qos in found) or "nothing")


def will_of(connect: Captured) -> tuple[str, str, int, bool] | None:
    """Topic, payload, QoS and retain of the will in a CONNECT; None when it has none."""
    will = connect.packet.will
    if will is None:
        return None
    payload = will.payload.decode("utf-8", "replace") if isinstance(will.payload, bytes) else str(will.payload)
    return will.topic, payload, will.qos, will.retain


def will_words(will: tuple[str, str, int, bool] | None) -> str:
    """A will in one line."""
    if will is None:
        return "CONNECT without a will"
    return f"will {will[0]} {will[1]!r}, QoS {will[2]}{', RETAIN' if will[3] else ', not retained'}"


def as_json(payload: str | bytes) -> Any:
    """`payload` read as JSON, or None where it is none."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
