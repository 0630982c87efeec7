"""One plain sentence for each MQTT 5 property (2.2.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.packets.model import Packet

_NEVER = 0xFFFF_FFFF  # as Session Expiry Interval (MQTT 5, 3.1.2.11.2)


def _session_expiry(value: int, _: Packet) -> str:
    if value == _NEVER:
        return "The session never ends by itself."
    return f"The session ends {value} s after the connection." if value else "The session ends with the connection."


def _will_delay(value: int, _: Packet) -> str:
    return f"The broker waits {value} s before it publishes the will." if value else "The will is published at once."


def _either(no: str, yes: str) -> Callable[[Any, Packet], str]:
    return lambda value, _: yes if value else no


PROPERTY_MEANINGS: dict[str, str | Callable[[Any, Packet], str]] = {
    "Payload Format Indicator": _either("The payload is unspecified bytes.", "The payload is UTF-8 text."),
    "Message Expiry Interval": "After {value} s the message is too old to be delivered.",
    "Content Type": "What the payload is, such as a MIME type; a hint to the receiver.",
    "Response Topic": "An answer to this message shall be published to this topic.",
    "Correlation Data": "Comes back with the answer, so that the asker knows which question it answers.",
    "Subscription Identifier": "The number a client gave to the subscription that this belongs to.",
    "Session Expiry Interval": _session_expiry,
    "Assigned Client Identifier": "The name that the broker made up for this client.",
    "Server Keep Alive": "The client shall use a keep alive of {value} s instead of its own.",
    "Authentication Method": "The name of the extended login.",
    "Authentication Data": "What this step of the extended login carries.",
    "Request Problem Information": _either(
        "No reason strings wanted, except where something is refused.", "Reason strings are welcome."
    ),
    "Will Delay Interval": _will_delay,
    "Request Response Information": _either("No response information wanted.", "Response information is welcome."),
    "Response Information": "A hint for making response topics.",
    "Server Reference": "Another broker that the client may use.",
    "Reason String": "Why, in words for people.",
    "Receive Maximum": "At most {value} QoS 1 and 2 messages may wait for their acknowledgement.",
    "Topic Alias Maximum": "Topic aliases 1 to {value} may be used towards the sender of this; 0 means none.",
    "Topic Alias": "The number {value} stands for the topic, in this packet and later ones.",
    "Maximum QoS": "The broker takes messages of QoS {value} at most.",
    "Retain Available": _either("The broker does not store retained messages.", "The broker stores retained messages."),
    "User Property name": "The name of a pair that the applications agreed on.",
    "User Property value": "The value that belongs to the name before.",
    "Maximum Packet Size": "Packets of more than {value} bytes must not be sent back.",
    "Wildcard Subscription Available": _either("The broker refuses wildcards.", "The broker accepts wildcards."),
    "Subscription Identifier Available": _either(
        "The broker refuses subscription identifiers.", "The broker accepts subscription identifiers."
    ),
    "Shared Subscription Available": _either(
        "The broker refuses shared subscriptions.", "The broker accepts shared subscriptions."
    ),
}
