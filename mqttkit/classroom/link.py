"""One member's connection: its packets are split and judged before the broker sees them.

What the rules refuse is answered as the standard says: a CONNECT with a return code, a SUBSCRIBE with 0x80, a PUBLISH with an
acknowledgement and nothing else, since MQTT 3.1.1 has no way to say no to a message [MQTT-3.3.5-2]; a notice tells its sender why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mqttkit.classroom.rules import UNAVAILABLE, Bucket, Member
from mqttkit.errors import MqttKitError
from mqttkit.packets import Packet, Splitter, decode, encode

if TYPE_CHECKING:
    import ssl

    from mqttkit.classroom.gate import Gate

log = logging.getLogger("mqttkit.classroom")

MAX_PACKET = 64 * 1024
"""Longest packet taken from a member, in bytes."""
CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
WRONG_PASSWORD_SECONDS = 1.0
_MQTT_3_1_1 = 4
_ANSWERS = (4, 5, 6, 7)  # PUBACK, PUBREC, PUBREL, PUBCOMP: as many as there are messages
_REQUESTS = (8, 10, 12)  # SUBSCRIBE, UNSUBSCRIBE, PINGREQ
_LIMITED_ELSEWHERE = (3, 14)  # PUBLISH has limits of its own, after DISCONNECT nothing comes
_UNACCEPTABLE_VERSION = 1


@dataclass
class Upstream:
    """Where the broker is, and the account under which the class uses it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


@dataclass(eq=False)
class Link:
    """One connection of a member.

    Attributes:
        send: sends bytes to the member; may wait while the member is slow.
        close: ends the connection to the member.
        number: 1 for the first of the class.
        address: from where the member connects.
        entered: called once the member was let in.
    """

    gate: Gate
    send: Callable[[bytes], Awaitable[None]]
    close: Callable[[], None]
    number: int
    address: str = ""
    entered: Callable[[], None] = lambda: None
    member: Member | None = None
    _splitter: Splitter = field(default_factory=Splitter)
    _writer: asyncio.StreamWriter | None = None
    _pump: asyncio.Task[None] | None = None
    _unsent: list[bytes] = field(default_factory=list)
    _refusals: Bucket = field(default_factory=lambda: Bucket(100, 2))

    @property
    def client_id(self) -> str:
        """Client id of the member, "" before the CONNECT."""
        return self.member.client_id if self.member else ""

    async def feed(self, data: bytes) -> None:
        """Take in bytes from the member."""
        try:
            for raw in self._splitter.feed(data):
                if self.member is not None and self.member.removed:
                    return
                _check_size(raw)
                await self._from_member(raw)
            _check_size(self._splitter.pending)
        finally:
            self._flush()
        if self._writer is not None:
            await self._writer.drain()

    def end_if_nobody(self) -> None:
        """Close the connection if no CONNECT came on it so far."""
        if self.member is None:
            self.close()

    def part(self) -> None:
        """Take the leave of the broker for a member who was removed: no will brings them back [MQTT-3.14.4-3]."""
        self._to_broker(encode("DISCONNECT"))
        self._flush()

    async def dismiss(self, notice: bytes) -> None:
        """Hand over a last packet and close the connection."""
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self.send(notice), CONNECT_SECONDS)
        self.close()

    async def end(self) -> None:
        """The member's side is gone: end the broker's side too, without DISCONNECT, so that the will is sent."""
        if self._writer is not None:
            self._writer.close()
        try:
            if self._pump is not None:
                self._pump.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._pump
        finally:
            self.gate.forget(self)

    async def _from_member(self, raw: bytes) -> None:
        if self.member is None:
            await self._connect(raw)
            return
        kind = raw[0] >> 4
        self._check_kind(kind, self.member)
        if kind == 3:  # noqa: PLR2004 - PUBLISH
            await self._publish(decode(raw, _MQTT_3_1_1))
        elif kind == 8:  # noqa: PLR2004 - SUBSCRIBE
            await self._subscribe(decode(raw, _MQTT_3_1_1))
        else:
            if kind == 10:  # noqa: PLR2004 - UNSUBSCRIBE
                self.member.filters.difference_update(name for name, _ in decode(raw, _MQTT_3_1_1).filters)
            self._to_broker(raw)

    def _check_kind(self, kind: int, member: Member) -> None:
        """Let a flood of small packets, and what only a broker sends, end here. A second CONNECT would carry secrets."""
        if kind in _ANSWERS:
            limit = member.answers
        elif kind in _REQUESTS:
            limit = member.others
        elif kind in _LIMITED_ELSEWHERE:
            return
        else:
            raise MqttKitError(f"a packet of type {kind} was not expected")  # [MQTT-3.1.0-2]
        if not limit.take():
            raise MqttKitError("too many packets")

    async def _connect(self, raw: bytes) -> None:
        if raw[0] != 0x10:  # noqa: PLR2004 - the first packet must be a CONNECT [MQTT-3.1.0-1]
            raise MqttKitError("the first packet is no CONNECT")
        packet = decode(raw)
        if packet.protocol != _MQTT_3_1_1:
            await self.send(
                b"\x20\x03\x00\x84\x00"
                if packet.protocol > _MQTT_3_1_1
                else encode("CONNACK", return_code=_UNACCEPTABLE_VERSION)
            )
            raise MqttKitError("the class speaks MQTT 3.1.1")
        code, member = self.gate.rules.login(packet, self.address)
        if member is None:
            await asyncio.sleep(WRONG_PASSWORD_SECONDS)  # so that guessing takes long
            await self.send(encode("CONNACK", return_code=code))
            raise MqttKitError(f"refused {packet.client_id!r} with return code {code}")
        self.member = member
        member.session_kept = not packet.clean_session
        if not member.session_kept:
            member.filters.clear()
        self.entered()
        await self._reach_broker(packet)

    async def _reach_broker(self, packet: Packet) -> None:
        try:
            await self._open_upstream(packet)
        except (OSError, asyncio.TimeoutError):
            await self.send(encode("CONNACK", return_code=UNAVAILABLE))
            raise

    async def _open_upstream(self, packet: Packet) -> None:
        """Connect to the broker as this member, with the account of the class instead of the member's secret."""
        upstream = self.gate.upstream
        opening = asyncio.open_connection(upstream.host, upstream.port, ssl=upstream.tls)
        reader, self._writer = await asyncio.wait_for(opening, CONNECT_SECONDS)
        self.gate.remember(self)
        self._pump = asyncio.create_task(self._from_broker(reader))
        shown: dict[str, Any] = {
            name: getattr(packet, name) for name in ("client_id", "clean_session", "keep_alive", "will")
        }
        account = {"username": upstream.username, "password": upstream.password}
        login: dict[str, Any] = {name: value for name, value in account.items() if value is not None}
        self.gate.seen(self, encode("CONNECT", **shown), to_broker=True)  # nobody's secret is seen by observers
        self._write(encode("CONNECT", **shown, **login))

    async def _publish(self, packet: Packet) -> None:
        assert self.member is not None
        why = self.gate.rules.refusal(self.member, packet)
        if why is None:
            self.gate.rules.note(self.member, packet)
            if not self.gate.control(self.member, packet):
                self._to_broker(packet.raw)
                return
        else:
            self.gate.refused(self, why)
            if not self._refusals.take():
                raise MqttKitError("too many refused messages")
        if packet.qos:
            await self._answer(encode("PUBACK" if packet.qos == 1 else "PUBREC", packet_id=packet.packet_id))

    async def _subscribe(self, packet: Packet) -> None:
        assert self.member is not None
        names = [wanted for wanted, _ in packet.filters]
        if self.gate.rules.may_subscribe(self.member, *names):
            self.member.filters.update(names)
            self._to_broker(packet.raw)
            return
        codes = (0x80,) * len(names)
        await self._answer(encode("SUBACK", packet_id=packet.packet_id, return_codes=codes))
        self.gate.refused(self, f"You may not subscribe to {', '.join(names)[:100]}.")

    def _to_broker(self, raw: bytes) -> None:
        self.gate.seen(self, raw, to_broker=True)
        self._write(raw)

    def _write(self, raw: bytes) -> None:
        """Goes with what else came in the same piece: in a large class most of the work is to call the system."""
        self._unsent.append(raw)

    def _flush(self) -> None:
        if self._unsent and self._writer is not None:
            self._writer.write(b"".join(self._unsent))
        self._unsent.clear()

    async def _answer(self, raw: bytes) -> None:
        """Tell the member something that the broker knows nothing of; what came before is not held up by it."""
        self._flush()
        await self.send(raw)

    async def _from_broker(self, reader: asyncio.StreamReader) -> None:
        """Hand on what the broker sends, in the pieces in which it comes."""
        splitter, loop = Splitter(), asyncio.get_running_loop()
        try:
            while data := await reader.read(MAX_PACKET):
                for raw in splitter.feed(data):
                    self.gate.seen(self, raw, to_broker=False)
                timer = loop.call_later(SEND_SECONDS, self.close)  # cheaper than wait_for, which makes a task each time
                await self.send(data)
                timer.cancel()
        except OSError:
            return  # a link that breaks is ordinary: both sides are closed below
        except MqttKitError as error:
            log.warning("connection %d: the broker sent something that is no MQTT: %s", self.number, error)
        finally:
            self.close()


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_PACKET:
        raise MqttKitError(f"a packet of more than {MAX_PACKET} bytes")
