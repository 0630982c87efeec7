"""MQTT packets: bytes to Packet and back, every field with its place and its meaning. No I/O.

>>> from mqttkit.packets import decode
>>> decode(bytes.fromhex("30 07 00 03 61 2f 62 6f 6e"))
<PUBLISH  QoS 0  a/b  "on">

Source: MQTT Version 3.1.1, OASIS Standard, 29 October 2014; MQTT Version 5.0, OASIS Standard, 07 March 2019.
Statements are cited as [MQTT-x.y.z-n] (3.1.1) and [MQTT5-x.y.z-n] (5).
"""

from mqttkit.packets.anatomy import Anatomy
from mqttkit.packets.decoder import decode
from mqttkit.packets.encoder import altered, encode
from mqttkit.packets.model import Field, Packet
from mqttkit.packets.names import PACKET_TYPES
from mqttkit.packets.reasons import reason_codes, reason_name
from mqttkit.packets.splitter import Splitter, packet_length

__all__ = [
    "PACKET_TYPES",
    "Anatomy",
    "Field",
    "Packet",
    "Splitter",
    "altered",
    "decode",
    "encode",
    "packet_length",
    "reason_codes",
    "reason_name",
]
