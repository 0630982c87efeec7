"""Which packets may change places on their way, by the ordering rules of the standard (MQTT 3.1.1, 4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqttkit.packets import Packet

_MOVABLE = ("PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP")


def may_overtake(first: Packet, second: Packet) -> bool:
    """True where the standard lets `second` arrive before `first`, both sent by the same side.

    Messages keep their order within one topic and QoS [MQTT-4.6.0-6]; acknowledgements of one kind keep theirs
    [MQTT-4.6.0-2, -3, -4]; the two halves of one handshake keep theirs; connecting and subscribing is never moved.
    """
    if first.type not in _MOVABLE or second.type not in _MOVABLE:
        return False
    if first.type == second.type == "PUBLISH":
        return (first.topic, first.qos) != (second.topic, second.qos)
    return first.type != second.type and first.packet_id != second.packet_id
