"""What decoding gives: a Packet, and its Fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mqttkit.message import Will
    from mqttkit.packets.anatomy import Anatomy


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a packet.

    Attributes:
        name: its name in the standard.
        value: int, str, bytes or bool.
        meaning: the value in words, one plain sentence.
        start: index of its first byte in the packet.
        end: index after its last byte.
        bits: None for whole bytes, else (highest, lowest) bit of its one byte; 7 is the most significant.
    """

    name: str
    value: Any
    meaning: str
    start: int
    end: int
    bits: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Packet:
    """One MQTT control packet. An attribute is None (or empty) where its type has no such field.

    Two packets are equal when their bytes and their protocol are.

    Attributes:
        type: "CONNECT" ... "AUTH".
        raw: all its bytes.
        protocol: 3 (MQTT 3.1), 4 (MQTT 3.1.1) or 5: the protocol level it was read with.
        packet_id: packet identifier, 1 to 65535.
        qos: QoS of a PUBLISH.
        dup: DUP flag of a PUBLISH.
        retain: RETAIN flag of a PUBLISH.
        topic: topic name of a PUBLISH; "" where MQTT 5 sent a topic alias alone.
        payload: payload of a PUBLISH.
        client_id: client identifier of a CONNECT.
        clean_session: Clean Session flag of a CONNECT (MQTT 5: Clean Start).
        keep_alive: seconds, 0 for none.
        will: will message of a CONNECT, its payload as bytes.
        username: user name of a CONNECT.
        password: password of a CONNECT.
        session_present: flag of a CONNACK.
        return_code: of a CONNACK; with MQTT 5 the reason code of any acknowledgement, DISCONNECT or AUTH.
        filters: (topic filter, requested QoS) of a SUBSCRIBE; (topic filter, 0) of an UNSUBSCRIBE.
        options: the subscription options byte of each filter of a SUBSCRIBE.
        return_codes: of a SUBACK; with MQTT 5 also of an UNSUBACK.
        properties: MQTT 5 properties by snake_case name. `user_property` is a tuple of (name, value) pairs and
            `subscription_identifier` a tuple of numbers, as both may come several times.
        will_properties: MQTT 5 properties of the will.
    """

    type: str
    raw: bytes
    protocol: int
    packet_id: int | None = None
    qos: int | None = None
    dup: bool | None = None
    retain: bool | None = None
    topic: str | None = None
    payload: bytes | None = None
    client_id: str | None = None
    clean_session: bool | None = None
    keep_alive: int | None = None
    will: Will | None = None
    username: str | None = None
    password: bytes | None = None
    session_present: bool | None = None
    return_code: int | None = None
    filters: tuple[tuple[str, int], ...] = ()
    options: tuple[int, ...] = ()
    return_codes: tuple[int, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    will_properties: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field in the order of its bytes; a byte of flags is followed by its bits."""
        from mqttkit.packets.fields import fields_of

        return fields_of(self)

    def summary(self) -> str:
        """One short printable line: what follows the packet type in a ladder."""
        from mqttkit.packets.summary import summary_of

        return summary_of(self)

    def anatomy(self) -> Anatomy:
        """Every byte explained; displays itself in a notebook, `print` shows the same as text."""
        from mqttkit.packets.anatomy import Anatomy

        return Anatomy(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Packet):
            return NotImplemented
        return self.raw == other.raw and self.protocol == other.protocol

    def __hash__(self) -> int:
        return hash((self.raw, self.protocol))

    def __repr__(self) -> str:
        return f"<{self.type}{'  ' if self.summary() else ''}{self.summary()}>"


# Defaults shared by all packets: the decoder fills __dict__ directly, which is several times faster than the
# __init__ of a frozen class with 22 attributes, and what it leaves out is found here.
Packet.properties = MappingProxyType({})
Packet.will_properties = MappingProxyType({})


def new_packet(values: dict[str, Any]) -> Packet:
    """A Packet with these attributes; the others keep their defaults."""
    packet = object.__new__(Packet)
    packet.__dict__.update(values)
    return packet
