"""Reads the properties of a MQTT 5 packet (2.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.packets.properties import BY_IDENTIFIER, Property

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mqttkit.packets.reader import Reader


def read_properties(r: Reader, where: str) -> Mapping[str, Any]:
    """Reads Property Length and all properties.

    Args:
        r: stands at the Property Length.
        where: packet type, or "will" for the will properties of a CONNECT.
    """
    start = r.at
    length = r.varint("Will Property Length" if where == "will" else "Property Length")
    end = r.at + length
    if length > r.left:
        found = f"Property Length is {length}, but only {r.left} bytes follow"
        r.fail(found, "It must not reach beyond the packet", "", start)
    properties: dict[str, Any] = {}
    while r.at < end:
        _read_one(r, where, end, properties)
    if "authentication_data" in properties and "authentication_method" not in properties:
        r.fail(
            "Authentication Data without Authentication Method", "Both belong together (MQTT 5, 3.1.2.11.10)", "", start
        )
    return properties


def _read_one(r: Reader, where: str, end: int, properties: dict[str, Any]) -> None:
    start = r.at
    kind = _read_kind(r, where)
    if kind.key in properties and not (kind.key == "user_property" or (kind.repeatable and where == "PUBLISH")):
        r.fail(f"{kind.name} comes twice", "It may stand there only once", "", start)
    value = _read_value(r, kind)
    if r.at > end:
        r.fail(f"{kind.name} goes beyond the Property Length", "It must end with it", "", start)
    properties[kind.key] = (*properties.get(kind.key, ()), value) if kind.repeatable else value


def _read_kind(r: Reader, where: str) -> Property:
    start = r.at
    identifier = r.varint("Property Identifier")
    kind = BY_IDENTIFIER.get(identifier)
    if kind is None:
        r.fail(f"Property Identifier {identifier} does not exist", "See table 2-4 of MQTT 5", "", start)
    if where not in kind.packets:
        place = "the will" if where == "will" else where
        r.fail(f"{kind.name} stands in {place}", f"It belongs in {', '.join(sorted(kind.packets))}", "", start)
    return kind


def _read_value(r: Reader, kind: Property) -> Any:
    if kind.kind == "pair":
        return r.text(f"{kind.name} name"), r.text(f"{kind.name} value")
    if kind.key == "response_topic":
        return r.topic_name(kind.name)
    start = r.at
    value = getattr(r, kind.kind)(kind.name)
    if isinstance(value, int) and not kind.least <= value <= kind.most:
        r.fail(f"{kind.name} is {value}", f"It is {kind.least} to {kind.most}", "", start)
    return value
