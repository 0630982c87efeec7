"""The two small values a learner hands around: a received Message and a Will."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 200  # bytes of a payload in a list of messages


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One application message, as a client received it.

    Attributes:
        topic: topic name it was published to.
        payload: its bytes, exactly as they crossed the wire.
        qos: QoS of this delivery (0, 1, 2), at most that of the subscription [MQTT-3.8.4-6].
        retain: True when the broker had stored it before this client subscribed [MQTT-3.3.1-8].
        dup: True when the sender tried to deliver this packet before [MQTT-3.3.1-1].
        packet_id: packet identifier of the delivery; None at QoS 0.
        properties: MQTT 5 properties by name; empty with MQTT 3.1.1.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = field(default=None, compare=False)
    properties: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        payload = repr(self.payload)
        if len(self.payload) > _SHOWN:
            payload = f"{self.payload[:_SHOWN]!r}... ({len(self.payload)} bytes)"
        return f"Message(topic={self.topic!r}, payload={payload}, qos={self.qos}, retain={self.retain}, dup={self.dup})"

    @property
    def text(self) -> str:
        """The payload as UTF-8 text; bytes that are not UTF-8 show as the replacement character."""
        return self.payload.decode("utf-8", "replace")

    def json(self) -> Any:
        """The payload read as JSON. Raises ValueError where it is not JSON."""
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True)
class Will:
    """A will message: the broker publishes it when the client vanishes without DISCONNECT [MQTT-3.1.2-8]."""

    topic: str
    payload: str | bytes = b""
    qos: int = 0
    retain: bool = False
