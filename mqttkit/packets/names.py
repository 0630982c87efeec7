"""Names and numbers of the standard that several modules share."""

from __future__ import annotations

# Index = packet type number, the upper four bits of the first byte (MQTT 3.1.1, table 2.1; MQTT 5, table 2-1).
PACKET_TYPES: tuple[str, ...] = (
    "RESERVED",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",  # MQTT 5 only
)
TYPE_NUMBER = {name: number for number, name in enumerate(PACKET_TYPES)}

# The lower four bits of the first byte; PUBLISH uses them for DUP, QoS and RETAIN (table 2.2).
REQUIRED_FLAGS = dict.fromkeys(PACKET_TYPES, 0) | {"PUBREL": 2, "SUBSCRIBE": 2, "UNSUBSCRIBE": 2}

MQTT_3_1, MQTT_5 = 3, 5  # protocol levels with rules of their own
MORE = 0x80  # the bit of a variable byte integer that says that another byte follows (2.2.3)
VERSION = {3: "MQTT 3.1", 4: "MQTT 3.1.1", 5: "MQTT 5"}
PROTOCOL_NAME = {3: "MQIsdp", 4: "MQTT", 5: "MQTT"}
MAX_REMAINING_LENGTH = 268_435_455  # four bytes of seven bits (2.2.3)
MAX_PACKET_ID = 65535
