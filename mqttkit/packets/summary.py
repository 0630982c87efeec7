"""One short printable line about a packet: what follows its type in a ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.packets.names import MQTT_3_1, MQTT_5
from mqttkit.packets.printable import show_hex, show_payload, show_text
from mqttkit.packets.reasons import REFUSED, reason_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mqttkit.message import Will
    from mqttkit.packets.model import Packet


def summary_of(packet: Packet) -> str:
    """The parts that tell one packet of its type from another, two spaces between them; "" where there are none."""
    return "  ".join(summary_parts(packet))


def summary_parts(p: Packet) -> Iterator[str]:
    """The parts of the summary, one by one: an identifier, a flag, a topic, a payload ..."""
    if p.packet_id is not None:
        yield f"id {p.packet_id}"
    yield from _publish_parts(p)
    yield from _connect_parts(p)
    yield from _code_parts(p)
    options = p.options or (0,) * len(p.filters)
    for (topic_filter, qos), option in zip(p.filters, options, strict=True):
        yield (
            f"{show_text(topic_filter)} QoS {qos}{_options(option)}"
            if p.type == "SUBSCRIBE"
            else show_text(topic_filter)
        )
    yield from _properties(p.properties)


def _publish_parts(p: Packet) -> Iterator[str]:
    if p.type != "PUBLISH":
        return
    yield f"QoS {p.qos}"
    if p.dup:
        yield "DUP"
    if p.retain:
        yield "RETAIN"
    yield show_text(p.topic) if p.topic else "topic by alias"
    yield show_payload(p.payload or b"")


def _connect_parts(p: Packet) -> Iterator[str]:
    if p.type != "CONNECT":
        return
    yield f'client id "{show_text(p.client_id or "")}"'
    clean = "clean start" if p.protocol == MQTT_5 else "clean session"
    yield clean if p.clean_session else clean.replace("clean", "keep").replace("start", "session")
    yield f"keep alive {p.keep_alive} s" if p.keep_alive else "no keep alive"
    if p.will:
        yield _will(p.will)
    if p.username is not None:
        yield f'user "{show_text(p.username)}"'
    if p.password is not None:
        yield "with password"
    if p.protocol == MQTT_3_1:
        yield "MQTT 3.1"


def _will(will: Will) -> str:
    retain = " RETAIN" if will.retain else ""
    payload = will.payload.encode() if isinstance(will.payload, str) else will.payload
    return f"will {show_text(will.topic)} {show_payload(payload)} QoS {will.qos}{retain}"


def _code_parts(p: Packet) -> Iterator[str]:
    codes = p.return_codes or (() if p.return_code is None else (p.return_code,))
    quiet = p.type in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "AUTH")
    for code in codes:
        name = reason_name(p.type, p.protocol, code)
        if code >= REFUSED or (p.type == "CONNACK" and code):
            yield f"{name} ({code})" if p.type == "DISCONNECT" else f"refused: {name} ({code})"
        elif code or not quiet:
            yield name
    if p.session_present:
        yield "session present"


def _options(options: int) -> str:
    """What MQTT 5 asks for beyond QoS (3.8.3.1)."""
    words = [", no local" if options & 4 else "", ", retain as published" if options & 8 else ""]
    handling = options >> 4 & 3
    words.append(f", retain handling {handling}" if handling else "")
    return "".join(words)


def _properties(properties: Mapping[str, Any]) -> Iterator[str]:
    for key, value in properties.items():
        for one in value if isinstance(value, tuple) else (value,):
            yield f"{key.replace('_', ' ')} {_property(one)}"


def _property(value: Any) -> str:
    if isinstance(value, bytes):
        return show_hex(value)
    if isinstance(value, tuple):
        return "=".join(map(show_text, value))
    return f'"{show_text(value)}"' if isinstance(value, str) else str(value)
