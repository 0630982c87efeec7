"""How MQTT bytes lie in what crosses the wire: as they are, or in WebSocket frames (RFC 6455)."""

from __future__ import annotations

import os
import re
from typing import Protocol

_BINARY, _CONTINUATION, _FINAL = 0x2, 0x0, 0x80
_CONTROL = 0x8  # opcodes from here on: close, ping, pong
_MASKED = 0x80
_LENGTH_16, _LENGTH_64 = 126, 127
_EXTENSIONS = re.compile(rb"(?im)^Sec-WebSocket-Extensions:.*\r\n")
END_OF_HEAD = b"\r\n\r\n"


class Framing(Protocol):
    """Takes MQTT bytes out of what came, and puts packets into what goes."""

    def unwrap(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """Returns (what comes before all MQTT, MQTT bytes, what comes after them); the first and last go on as they are."""

    def wrap(self, packet: bytes) -> bytes:
        """Returns what carries `packet`."""

    def rest(self) -> bytes:
        """Returns the bytes of a frame that is not whole yet."""


class Plain:
    """MQTT over TCP: nothing around the packets."""

    def unwrap(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """All of it is MQTT."""
        return b"", data, b""

    def wrap(self, packet: bytes) -> bytes:
        """The packet itself."""
        return packet

    def rest(self) -> bytes:
        """There are no frames."""
        return b""


class WebSocket:
    """MQTT in binary WebSocket frames after an HTTP handshake; packets need not fit the frames [MQTT-6.0.0-2]."""

    def __init__(self, *, masked: bool) -> None:
        self._masked = masked  # clients must mask, servers must not (RFC 6455, 5.1)
        self._buffer = bytearray()
        self._greeted = False

    def unwrap(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """The handshake, the MQTT bytes of the whole frames, and control frames unchanged: a close frame comes last."""
        self._buffer += data
        handshake = self._handshake()
        mqtt, control = bytearray(), bytearray()
        while self._greeted and (frame := self._next_frame()):
            whole, payload = frame
            if whole[0] & 0x0F >= _CONTROL:
                control += whole
            else:
                mqtt += payload
        return bytes(handshake), bytes(mqtt), bytes(control)

    def wrap(self, packet: bytes) -> bytes:
        """One binary frame."""
        head = bytearray([_FINAL | _BINARY])
        mark = _MASKED if self._masked else 0
        size = len(packet)
        if size < _LENGTH_16:
            head.append(mark | size)
        elif size < 1 << 16:
            head += bytes([mark | _LENGTH_16]) + size.to_bytes(2, "big")
        else:
            head += bytes([mark | _LENGTH_64]) + size.to_bytes(8, "big")
        if not self._masked:
            return bytes(head) + packet
        key = os.urandom(4)
        return bytes(head) + key + _apply_mask(packet, key)

    def rest(self) -> bytes:
        """The beginning of a frame whose end has not come."""
        return bytes(self._buffer)

    def _handshake(self) -> bytearray:
        """The HTTP part, once it is whole, without the offer to compress: what is compressed cannot be read."""
        end = self._buffer.find(END_OF_HEAD)
        if self._greeted or end < 0:
            return bytearray()
        self._greeted = True
        end += len(END_OF_HEAD)
        head = _EXTENSIONS.sub(b"", bytes(self._buffer[:end]))
        del self._buffer[:end]
        return bytearray(head)

    def _next_frame(self) -> tuple[bytes, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:  # noqa: PLR2004 - the shortest head
            return None
        size, start = buffer[1] & 0x7F, 2
        if size >= _LENGTH_16:
            start = 4 if size == _LENGTH_16 else 10
            size = int.from_bytes(buffer[2:start], "big")
        masked = bool(buffer[1] & _MASKED)
        end = start + 4 * masked + size
        if len(buffer) < end or len(buffer) < start:
            return None
        whole = bytes(buffer[:end])
        del buffer[:end]
        payload = whole[start + 4 * masked :]
        return whole, _apply_mask(payload, whole[start : start + 4]) if masked else payload


def _apply_mask(data: bytes, key: bytes) -> bytes:
    """XOR with a repeated 4-byte key; the same function masks and unmasks."""
    size = len(data)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
