"""Reads the data types of the standard (1.5) from bytes, one after the other, and refuses what it does not allow."""

from __future__ import annotations

from typing import NoReturn

from mqttkit.errors import InvalidTopic, MalformedPacket
from mqttkit.packets.names import MORE, MQTT_5
from mqttkit.packets.printable import show_text
from mqttkit.topics import check_topic_filter, check_topic_name

_MAX_LENGTH_BYTES = 4  # of a variable byte integer (2.2.3; MQTT 5, 1.5.5)


class Reader:
    """A position in the bytes of one packet.

    Every method takes the field's name in the standard, which the errors use.

    Attributes:
        data: the packet.
        at: index of the next byte.
        type: packet type.
        protocol: 3, 4 or 5.
    """

    def __init__(self, data: bytes, protocol: int, packet_type: str = "packet") -> None:
        self.data = data
        self.at = 0
        self.protocol = protocol
        self.type = packet_type

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self.data) - self.at

    def byte(self, name: str) -> int:
        """One byte (1.5.1)."""
        return self._take(1, name)[0]

    def uint16(self, name: str) -> int:
        """Two bytes, the most significant first (1.5.2)."""
        return int.from_bytes(self._take(2, name), "big")

    def uint32(self, name: str) -> int:
        """Four bytes, the most significant first (MQTT 5, 1.5.3)."""
        return int.from_bytes(self._take(4, name), "big")

    def varint(self, name: str) -> int:
        """A variable byte integer: seven bits a byte, the eighth says that more follow (2.2.3; MQTT 5, 1.5.5)."""
        start, value = self.at, 0
        for number in range(_MAX_LENGTH_BYTES):
            byte = self._take(1, name)[0]
            value |= (byte & 0x7F) << 7 * number
            if byte < MORE:
                break
        else:
            self.fail(f"{name} goes on after 4 bytes", "The standard allows at most 4", "", start)
        if byte == 0 and number:
            wanted = "The standard wants the fewest bytes that hold the value"
            self.fail(f"{name} {value} is written with {number + 1} bytes", wanted, "/1.5.5-1", start)
        return value

    def text(self, name: str) -> str:
        """A UTF-8 string behind its length in two bytes [MQTT-1.5.3-1]."""
        start = self.at + 2
        encoded = self._prefixed(name)
        try:
            value = encoded.decode()
        except UnicodeDecodeError as error:
            found = f"{name} has the byte 0x{encoded[error.start]:02X}, which is not UTF-8 there"
            self.fail(found, "The standard wants UTF-8", "1.5.3-1/1.5.4-1", start + error.start)
        if "\0" in value:
            found = f"{name} contains the NUL character"
            self.fail(found, "The standard forbids U+0000 in text", "1.5.3-2/1.5.4-2", start + encoded.index(0))
        return value

    def binary(self, name: str) -> bytes:
        """Bytes behind their length in two bytes (MQTT 5, 1.5.6)."""
        return self._prefixed(name)

    def rest(self, name: str) -> bytes:
        """All bytes that are left."""
        return self._take(self.left, name)

    def topic_name(self, name: str) -> str:
        """A UTF-8 string without wildcards [MQTT-3.3.2-2]."""
        start, value = self.at + 2, self.text(name)
        try:
            return check_topic_name(value)
        except InvalidTopic as error:
            offset = start + len(value[: error.position].encode())
            wanted = "The standard wants a topic name: at least one character, no wildcard"
            rule = "3.3.2-2/3.3.2-2" if value else "4.7.3-1/4.7.3-1"
            self.fail(f'{name} is "{show_text(value)}"', wanted, rule, offset if value else self.at - 2)

    def topic_filter(self, name: str) -> str:
        """A UTF-8 string whose wildcards stand alone in their level [MQTT-4.7.1-2], [MQTT-4.7.1-3]."""
        start, value = self.at + 2, self.text(name)
        try:
            return check_topic_filter(value)
        except InvalidTopic as error:
            reason, rule = str(error).split("\n")[0].rsplit(" [", 1)
            offset = start + len(value[: error.position].encode()) if value else self.at - 2
            self.fail(f'{name} is "{show_text(value)}"', reason.rstrip("."), rule.rstrip("]"), offset)

    def packet_id(self) -> int:
        """A packet identifier, which is never 0 [MQTT-2.3.1-1]."""
        value = self.uint16("Packet Identifier")
        if not value:
            self.fail("the Packet Identifier is 0", "The standard wants 1 to 65535", "2.3.1-1/2.2.1-3", self.at - 2)
        return value

    def finish(self) -> None:
        """Refuses bytes after the last field."""
        if self.left:
            many = "1 more byte" if self.left == 1 else f"{self.left} more bytes"
            self.fail(f"{many} after the last field", f"{self.type} ends here", "", self.at)

    def fail(self, found: str, wanted: str, rule: str | None, at: int) -> NoReturn:
        """Raises MalformedPacket.

        Args:
            found: what is wrong.
            wanted: what the standard wants there.
            rule: number of the statement, "3.1.1's/MQTT 5's" where they differ; empty for the general one on what breaks the
                protocol; None where nothing does, yet it is no packet.
            at: index of the first wrong byte.
        """
        statement = "" if rule is None else _statement(rule, self.protocol)
        source = f" [{statement}]" if statement else ""
        message = f"{self.type}, byte {at}: {found}. {wanted}{source}."
        raise MalformedPacket(message, offset=at, statement=statement)

    def _prefixed(self, name: str) -> bytes:
        length = int.from_bytes(self._take(2, f"the length of {name}"), "big")
        return self._take(length, name)

    def _take(self, count: int, name: str) -> bytes:
        start, self.at = self.at, self.at + count
        if self.at > len(self.data):
            self.at = start
            missing = start + count - len(self.data)
            found = f"the packet ends {missing} byte{'s' if missing > 1 else ''} too early, in {name}"
            self.fail(found, f"{name} takes {count}", "", len(self.data))
        return self.data[start : self.at]


_GENERAL = ("4.8.0-1", "4.13.1-1")  # a packet that breaks the protocol ends the connection; in 3.1.1, in MQTT 5


def _statement(rule: str, protocol: int) -> str:
    """The full number of a statement: "MQTT-..." of 3.1.1, "MQTT5-..." of MQTT 5."""
    if rule.startswith("MQTT"):
        return rule
    older, differs, newer = rule.partition("/")
    is_new = protocol == MQTT_5
    number = (newer if differs and is_new else older) or _GENERAL[is_new]
    return f"{'MQTT5' if is_new else 'MQTT'}-{number}"
