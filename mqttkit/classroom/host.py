"""Runs the room: obeys the instructor's commands, tells people why a message was refused, and feeds the instructor's page.

All of it is MQTT: the page publishes JSON to `class/command` and reads `class/rates` and `class/packets`; a notebook can do
the same. Commands: {"do": "mute" | "unmute" | "remove", "who": client_id}, {"do": "clear"}, {"do": "end"},
{"do": "read_only", "on": true}, {"do": "follow", "who": client_id or ""}, {"do": "recall"}: `class/lines` then holds the last
lines as [[topic, payload], …], for a page that was reloaded.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mqttkit import chat
from mqttkit.classroom.exchanges import Exchanges
from mqttkit.classroom.rules import CONTROL
from mqttkit.errors import MqttKitError
from mqttkit.packets import encode

if TYPE_CHECKING:
    from mqttkit.classroom.gate import Gate
    from mqttkit.classroom.link import Link
    from mqttkit.classroom.rules import Member
    from mqttkit.packets import Packet

COMMAND, RATES, PACKETS, LINES = (f"{CONTROL}/{what}" for what in ("command", "rates", "packets", "lines"))

log = logging.getLogger("mqttkit.classroom")

Publish = Callable[[str, bytes, int, bool], object]
"""(topic, payload, QoS, retain): publishes as whoever runs the room."""


@dataclass
class _Counts:
    lines: int = 0
    refused: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass
class Host:
    """Observer of the gate and executor of commands, for one room."""

    gate: Gate
    publish: Publish
    counts: _Counts = field(default_factory=_Counts)
    exchanges: Exchanges = field(default_factory=Exchanges)
    _last: tuple[float, _Counts] = field(default_factory=lambda: (time.monotonic(), _Counts()))
    _shown: str = ""
    _away: bool = False

    @property
    def room(self) -> str:
        """Name of the room."""
        return self.gate.rules.room

    def announce(self, **changes: Any) -> None:
        """Change the state of the room and tell everybody, now and later (retained)."""
        self.gate.rules.state = replace(self.gate.rules.state, **changes)
        self._say(chat.room_topic(self.room), chat.encode_room(self.gate.rules.state), chat.QOS, retain=True)

    def back(self) -> None:
        """The broker can be reached again: it may be a new one, which retains nothing."""
        if self._away:
            log.warning("the broker behind the class is back")
        self._away = False
        self.announce()

    def _say(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:
        """Publish; while the broker is away the class stays open, and its client comes back by itself."""
        try:
            self.publish(topic, payload, qos, retain)
        except MqttKitError as error:
            if not self._away:
                log.warning("the broker behind the class is away, trying again: %s", error)
            self._away = True

    def tell(self, client_id: str, text: str) -> None:
        """Send a notice to a member; at most a few in a row."""
        member = self.gate.rules.members.get(client_id)
        if member is not None and member.notices.take():
            self._say(chat.notice_topic(self.room, client_id), chat.encode_notice(text), chat.QOS)

    # --- what the gate reports -----------------------------------------------------------------------------------------

    def packet(self, link: Link, raw: bytes, *, to_broker: bool) -> None:
        """Count a packet and follow chat lines on their way."""
        if to_broker:
            self.counts.packets_in += 1
            self.counts.bytes_in += len(raw)
        else:
            self.counts.packets_out += 1
            self.counts.bytes_out += len(raw)
        if self.exchanges.packet(link.number, link.client_id, raw, to_broker=to_broker):
            self.counts.lines += 1

    def opened(self, link: Link) -> None:
        """Nothing to do: the member's presence tells the room."""

    def closed(self, link: Link) -> None:
        """Nothing to do: the will tells the room."""

    def refused(self, link: Link, why: str) -> None:
        """Tell the sender why."""
        self.counts.refused += 1
        self.tell(link.client_id, why)

    # --- what the instructor wants -------------------------------------------------------------------------------------

    def control(self, member: Member, packet: Packet) -> bool:
        """Carry out a command; True when the message was one."""
        if not member.instructor or packet.topic != COMMAND:
            return False
        try:
            command = json.loads(packet.payload or b"")
            self._obey(str(command["do"]), command)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.tell(
                member.client_id, f"This command was not understood ({type(error).__name__}): {packet.payload!r:.80}"
            )
        return True

    def _obey(self, do: str, command: dict[str, Any]) -> None:
        if do in ("mute", "unmute", "remove"):
            self._moderate(do, str(command["who"]))
        elif do == "recall":
            self._shown = ""  # the packets once more, too
            self._say(LINES, json.dumps(self.exchanges.lines()).encode(), 0)
        elif do == "clear":
            self.exchanges.forget()
            self.announce(cleared=self.gate.rules.state.cleared + 1)
        elif do == "read_only":
            self.announce(read_only=command["on"] is True)
        elif do == "end":
            self.end()
        elif do == "follow":
            self.exchanges.follow = str(command["who"])
        else:
            raise ValueError(do)

    def _moderate(self, do: str, who: str) -> None:
        member = self.gate.rules.members[who]
        if do == "remove":
            member.removed, member.name = True, ""
            self._send_away(who, "The instructor removed you from the room.")
            self._say(chat.presence_topic(self.room, who), b"", chat.QOS, retain=True)
        else:
            member.muted = do == "mute"
            self.tell(who, "The instructor muted you." if member.muted else "You may write again.")

    def end(self) -> None:
        """End the class: nobody may write any more; who is there can still read."""
        self.announce(ended=True)

    def _send_away(self, who: str, why: str) -> None:
        """Not by way of the broker, which would be too slow: the connection is closed at once."""
        topic, payload = chat.notice_topic(self.room, who), chat.encode_notice(why)
        notice = encode("PUBLISH", topic=topic, payload=payload, qos=0)
        for link in [link for link in self.gate.links if link.client_id == who]:
            link.part()
            task = asyncio.get_running_loop().create_task(link.dismiss(notice))
            self.gate.ending.add(task)
            task.add_done_callback(self.gate.ending.discard)

    # --- what the instructor's page shows ------------------------------------------------------------------------------

    def report(self) -> None:
        """Publish rates since the last report, and the packets of the line that is followed."""
        now, counts = time.monotonic(), replace(self.counts)
        before, earlier = self._last
        self._last = (now, counts)
        seconds = max(now - before, 0.001)
        rates = {
            "connections": len(self.gate.links),
            "lines": counts.lines,
            "refused": counts.refused,
            "in": round((counts.packets_in - earlier.packets_in) / seconds, 1),
            "out": round((counts.packets_out - earlier.packets_out) / seconds, 1),
            "bytes_out": round((counts.bytes_out - earlier.bytes_out) / seconds),
            "muted": [member.client_id for member in self.gate.rules.members.values() if member.muted],
        }
        self._say(RATES, json.dumps(rates).encode(), 0)
        self._report_packets()

    def _report_packets(self) -> None:
        followed = self.exchanges.followed()
        shown = json.dumps(followed.summary()) if followed else ""
        if shown and shown != self._shown:
            self._shown = shown
            self._say(PACKETS, shown.encode(), 0)
