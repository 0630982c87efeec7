"""Return codes (MQTT 3.1.1) and reason codes (MQTT 5): their names and where they may stand."""

from __future__ import annotations

from mqttkit.packets.names import MQTT_5

# MQTT 3.1.1, table 3.1.
CONNACK_3 = {
    0: "accepted",
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
# MQTT 3.1.1, 3.9.3.
SUBACK_3 = {0: "granted QoS 0", 1: "granted QoS 1", 2: "granted QoS 2", 0x80: "failure"}

_PUBLISHED = "PUBACK PUBREC"
_ALL_ACKS = "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT"
_REFUSALS = "CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT"
_SERVER = "CONNACK DISCONNECT"

# MQTT 5, table 2-6: code -> (name, packet types it may stand in).
_TABLE: dict[int, tuple[str, str]] = {
    0x00: ("success", "CONNACK PUBACK PUBREC PUBREL PUBCOMP UNSUBACK AUTH SUBACK DISCONNECT"),
    0x01: ("granted QoS 1", "SUBACK"),
    0x02: ("granted QoS 2", "SUBACK"),
    0x04: ("disconnect with will message", "DISCONNECT"),
    0x10: ("no matching subscribers", _PUBLISHED),
    0x11: ("no subscription existed", "UNSUBACK"),
    0x18: ("continue authentication", "AUTH"),
    0x19: ("re-authenticate", "AUTH"),
    0x80: ("unspecified error", _REFUSALS),
    0x81: ("malformed packet", _SERVER),
    0x82: ("protocol error", _SERVER),
    0x83: ("implementation specific error", _REFUSALS),
    0x84: ("unsupported protocol version", "CONNACK"),
    0x85: ("client identifier not valid", "CONNACK"),
    0x86: ("bad user name or password", "CONNACK"),
    0x87: ("not authorized", _REFUSALS),
    0x88: ("server unavailable", "CONNACK"),
    0x89: ("server busy", _SERVER),
    0x8A: ("banned", "CONNACK"),
    0x8B: ("server shutting down", "DISCONNECT"),
    0x8C: ("bad authentication method", _SERVER),
    0x8D: ("keep alive timeout", "DISCONNECT"),
    0x8E: ("session taken over", "DISCONNECT"),
    0x8F: ("topic filter invalid", "SUBACK UNSUBACK DISCONNECT"),
    0x90: ("topic name invalid", "CONNACK PUBACK PUBREC DISCONNECT"),
    0x91: ("packet identifier in use", "PUBACK PUBREC SUBACK UNSUBACK"),
    0x92: ("packet identifier not found", "PUBREL PUBCOMP"),
    0x93: ("receive maximum exceeded", "DISCONNECT"),
    0x94: ("topic alias invalid", "DISCONNECT"),
    0x95: ("packet too large", _SERVER),
    0x96: ("message rate too high", "DISCONNECT"),
    0x97: ("quota exceeded", "CONNACK PUBACK PUBREC SUBACK DISCONNECT"),
    0x98: ("administrative action", "DISCONNECT"),
    0x99: ("payload format invalid", "CONNACK PUBACK PUBREC DISCONNECT"),
    0x9A: ("retain not supported", _SERVER),
    0x9B: ("QoS not supported", _SERVER),
    0x9C: ("use another server", _SERVER),
    0x9D: ("server moved", _SERVER),
    0x9E: ("shared subscriptions not supported", "SUBACK DISCONNECT"),
    0x9F: ("connection rate exceeded", _SERVER),
    0xA0: ("maximum connect time", "DISCONNECT"),
    0xA1: ("subscription identifiers not supported", "SUBACK DISCONNECT"),
    0xA2: ("wildcard subscriptions not supported", "SUBACK DISCONNECT"),
}
_OTHER_NAMES = {("DISCONNECT", 0): "normal disconnection", ("SUBACK", 0): "granted QoS 0", ("CONNACK", 0): "accepted"}
REFUSED = 0x80  # codes from here on mean failure (MQTT 5, 2.4)


def reason_codes(packet_type: str, protocol: int) -> dict[int, str]:
    """Every code that may stand in `packet_type`, with its name in the standard's words."""
    if protocol != MQTT_5:
        return {"CONNACK": CONNACK_3, "SUBACK": SUBACK_3}.get(packet_type, {})
    return _CODES_5.get(packet_type, {})


def reason_name(packet_type: str, protocol: int, code: int) -> str:
    """The name of one code, such as "not authorized"; "reserved" for one that may not stand there."""
    return reason_codes(packet_type, protocol).get(code, "reserved")


_CODES_5 = {
    packet_type: {
        code: _OTHER_NAMES.get((packet_type, code), name)
        for code, (name, types) in _TABLE.items()
        if packet_type in types.split()
    }
    for packet_type in [*_ALL_ACKS.split(), "AUTH"]
}
