"""Every check of a received packet, one correction each: a wrong packet closes its own connection [MQTT-4.8.0-1]."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mqttkit.broker.embedded.corrections import corrects
from mqttkit.broker.embedded.wire import CONNECT, PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE, Reader, malformed
from mqttkit.errors import MalformedPacket
from mqttkit.topics import UNWANTED, check_topic_filter, check_topic_name

_NEEDED_FLAGS = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}
_FROM_A_CLIENT = {1, 3, 4, 5, 6, 7, 8, 10, 12, 14}
_HIGHEST_QOS = 2

_valid_name = lru_cache(maxsize=4096)(check_topic_name)  # a client publishes to the same few topics again and again


def accept(*_: Any, **__: Any) -> None:
    """Stock amqtt: no check."""


class UnsupportedProtocol(MalformedPacket):
    """A CONNECT of a protocol version this engine does not speak; `level` is the one it asked for."""

    def __init__(self, level: int) -> None:
        super().__init__(f"protocol level {level} is not spoken here [MQTT-3.1.2-2]", statement="MQTT-3.1.2-2")
        self.level = level


@dataclass(slots=True)
class Connect:
    """What a CONNECT packet asks for."""

    protocol: int
    client_id: str
    clean_session: bool
    keep_alive: int
    will_topic: str | None = None
    will_payload: bytes = b""
    will_qos: int = 0
    will_retain: bool = False
    username: str | None = None
    password: bytes | None = None


class Checks:
    """Bytes of a packet -> its values, or an error that names the statement that is broken.

    The error is InvalidTopic for topics (whose rules are those of `mqttkit.topics`), MalformedPacket for all else.
    """

    # --- texts and numbers
    @corrects("MQTT-1.5.3-1", stock=lambda _self, data: data.decode("utf-8", "replace"))
    def utf8(self, data: bytes) -> str:
        """Text that is not UTF-8 closes the connection."""
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("text that is not UTF-8", "MQTT-1.5.3-1") from None

    @corrects("MQTT-1.5.3-2", stock=accept)
    def refuse_nul(self, text: str) -> None:
        """U+0000 in a text closes the connection."""
        if "\0" in text:
            raise malformed("U+0000 inside a text", "MQTT-1.5.3-2")

    @corrects("MQTT-1.5.3", stock=accept)
    def refuse_control_characters(self, text: str) -> None:
        """Control characters and non-characters in a text close the connection: the standard allows it, mosquitto does."""
        if UNWANTED.search(text):
            raise malformed("a control character inside a text", "MQTT-1.5.3")

    @corrects("MQTT-2.3.1-1", stock=accept)
    def refuse_packet_id_zero(self, packet_id: int) -> None:
        """A packet identifier is never 0."""
        if not packet_id:
            raise malformed("packet identifier 0", "MQTT-2.3.1-1")

    @corrects("MQTT-4.8.0-1", stock=accept)
    def refuse_left_over(self, reader: Reader) -> None:
        """A packet that is longer than its fields closes the connection."""
        if reader.more:
            raise malformed("bytes are left after the last field")

    def _text(self, reader: Reader) -> str:
        text = self.utf8(reader.binary())
        self.refuse_nul(text)
        self.refuse_control_characters(text)
        return text

    def _packet_id(self, reader: Reader) -> int:
        packet_id = reader.integer()
        self.refuse_packet_id_zero(packet_id)
        return packet_id

    # --- fixed header
    @corrects("MQTT-2.2.2-2", stock=accept)
    def refuse_flags(self, packet_type: int, flags: int) -> None:
        """Flags other than those the standard fixes for the packet type close the connection."""
        if packet_type != PUBLISH and flags != _NEEDED_FLAGS.get(packet_type, 0):
            raise malformed(f"flags {flags:04b} in a packet of type {packet_type}", "MQTT-2.2.2-2")

    @corrects("MQTT-4.8.0-1", stock=accept)
    def refuse_server_packets(self, packet_type: int) -> None:
        """Reserved types and packets that only a server sends close the connection."""
        if packet_type not in _FROM_A_CLIENT:
            raise malformed(f"packet type {packet_type} from a client", "MQTT-4.8.0-1")

    @corrects("MQTT-3.1.0-2", stock=accept)
    def refuse_second_connect(self, packet_type: int) -> None:
        """A second CONNECT closes the connection."""
        if packet_type == CONNECT:
            raise malformed("a second CONNECT", "MQTT-3.1.0-2")

    # --- topics
    def _topic_name(self, reader: Reader) -> str:
        return _valid_name(self._text(reader))

    def _topic_filter(self, reader: Reader) -> str:
        return check_topic_filter(self._text(reader))

    # --- CONNECT
    def read_connect(self, body: bytes) -> Connect:
        """The values of a CONNECT packet."""
        reader = Reader(body)
        protocol = self._protocol(reader)
        flags, keep_alive = reader.byte(), reader.integer()
        self.refuse_connect_flags(flags)
        connect = Connect(protocol, self._text(reader), bool(flags & 0x02), keep_alive)
        if flags & 0x04:
            connect.will_topic, connect.will_payload = self._topic_name(reader), reader.binary()
            connect.will_qos, connect.will_retain = flags >> 3 & 3, bool(flags & 0x20)
        connect.username = self._text(reader) if flags & 0x80 else None
        connect.password = reader.binary() if flags & 0x40 else None
        self.refuse_left_over(reader)
        return connect

    def _protocol(self, reader: Reader) -> int:
        name, level = self._text(reader), reader.byte()
        if (name, level) == ("MQTT", 4) or self.mqtt_31(name, level):
            return level
        if name == "MQTT":
            raise UnsupportedProtocol(level)
        raise malformed(f"protocol name {name[:10]!r}", "MQTT-3.1.2-1")

    @corrects("MQTT-3.1.2-1", stock=lambda _self, _name, _level: False)
    def mqtt_31(self, name: str, level: int) -> bool:
        """MQTT 3.1 is served too, as mosquitto does: old devices and some tools speak it."""
        return (name, level) == ("MQIsdp", 3)

    @corrects("MQTT-3.1.2-3", stock=accept)
    def refuse_connect_flags(self, flags: int) -> None:
        """The connect flags must not contradict each other."""
        if flags & 0x01:
            raise malformed("the reserved connect flag is set", "MQTT-3.1.2-3")
        if not flags & 0x04 and flags & 0x38:
            raise malformed("will QoS or will retain without a will", "MQTT-3.1.2-11")
        if flags & 0x18 == 0x18:  # noqa: PLR2004 - both bits
            raise malformed("will QoS 3", "MQTT-3.1.2-14")
        if flags & 0xC0 == 0x40:  # noqa: PLR2004 - password flag alone
            raise malformed("a password without a user name", "MQTT-3.1.2-22")

    # --- PUBLISH and its acknowledgements
    def read_publish(self, flags: int, body: bytes) -> tuple[str, bytes, int, int]:
        """(topic, payload, QoS, packet identifier or 0) of a PUBLISH packet."""
        qos = flags >> 1 & 3
        self.refuse_publish_flags(qos, dup=bool(flags & 0x08))
        reader = Reader(body)
        topic = self._topic_name(reader)
        packet_id = self._packet_id(reader) if qos else 0
        return topic, body[reader.at :], qos, packet_id

    @corrects("MQTT-3.3.1-4", stock=accept)
    def refuse_publish_flags(self, qos: int, *, dup: bool) -> None:
        """There is no QoS 3, and QoS 0 is never a duplicate."""
        if qos > _HIGHEST_QOS:
            raise malformed("QoS 3", "MQTT-3.3.1-4")
        if dup and not qos:
            raise malformed("DUP at QoS 0", "MQTT-3.3.1-2")

    def read_packet_id(self, body: bytes) -> int:
        """The packet identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP, which holds nothing else."""
        reader = Reader(body)
        packet_id = self._packet_id(reader)
        self.refuse_left_over(reader)
        return packet_id

    # --- SUBSCRIBE and UNSUBSCRIBE
    def read_subscribe(self, body: bytes) -> tuple[int, list[tuple[str, int]]]:
        """(packet identifier, [(topic filter, requested QoS)]) of a SUBSCRIBE packet."""
        reader = Reader(body)
        packet_id, wanted = self._packet_id(reader), []
        while reader.more:
            wanted.append((self._topic_filter(reader), reader.byte()))
        self.refuse_empty_subscribe(wanted)
        return packet_id, wanted

    @corrects("MQTT-3.8.3-3", stock=accept)
    def refuse_empty_subscribe(self, wanted: list[tuple[str, int]]) -> None:
        """SUBSCRIBE names at least one topic filter, each with QoS 0, 1 or 2."""
        if not wanted:
            raise malformed("SUBSCRIBE without a topic filter", "MQTT-3.8.3-3")
        if any(qos > _HIGHEST_QOS for _, qos in wanted):
            raise malformed("requested QoS above 2", "MQTT-3.8.3-4")

    def read_unsubscribe(self, body: bytes) -> tuple[int, list[str]]:
        """(packet identifier, [topic filter]) of an UNSUBSCRIBE packet."""
        reader = Reader(body)
        packet_id, filters = self._packet_id(reader), []
        while reader.more:
            filters.append(self._topic_filter(reader))
        self.refuse_empty_unsubscribe(filters)
        return packet_id, filters

    @corrects("MQTT-3.10.3-2", stock=accept)
    def refuse_empty_unsubscribe(self, filters: list[str]) -> None:
        """UNSUBSCRIBE names at least one topic filter."""
        if not filters:
            raise malformed("UNSUBSCRIBE without a topic filter", "MQTT-3.10.3-2")
