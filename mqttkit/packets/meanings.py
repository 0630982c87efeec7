"""One plain sentence for the value of each field, in the terms of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mqttkit.packets.meanings_properties import PROPERTY_MEANINGS
from mqttkit.packets.names import MQTT_5, PACKET_TYPES, VERSION
from mqttkit.packets.properties import BY_IDENTIFIER
from mqttkit.packets.reasons import REFUSED, reason_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.packets.model import Packet

    Meaning = str | Callable[[Any, Packet], str]

_QOS = {
    0: "QoS 0, at most once: sent one time, not acknowledged, and lost if the network loses it",
    1: "QoS 1, at least once: kept until PUBACK arrives and sent again after a reconnect, so it may arrive twice",
    2: "QoS 2, exactly once: four packets make sure that it arrives one time",
}
_TYPES = {
    "CONNECT": "a client asks for a connection",
    "CONNACK": "the broker accepts or refuses the connection",
    "PUBLISH": "an application message",
    "PUBACK": "the receiver has the QoS 1 message",
    "PUBREC": "the receiver has the QoS 2 message (step 1 of 3)",
    "PUBREL": "the sender will not send the QoS 2 message again (step 2 of 3)",
    "PUBCOMP": "the QoS 2 exchange is complete (step 3 of 3)",
    "SUBSCRIBE": "a client asks for the messages of some topics",
    "SUBACK": "the broker grants or refuses each subscription",
    "UNSUBSCRIBE": "a client wants no more messages of some topics",
    "UNSUBACK": "the broker has removed the subscriptions",
    "PINGREQ": "the client shows that it is still there",
    "PINGRESP": "the broker shows that it is still there",
    "DISCONNECT": "the client ends the connection in good order, so its will is not published",
    "AUTH": "one step of an extended login",
}
_ID_IN = {
    "PUBLISH": "Names this message until the exchange is complete; the answer carries the same number.",
    "SUBSCRIBE": "Names this request; the SUBACK carries the same number.",
    "UNSUBSCRIBE": "Names this request; the UNSUBACK carries the same number.",
    "SUBACK": "Answers the SUBSCRIBE with this number.",
    "UNSUBACK": "Answers the UNSUBSCRIBE with this number.",
}


def meaning(name: str, value: Any, packet: Packet) -> str:
    """What `value` means in the field `name` of `packet`; one sentence."""
    if name.startswith("Length of "):
        what = name.removeprefix("Length of ")
        return f"The next {_bytes(value)} {'is' if value == 1 else 'are'} the {what}." if value else f"{what} is empty."
    known = _MEANINGS.get(name) or PROPERTY_MEANINGS.get(name) or "{value}."
    return known.format(value=value) if isinstance(known, str) else known(value, packet)


def bit_meaning(name: str, value: int, packet: Packet) -> str:
    """What the bits `name` of a byte of flags mean; one sentence."""
    known = _BIT_MEANINGS[name]
    return known[value] if isinstance(known, tuple) else known(value, packet)


def _purpose(packet: Packet) -> str:
    if packet.type == "DISCONNECT" and packet.protocol == MQTT_5:  # there the broker may send it, too
        return "the sender ends the connection and says why"
    return _TYPES[packet.type]


def _bytes(count: int) -> str:
    return "byte" if count == 1 else f"{count} bytes"


def _keep_alive(value: int, packet: Packet) -> str:
    if not value:
        return "No keep alive: the broker never closes a silent connection for that reason."
    end = " and publishes the will" if packet.will else ""
    return f"The client sends something at least every {value} s; after {value * 1.5:g} s of silence the broker closes the connection{end}."


def _client_id(value: str, _: Packet) -> str:
    return "The name under which the broker keeps the session." if value else "Empty: the broker makes up a name."


def _packet_id(_: int, packet: Packet) -> str:
    return _ID_IN.get(packet.type, "The number of the exchange that this packet belongs to.")


def _code(value: int, packet: Packet) -> str:
    name = reason_name(packet.type, packet.protocol, value)
    refused = packet.type != "DISCONNECT" and (value >= REFUSED or (packet.type == "CONNACK" and value > 0))
    return f"Refused: {name}." if refused else f"{name[0].upper()}{name[1:]}."


def _topic(value: str, _: Packet) -> str:
    return "The message goes to subscribers of this topic." if value else "Empty: the topic alias below stands for it."


def _version(value: int, _: Packet) -> str:
    return f"{value} stands for {VERSION.get(value, 'an unknown version')}."


def _payload(value: bytes, _: Packet) -> str:
    if not value:
        return "Empty payload; with RETAIN 1 it deletes the retained message of this topic."
    return f"The message itself, {len(value)} byte{'s' if len(value) > 1 else ''}; MQTT does not look inside."


def _identifier(value: int, _: Packet) -> str:
    return f"{value} says that {BY_IDENTIFIER[value].name} follows."


def _properties(value: int, _: Packet) -> str:
    return f"The properties take the next {_bytes(value)}." if value else "No properties."


_MEANINGS: dict[str, Meaning] = {
    "Packet type and flags": "The first byte of every packet: its type and four flags.",
    "Remaining Length": lambda value, _: f"The rest of the packet takes {value} byte{'' if value == 1 else 's'}.",
    "Protocol Name": "Tells the broker that this is MQTT and not something else.",
    "Protocol Level": _version,
    "Connect Flags": "Eight flags: which fields follow, and how the session and the will behave.",
    "Keep Alive": _keep_alive,
    "Client Identifier": _client_id,
    "Will Topic": "The will is published to this topic.",
    "Will Message": "What the broker publishes if the client vanishes without DISCONNECT.",
    "Will Payload": "What the broker publishes if the client vanishes without DISCONNECT.",
    "User Name": "Who the client says it is.",
    "Password": "Readable by anyone on the network unless TLS encrypts the connection.",
    "Connect Acknowledge Flags": "Only its last bit is used.",
    "Connect Return code": _code,
    "Return Code": _code,
    "Reason Code": _code,
    "Packet Identifier": _packet_id,
    "Topic Name": _topic,
    "Topic Filter": "The topics asked for; + stands for one level, # for all levels below.",
    "Requested QoS": lambda value, _: f"The highest QoS at which the broker shall deliver: {value}.",
    "Subscription Options": "Two bits of QoS and three more wishes.",
    "Payload": _payload,
    "Property Length": _properties,
    "Will Property Length": _properties,
    "Property Identifier": _identifier,
}
_RESERVED = ("Reserved, must be 0.", "Reserved, and 1 in this packet type.")
_BIT_MEANINGS: dict[str, tuple[str, ...] | Callable[[int, Packet], str]] = {
    "MQTT Control Packet type": lambda value, packet: f"{value} is {PACKET_TYPES[value]}: {_purpose(packet)}.",
    "Reserved": _RESERVED,
    "Reserved flags": lambda value, packet: f"Always {value:04b} in {packet.type}.",
    "DUP flag": ("Sent for the first time.", "Sent again, because no acknowledgement came for the first one."),
    "QoS level": lambda value, _: f"{_QOS[value]}.",
    "RETAIN": lambda value, _: _RETAIN[value],
    "User Name Flag": ("No user name.", "A user name follows."),
    "Password Flag": ("No password.", "A password follows."),
    "Will Retain": ("The will is not retained.", "The will is published as a retained message."),
    "Will QoS": lambda value, packet: (
        f"The will is published at QoS {value}." if packet.will else "0, as there is no will."
    ),
    "Will Flag": ("No will.", "A will follows."),
    "Clean Session": (
        "The broker keeps the session, and takes up an earlier one.",
        "Starts without an earlier session, keeps none.",
    ),
    "Clean Start": ("Takes up an earlier session where there is one.", "Starts without an earlier session."),
    "Session Present Flag": (
        "The broker has no session of this client.",
        "The broker has kept the session of this client.",
    ),
    "Retain Handling": (
        "Send the retained messages now.",
        "Send the retained messages only if this subscription is new.",
        "Send no retained messages.",
    ),
    "Retain As Published": ("RETAIN is 0 on messages passed on.", "RETAIN stays as the publisher set it."),
    "No Local": ("Also send the client's own messages back.", "Do not send the client's own messages back."),
    "Maximum QoS": lambda value, _: f"The highest QoS at which the broker shall deliver: {value}.",
}
_RETAIN: tuple[str, str] = (
    "To a broker: do not store it. From a broker: it was published after the subscription.",
    "To a broker: store it for later subscribers. From a broker: it was stored before the subscription.",
)
