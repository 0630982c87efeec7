"""From a stream of bytes to whole packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.errors import MalformedPacket
from mqttkit.packets.names import MORE

if TYPE_CHECKING:
    from collections.abc import Iterator


class Splitter:
    """Cuts a byte stream into packets by their Remaining Length; looks at nothing else, so it is fast."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> bytes:
        """The bytes of the packet that is not complete yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes in `data` at once; iterate over the result to get the packets that are complete now.

        What is not iterated over comes with the next call. Chunks may be cut anywhere.

        Raises:
            MalformedPacket: while iterating, after the packets before it, when a Remaining Length takes more than
                4 bytes (2.2.3). From then on the stream is out of step: close the connection [MQTT-4.8.0-1].
        """
        self._buffer += data
        return self._packets()

    def _packets(self) -> Iterator[bytes]:
        while end := packet_length(self._buffer):
            if end > len(self._buffer):
                return
            packet = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield packet


def packet_length(data: bytes | bytearray) -> int:
    """How many bytes the packet at the start of `data` takes; 0 while its Remaining Length is not complete.

    Raises:
        MalformedPacket: the Remaining Length takes more than 4 bytes.
    """
    length = 0
    for number, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << 7 * number
        if byte < MORE:
            return length + number + 2
    if len(data) >= 5:  # noqa: PLR2004 - first byte and four of length
        raise MalformedPacket(
            "byte 4: the Remaining Length goes on after 4 bytes. The standard allows at most 4, which makes "
            "268 435 455; most likely this is not MQTT, or the stream is out of step.",
            offset=4,
        )
    return 0
