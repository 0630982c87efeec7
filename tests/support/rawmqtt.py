"""A client of raw sockets, with an encoder of its own: it can break every rule, and sees every byte."""

from __future__ import annotations

import socket
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

NAMES = [
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
    "AUTH",
]


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def packet(first: int, body: bytes = b"") -> bytes:
    length, head = len(body), bytearray([first])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def connect(
    client_id, *, clean=True, keep_alive=60, will=None, user=None, password=None, level=4, name="MQTT", flags=0
):
    """will is (topic, payload, qos, retain); `flags` are set on top of the right ones."""
    flags |= 2 * clean
    body = text(client_id)
    if will:
        topic, payload, qos, retain = will
        flags |= 4 | qos << 3 | retain << 5
        body += text(topic) + text(payload)
    for value, bit in ((user, 0x80), (password, 0x40)):
        if value is not None:
            flags |= bit
            body += text(value)
    return packet(0x10, text(name) + bytes([level, flags]) + struct.pack("!H", keep_alive) + body)


def publish(topic, payload=b"", qos=0, *, retain=False, dup=False, pid=1):
    identifier = struct.pack("!H", pid) if qos else b""
    return packet(0x30 | dup << 3 | qos << 1 | retain, text(topic) + identifier + payload)


def subscribe(*wanted, pid=1):
    return packet(0x82, struct.pack("!H", pid) + b"".join(text(name) + bytes([qos]) for name, qos in wanted))


def unsubscribe(*filters, pid=1):
    return packet(0xA2, struct.pack("!H", pid) + b"".join(map(text, filters)))


def ack(name, pid):
    kind = NAMES.index(name)
    return packet(kind << 4 | (2 if name == "PUBREL" else 0), struct.pack("!H", pid))


PINGREQ, DISCONNECT = packet(0xC0), packet(0xE0)


@dataclass(frozen=True)
class Got:
    """One packet from the broker."""

    type: str
    pid: int | None = None
    topic: str | None = None
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    body: bytes = b""
    flags: int = 0

    def __str__(self):
        if self.type != "PUBLISH":
            return self.type
        flags = " RETAIN" * self.retain + " DUP" * self.dup
        return f"{self.payload.decode()} QoS {self.qos}{flags}"


def parse(first: int, body: bytes) -> Got:
    name = NAMES[first >> 4]
    if name == "PUBLISH":
        size = struct.unpack("!H", body[:2])[0]
        topic, rest, qos = body[2 : 2 + size].decode(), body[2 + size :], first >> 1 & 3
        pid = struct.unpack("!H", rest[:2])[0] if qos else None
        return Got(name, pid, topic, rest[2:] if qos else rest, qos, bool(first & 1), bool(first & 8), body, first & 15)
    has_id = name in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBACK", "UNSUBACK")
    return Got(name, struct.unpack("!H", body[:2])[0] if has_id else None, body=body, flags=first & 15)


class Raw:
    """One connection."""

    def __init__(self, host: str, port: int, timeout: float = 3.0, settle: float = 0.0) -> None:
        """`settle`: how long a fence also waits, for a broker that may answer PINGREQ before it has sent all."""
        self.timeout, self.settle = timeout, settle
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._kept: deque[Got] = deque()

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(packets))

    def connect(self, client_id: str, **options):
        """(session present, return code) of CONNACK."""
        self.send(connect(client_id, **options))
        got = self.expect("CONNACK")
        return got.body[0], got.body[1]

    def get(self, timeout: float | None = None) -> Got:
        """The next packet. TimeoutError when none comes, EOFError when the broker has closed."""
        if self._kept:
            return self._kept.popleft()
        self.socket.settimeout(self.timeout if timeout is None else timeout)
        while (span := self._span()) is None:
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                data = b""
            if not data:
                raise EOFError
            self._buffer += data
        start, end = span
        first, body, self._buffer = self._buffer[0], self._buffer[start:end], self._buffer[end:]
        return parse(first, body)

    def _span(self):
        length, shift = 0, 0
        for index, byte in enumerate(self._buffer[1:5], start=1):
            length |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                end = index + 1 + length
                return (index + 1, end) if len(self._buffer) >= end else None
        return None

    def expect(self, name: str) -> Got:
        """The next packet of this type; others before it are kept."""
        passed = []
        while (got := self.get()).type != name:
            passed.append(got)
        self._kept.extendleft(reversed(passed))
        return got

    def subscribe(self, *wanted, pid=1) -> list[int]:
        self.send(subscribe(*wanted, pid=pid))
        return list(self.expect("SUBACK").body[2:])

    def fence(self) -> list[Got]:
        """All that came before the answer to a PINGREQ: whatever is not in it was not sent."""
        self.send(PINGREQ)
        seen = []
        while (got := self.get()).type != "PINGRESP":
            seen.append(got)
        with suppress(TimeoutError):
            while self.settle:
                seen.append(self.get(self.settle))
        return seen

    def received(self) -> str:
        """The fence as one line of text."""
        return ", ".join(map(str, self.fence())) or "nothing"

    def fate(self, timeout: float = 3.0) -> str:
        """Whether the broker closes the connection: "closed" or "open" (still answers a PINGREQ) or "hangs"."""
        try:
            self.send(PINGREQ)
            while self.get(timeout).type != "PINGRESP":
                pass
        except TimeoutError:
            return "hangs"
        except (EOFError, OSError):
            return "closed"
        return "open"

    def closed_within(self, seconds: float) -> bool:
        """True when the broker closes the connection in that time."""
        try:
            while True:
                self.get(seconds)
        except TimeoutError:
            return False
        except EOFError:
            return True

    def close(self) -> None:
        """End of file, as from a program that was killed."""
        self.socket.close()

    def reset(self) -> None:
        """An abrupt end: TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
