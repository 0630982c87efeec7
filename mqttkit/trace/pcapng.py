"""A trace as a pcapng file that Wireshark and tshark open. No I/O.

The relay sees packets, not TCP segments, so each connection is written as one: a handshake, data with the right sequence
and acknowledgement numbers, and an end. A packet that got lost is left out, as it never arrived; a comment of the next
packet says so. Clients get the addresses 10.0.0.1, 10.0.0.2, ... and the broker 10.0.0.254, port 1883 (8883 for TLS);
the file holds their names, which Wireshark shows with View, Name Resolution, Resolve Network Addresses.
Source: the pcapng draft of the IETF opsawg group, RFC 791, RFC 9293.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mqttkit.packets.printable import short_name
from mqttkit.trace.opaque import looks_like_tls
from mqttkit.trace.records import BROKER, Captured, Event
from mqttkit.trace.text import details

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RAW_IP = 101  # link type: packets begin with their IP header
_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_BROKER_IP = bytes([10, 0, 0, 254])
_BROKER_PORT, _TLS_PORT = 1883, 8883
_FIRST_PORT, _LAST_PORT = 49152, 65535  # the range for clients (RFC 6335)
_LONGEST_NAME = 60  # characters
_SEGMENT = 65000  # bytes of data in one IP packet
_COMMENT = 1
_MICROSECONDS = 1_000_000


def as_pcapng(items: Sequence[Captured | Event], started: float) -> bytes:
    """The whole file.

    Args:
        items: packets and events in recorded order.
        started: seconds since 1970 at which the trace began.
    """
    writer = _Writer(started)
    frames = [frame for item in items for frame in writer.frames_of(item)]
    return _section_header() + _interface() + _names(writer.addresses) + b"".join(frames)


@dataclass(slots=True)
class _Flow:
    """A TCP connection: the next sequence number of each side (client, broker)."""

    ip: bytes
    port: int
    broker_port: int = _BROKER_PORT
    next_client: int = 1000
    next_broker: int = 5000
    is_open: bool = True


class _Writer:
    def __init__(self, started: float) -> None:
        self._started = started
        self._flows: dict[int, _Flow] = {}
        self.addresses: dict[str, bytes] = {}
        self._note = ""

    def frames_of(self, item: Captured | Event) -> Iterator[bytes]:
        """The blocks for one entry of the trace."""
        if not item.link:
            return
        flow = self._flows.get(item.link)
        if flow is None:
            flow = self._open(item)
            yield from self._handshake(flow, item.time)
        if isinstance(item, Event):
            yield from self._event(flow, item)
        elif not item.delivered:
            self._note = f"lost before this: {item.sender} to {item.receiver}: {item.type} {details(item)}"
        else:
            yield from self._data(flow, item.raw, to_broker=item.to_broker, time=item.time)

    def _open(self, item: Captured | Event) -> _Flow:
        number = len(self.addresses)
        ip = self.addresses.setdefault(item.client, bytes([10, number >> 15, number >> 7 & 255, (number & 127) + 1]))
        tls = isinstance(item, Event) and looks_like_tls(item.data)
        port = _FIRST_PORT + item.link % (_LAST_PORT - _FIRST_PORT)
        flow = self._flows[item.link] = _Flow(ip, port, _TLS_PORT if tls else _BROKER_PORT)
        return flow

    def _handshake(self, flow: _Flow, time: float) -> Iterator[bytes]:
        yield self._frame(flow, time, _SYN, to_broker=True)
        flow.next_client += 1
        yield self._frame(flow, time, _SYN | _ACK, to_broker=False)
        flow.next_broker += 1
        yield self._frame(flow, time, _ACK, to_broker=True)

    def _event(self, flow: _Flow, event: Event) -> Iterator[bytes]:
        if event.kind == "bytes":
            yield from self._data(flow, event.data, to_broker=event.who != BROKER, time=event.time)
        elif event.kind in ("closed", "cut", "refused") and flow.is_open:
            flow.is_open = False
            flags = _FIN | _ACK if event.kind == "closed" else _RST | _ACK
            self._note = "; ".join(filter(None, (self._note, event.text)))
            yield self._frame(flow, event.time, flags, to_broker=event.who != BROKER)

    def _data(self, flow: _Flow, data: bytes, *, to_broker: bool, time: float) -> Iterator[bytes]:
        for start in range(0, len(data), _SEGMENT):
            part = data[start : start + _SEGMENT]
            yield self._frame(flow, time, _PSH | _ACK, to_broker=to_broker, data=part)
            if to_broker:
                flow.next_client += len(part)
            else:
                flow.next_broker += len(part)

    def _frame(self, flow: _Flow, time: float, flags: int, *, to_broker: bool, data: bytes = b"") -> bytes:
        numbers = (flow.next_client, flow.next_broker) if to_broker else (flow.next_broker, flow.next_client)
        ports = (flow.port, flow.broker_port) if to_broker else (flow.broker_port, flow.port)
        ips = (flow.ip, _BROKER_IP) if to_broker else (_BROKER_IP, flow.ip)
        sequence, acknowledged = numbers[0] % 2**32, numbers[1] % 2**32 if flags & _ACK else 0
        segment = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 0x50, flags, 65535, 0, 0) + data
        checksum = _checksum(ips[0] + ips[1] + struct.pack("!HH", 6, len(segment)) + segment)
        segment = segment[:16] + struct.pack("!H", checksum) + segment[18:]
        note, self._note = self._note, ""
        return _packet_block(_ip(*ips, segment), self._started + time, note)


def _ip(source: bytes, destination: bytes, segment: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0, source, destination)
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + segment


def _checksum(data: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _block(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _section_header() -> bytes:
    return _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def _interface() -> bytes:
    return _block(1, struct.pack("<HHI", _RAW_IP, 0, 0))


def _names(addresses: Mapping[str, bytes]) -> bytes:
    """A name resolution block: which client has which address."""
    records = b"".join(_name(ip, client) for client, ip in [(BROKER, _BROKER_IP), *addresses.items()])
    return _block(4, records + struct.pack("<HH", 0, 0))


def _name(ip: bytes, name: str) -> bytes:
    record = ip + short_name(name, _LONGEST_NAME).replace(" ", "_").encode() + b"\0"
    return struct.pack("<HH", 1, len(record)) + record + b"\0" * (-len(record) % 4)


def _packet_block(packet: bytes, time: float, comment: str) -> bytes:
    ticks = int(time * _MICROSECONDS)
    head = struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
    body = head + packet + b"\0" * (-len(packet) % 4)
    if comment:
        text = comment.encode()
        body += struct.pack("<HH", _COMMENT, len(text)) + text + b"\0" * (-len(text) % 4) + struct.pack("<HH", 0, 0)
    return _block(6, body)
