"""The properties of MQTT 5 (2.2.2.2, table 2-4): identifier, name, type, and the packets they may stand in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One kind of property.

    Attributes:
        identifier: its number on the wire.
        name: its name in the standard.
        kind: "byte", "uint16", "uint32", "varint", "text", "binary" or "pair".
        packets: the packet types it may stand in; "will" for the will properties of a CONNECT.
        least: smallest number allowed.
        most: largest number allowed.
    """

    identifier: int
    name: str
    kind: str
    packets: frozenset[str]
    least: int
    most: int

    @property
    def key(self) -> str:
        """Its name in Python, such as "session_expiry_interval"."""
        return self.name.lower().replace(" ", "_")

    @property
    def repeatable(self) -> bool:
        """True for User Property, and for Subscription Identifier, which a PUBLISH may carry several times."""
        return self.key in ("user_property", "subscription_identifier")


_MOST = {"byte": 0xFF, "uint16": 0xFFFF, "uint32": 0xFFFF_FFFF, "varint": 268_435_455}
_ACKS = "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH"


def _property(identifier: int, name: str, kind: str, packets: str, numbers: tuple[int, int] | None = None) -> Property:
    least, most = numbers or (0, _MOST.get(kind, 0))
    return Property(identifier, name, kind, frozenset(packets.split()), least, most)


_TABLE = (
    _property(1, "Payload Format Indicator", "byte", "PUBLISH will", (0, 1)),
    _property(2, "Message Expiry Interval", "uint32", "PUBLISH will"),
    _property(3, "Content Type", "text", "PUBLISH will"),
    _property(8, "Response Topic", "text", "PUBLISH will"),
    _property(9, "Correlation Data", "binary", "PUBLISH will"),
    _property(11, "Subscription Identifier", "varint", "PUBLISH SUBSCRIBE", (1, 268_435_455)),
    _property(17, "Session Expiry Interval", "uint32", "CONNECT CONNACK DISCONNECT"),
    _property(18, "Assigned Client Identifier", "text", "CONNACK"),
    _property(19, "Server Keep Alive", "uint16", "CONNACK"),
    _property(21, "Authentication Method", "text", "CONNECT CONNACK AUTH"),
    _property(22, "Authentication Data", "binary", "CONNECT CONNACK AUTH"),
    _property(23, "Request Problem Information", "byte", "CONNECT", (0, 1)),
    _property(24, "Will Delay Interval", "uint32", "will"),
    _property(25, "Request Response Information", "byte", "CONNECT", (0, 1)),
    _property(26, "Response Information", "text", "CONNACK"),
    _property(28, "Server Reference", "text", "CONNACK DISCONNECT"),
    _property(31, "Reason String", "text", _ACKS),
    _property(33, "Receive Maximum", "uint16", "CONNECT CONNACK", (1, 0xFFFF)),
    _property(34, "Topic Alias Maximum", "uint16", "CONNECT CONNACK"),
    _property(35, "Topic Alias", "uint16", "PUBLISH", (1, 0xFFFF)),
    _property(36, "Maximum QoS", "byte", "CONNACK", (0, 1)),
    _property(37, "Retain Available", "byte", "CONNACK", (0, 1)),
    _property(38, "User Property", "pair", f"CONNECT PUBLISH will SUBSCRIBE UNSUBSCRIBE {_ACKS}"),
    _property(39, "Maximum Packet Size", "uint32", "CONNECT CONNACK", (1, 0xFFFF_FFFF)),
    _property(40, "Wildcard Subscription Available", "byte", "CONNACK", (0, 1)),
    _property(41, "Subscription Identifier Available", "byte", "CONNACK", (0, 1)),
    _property(42, "Shared Subscription Available", "byte", "CONNACK", (0, 1)),
)
BY_IDENTIFIER = {item.identifier: item for item in _TABLE}
BY_KEY = {item.key: item for item in _TABLE}
