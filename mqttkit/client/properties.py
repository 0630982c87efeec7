"""MQTT 5 properties: a dict with the standard's names in snake_case, and paho's object. No I/O."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.client import MQTTv5
from paho.mqtt.properties import Properties

from mqttkit._words import did_you_mean
from mqttkit.errors import InvalidArgument


def to_paho(values: Mapping[str, Any] | Properties | None, packet_type: int, protocol: int) -> Properties | None:
    """`values` such as {"message_expiry_interval": 60} as paho's object for a packet of `packet_type`."""
    if not values:
        return None
    if protocol != MQTTv5:
        raise InvalidArgument("Properties are new in MQTT 5. Make the client with protocol=5, or leave properties out.")
    if isinstance(values, Properties):
        return values
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        _set(properties, name, value)
    return properties


def _set(properties: Properties, name: str, value: Any) -> None:
    known = {_snake(camel.replace(" ", "")): camel.replace(" ", "") for camel in properties.names}
    if name not in known:
        hint = did_you_mean(name, known) or f" There are: {', '.join(sorted(known))}."
        raise InvalidArgument(f"MQTT 5 has no property {name!r}.{hint}")
    if name == "user_property" and isinstance(value, Mapping):
        value = [(str(key), str(text)) for key, text in value.items()]
    try:
        setattr(properties, known[name], value)
        properties.pack()  # type: ignore[no-untyped-call] # paho looks at types only now
    except (MQTTException, TypeError, ValueError, AttributeError, struct.error) as error:
        raise InvalidArgument(f"The property {name!r} cannot be {value!r} here: {error}") from None


def from_paho(properties: Properties | None) -> dict[str, Any]:
    """What `properties` holds, by snake_case name; empty for MQTT 3.1.1."""
    if properties is None:
        return {}
    names = [camel.replace(" ", "") for camel in properties.names]
    return {_snake(name): getattr(properties, name) for name in names if hasattr(properties, name)}


def _snake(camel: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", camel).lower()
