"""What made each packet happen, and what should still happen. No I/O.

Two connections race in real time, so the order in which a relay sees packets of different links says little. Their
causes say more: a PUBACK answers a PUBLISH, a delivery follows a publication, a will follows the end of a link. `Causes`
reads a trace in recorded order, notes what each packet demands ("bob must get a PUBACK for 1") and which packet fulfils
which demand. What is left over is what the trace still waits for.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from mqttkit.trace.demands import Demands, Key
from mqttkit.trace.records import Captured, Event, Link
from mqttkit.trace.sessions import FAILED, Sessions, covers
from mqttkit.trace.wills import Wills

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from mqttkit.message import Will

_ANSWER = {"PUBACK": "PUBLISH", "PUBREC": "PUBLISH", "PUBREL": "PUBREC", "PUBCOMP": "PUBREL"}
_ANSWER |= {"CONNACK": "CONNECT", "SUBACK": "SUBSCRIBE", "UNSUBACK": "UNSUBSCRIBE"}
END = "end"  # a demand for the end of a connection in place of a packet
_SEND_WILL = 4  # MQTT 5 DISCONNECT "with will message"


class Causes:
    """Causes and open demands of a trace, fed in recorded order.

    Attributes:
        cause: number of a packet or event -> number of what caused it.
        anchor: number of an event -> number of an effect of it that was seen earlier.
        routine: numbers of events that say nothing new (an end after DISCONNECT or a refusal), or that nobody on the
            wire could notice (a client that leaves a silent link).
        live_at_start: connections that were up before the trace began.
        demands: what must still come.
        wills: which PUBLISH from the broker is the will of whom.
    """

    def __init__(self, links: Mapping[int, Link]) -> None:
        self.cause: dict[int, int] = {}
        self.anchor: dict[int, int] = {}
        self.routine: set[int] = set()
        self.live_at_start: frozenset[int] = frozenset()
        self.demands = Demands()
        self.wills = Wills(links)
        self._links = links
        self.sessions = Sessions()
        self._ended: set[int] = set()  # links that are gone
        self._left: set[int] = set()  # silent links whose client has gone
        self._polite: set[int] = set()  # links that said DISCONNECT or were refused: no will, no surprise
        self._connects: dict[str, tuple[int, int]] = {}  # client -> (link, number) of its newest CONNECT
        self._halves: dict[Hashable, Captured] = {}  # SUBSCRIBE and QoS 2 PUBLISH whose second half must come
        self._last: dict[Key, int] = {}  # newest packet of each key
        self._published: dict[Hashable, int] = {}  # (topic, payload) -> newest publication
        self._resumed: set[int] = set()  # links that took up an earlier session
        self._aliases: dict[Hashable, str] = {}  # MQTT 5 topic aliases

    def copy(self) -> Causes:
        """The state of the broker without demands and causes: where a new trace begins."""
        other = Causes(self._links)
        other.sessions = deepcopy(self.sessions)
        other._ended, other._polite = set(self._ended), set(self._polite)
        other._left = set(self._left)
        other.live_at_start = frozenset(self._links) - self._ended - self._polite - self._left
        other._halves, other._aliases = dict(self._halves), dict(self._aliases)
        other._resumed = set(self._resumed)
        return other

    def forget(self, number: int) -> None:
        """Forgets what concerns entries up to `number`, which fell off the trace: it would grow for ever."""
        self.cause = {effect: cause for effect, cause in self.cause.items() if effect > number}
        self.anchor = {event: first for event, first in self.anchor.items() if event > number}
        self.routine = {event for event in self.routine if event > number}
        self._last = {key: newest for key, newest in self._last.items() if newest > number}
        self._published = {message: newest for message, newest in self._published.items() if newest > number}
        self.wills.forget(number)

    def feed(self, items: Iterable[Captured | Event]) -> Causes:
        """Takes in what was recorded next."""
        for item in items:
            if isinstance(item, Event):
                self._take_event(item)
            else:
                self._take_packet(item)
        return self

    def waiting_for(self) -> list[str]:
        """What must still come, in words."""
        return [self._words(key) for key in self.demands]

    def _words(self, key: Key) -> str:
        link = self._links.get(key.link)
        client = link.name if link else f"connection {key.link}"
        if key.type == END:
            return f"the end of the connection of {client}, as its will was published"
        about = f" for {key.about[0]}" if isinstance(key.about, tuple) else f" for packet id {key.about}"
        return f"{key.type}{'' if key.about is None else about} {'from' if key.to_broker else 'to'} {client}"

    # --- packets

    def _take_packet(self, item: Captured) -> None:
        key = self._key(item)
        cause = self._cause_of(item, key)
        if cause is not None:
            self.cause[item.number] = cause
            self.wills.mark(item, cause)
        self._last[key] = item.number
        self._last[Key(item.link, item.to_broker, item.type, None)] = item.number
        react = getattr(self, f"_after_{item.type.lower()}", None)
        if react is not None and not item.problem:
            react(item)

    def _key(self, item: Captured) -> Key:
        about: Hashable = item.packet_id
        if item.type == "PUBLISH" and not item.to_broker:
            about = (self._topic(item), item.payload)
        return Key(item.link, item.to_broker, item.type, about)

    def _topic(self, item: Captured) -> str:
        alias = item.packet.properties.get("topic_alias")
        if alias is None:
            return item.topic or ""
        if item.topic:
            self._aliases[item.link, item.to_broker, alias] = item.topic
        return self._aliases.get((item.link, item.to_broker, alias), "")

    def _cause_of(self, item: Captured, key: Key) -> int | None:
        if item.fault == "duplicate":  # the copy stands beside its original
            return self.cause.get(self._last.get(key, 0))
        cause = self.demands.fulfil(key)
        return self._guess(item, key) if cause is None else cause

    def _guess(self, item: Captured, key: Key) -> int | None:
        """The likeliest cause of a packet that nobody demanded."""
        if item.type == "PUBLISH":
            return self._guess_publication(item) if item.to_broker else self._guess_delivery(item, key)
        if item.type == "DISCONNECT" and not item.to_broker:
            return self._take_over(item.link, item.client)
        asked = _ANSWER.get(item.type)
        if asked is None:
            return None
        question = self._last.get(Key(item.link, not item.to_broker, asked, item.packet_id))
        return self._connack(item.link) if question is None and item.type == "PUBREL" else question

    def _guess_publication(self, item: Captured) -> int | None:
        """A message a client sends again after a reconnect, or in answer to one that it has not acknowledged yet.

        Client libraries acknowledge when the callback has returned, so what is published before was published in it.
        """
        first = Key(item.link, True, "PUBLISH", item.packet_id) not in self._last
        return self._connack(item.link) if item.dup and first else self.demands.newest_answer(item.link)

    def _guess_delivery(self, item: Captured, key: Key) -> int | None:
        subscribe = self._last.get(Key(item.link, False, "SUBACK", None))
        if item.retain and subscribe is not None:
            return subscribe
        link = self.wills.link_of(key.about, self._polite | self._ended)
        if link is not None:
            self.wills.came_early(item, link)
            self._demand(item.number, link, END)
            return None
        if item.dup:
            return self._connack(item.link)
        kept = self._connack(item.link) if item.link in self._resumed else None
        return self._origin(key.about) or kept  # None: published where this trace does not see it

    def _origin(self, message: Hashable) -> int | None:
        return self._published.get(message, self.wills.held_back(message))

    def _connack(self, link: int) -> int | None:
        return self._last.get(Key(link, False, "CONNACK", None))

    def _demand(self, cause: int, link: int, type_: str, about: Hashable = None, *, to_broker: bool = False) -> None:
        if link not in self._ended:
            self.demands.add(Key(link, to_broker, type_, about), cause)

    def _demand_answer(self, item: Captured, type_: str) -> None:
        if item.delivered:
            self._demand(item.number, item.link, type_, item.packet_id, to_broker=not item.to_broker)

    # --- what each type brings about

    def _after_connect(self, item: Captured) -> None:
        self._connects[item.client] = (item.link, item.number)
        self._demand_answer(item, "CONNACK")

    def _after_connack(self, item: Captured) -> None:
        if item.packet.return_code:
            self._polite.add(item.link)
            return
        present, link = bool(item.packet.session_present), self._links[item.link]
        if present:
            self._resumed.add(item.link)
        else:
            old = [key for key, half in self._halves.items() if half.type == "PUBLISH" and half.client == item.client]
            for key in old:
                del self._halves[key]
        for message in self.sessions.resume(item.client, item.link, clean=link.clean_session, present=present):
            self._demand(item.number, item.link, "PUBLISH", message)

    def _after_subscribe(self, item: Captured) -> None:
        self._halves["SUBSCRIBE", item.link, item.packet_id] = item
        self._demand_answer(item, "SUBACK")

    def _after_suback(self, item: Captured) -> None:
        asked = self._halves.pop(("SUBSCRIBE", item.link, item.packet_id), None)
        session = self.sessions.by_client.get(item.client)
        if asked is None or session is None:
            return
        for name in session.subscribe(asked, item):
            for topic, payload in self.sessions.retained.items():
                if covers(name, topic):
                    self._demand(item.number, item.link, "PUBLISH", (topic, payload))

    def _after_unsubscribe(self, item: Captured) -> None:
        self._demand_answer(item, "UNSUBACK")
        session = self.sessions.by_client.get(item.client)
        if session is not None and item.delivered:
            for name, _ in item.packet.filters:
                session.filters.pop(name, None)

    def _after_publish(self, item: Captured) -> None:
        if item.qos:
            self._demand_answer(item, "PUBACK" if item.qos == 1 else "PUBREC")
        if not item.to_broker or not item.delivered:
            return
        self._published[self._topic(item), item.payload] = item.number
        if item.qos == 2:  # noqa: PLR2004 - both brokers pass it on at PUBREL (MQTT 3.1.1, figure 4.3, method A)
            self._halves["QOS2", item.client, item.packet_id] = item
        else:
            self._pass_on(item, item.number)

    def _after_pubrec(self, item: Captured) -> None:
        if (item.packet.return_code or 0) < FAILED:
            self._demand_answer(item, "PUBREL")

    def _after_pubrel(self, item: Captured) -> None:
        self._demand_answer(item, "PUBCOMP")
        if item.to_broker and item.delivered:
            first = self._halves.pop(("QOS2", item.client, item.packet_id), None)
            if first is not None:
                self._pass_on(first, item.number)

    def _after_disconnect(self, item: Captured) -> None:
        if not item.delivered or not item.to_broker:
            return
        if item.packet.return_code != _SEND_WILL:
            self._polite.add(item.link)
        self.sessions.leave(item.client, item.link)
        self.demands.drop_link(item.link)

    def _pass_on(self, item: Captured, cause: int) -> None:
        topic, payload = self._topic(item), item.payload or b""
        for link in self.sessions.publish(item.client, topic, payload, qos=item.qos or 0, retain=bool(item.retain)):
            self._demand(cause, link, "PUBLISH", (topic, payload))

    # --- events

    def _take_event(self, event: Event) -> None:
        if event.kind == "left":
            self._left.add(event.link)
            self.routine.add(event.number)
        if event.kind not in ("closed", "cut"):
            return
        self.demands.drop_link(event.link)
        if event.link in self._polite:
            self.routine.add(event.number)
        else:
            self._end(event)
        self.sessions.leave(event.client, event.link)
        self._ended.add(event.link)

    def _end(self, event: Event) -> None:
        """A connection ended without DISCONNECT: somebody may have taken over, and the will fires [MQTT-3.1.2-8]."""
        cause = self._take_over(event.link, event.client) if event.who == "broker" else None
        if cause is not None:
            self.cause[event.number] = cause
        self.sessions.leave(event.client, event.link)
        link = self._links.get(event.link)
        if link is not None and link.will is not None:
            self._fire_will(event, link, link.will)
        for item in self.wills.early(event.link):
            self.cause[item.number] = event.number
            self.wills.mark(item, event.number)
            self.anchor[event.number] = min(self.anchor.get(event.number, event.number), item.number)
            self.demands.fulfil(self._key(item))

    def _fire_will(self, event: Event, link: Link, will: Will) -> None:
        message = self.wills.fire(event.number, link)
        if message is not None:
            for other in self.sessions.publish(link.name, *message, qos=will.qos, retain=will.retain):
                self._demand(event.number, other, "PUBLISH", message)

    def _take_over(self, link: int, client: str) -> int | None:
        """Number of the CONNECT with which another connection took this client identifier [MQTT-3.1.4-2]."""
        newest, number = self._connects.get(client, (0, 0))
        return number if newest > link else None
