"""Names with a prefix: what turns a packet for a broker of one's own into one for a corner of a broker that others use. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mqttkit.errors import MqttKitError
from mqttkit.packets import altered, decode

if TYPE_CHECKING:
    from mqttkit.packets import Packet


class Prefix:
    """Rewrites the packets of one connection: topics and the client identifier get `name` in front on the way to the broker.

    What cannot be read, or breaks the standard, passes as it is: the broker itself has to refuse it.

    Args:
        name: the prefix, such as "corner-7"; topics become "corner-7/...", client identifiers "corner-7-...".
        username: for a client that brings no user name of its own.
        password: the password that goes with it.

    Attributes:
        retained: topics, as the broker knows them, under which it may keep a message of this connection.
        session: the client identifier, as the broker knows it, when its session may outlive the connection.
    """

    def __init__(self, name: str, username: str | None = None, password: str | None = None) -> None:
        self._name = name
        self._login = {} if username is None else {"username": username, "password": password}
        self._protocol = 4
        self.retained: set[str] = set()
        self.session: str | None = None

    def to_broker(self, raw: bytes) -> bytes:
        """The packet as the broker gets it."""
        packet = self._read(raw)
        change = None if packet is None else _CHANGES.get(packet.type)
        if packet is None or change is None:
            return raw
        changed = change(self, packet)
        return altered(packet, **changed) if changed else raw

    def to_client(self, raw: bytes) -> bytes:
        """The packet as the client gets it."""
        packet = self._read(raw)
        if packet is None or packet.type != "PUBLISH" or not packet.topic:
            return raw
        return altered(packet, topic=packet.topic.removeprefix(f"{self._name}/"))

    def _read(self, raw: bytes) -> Packet | None:
        try:
            return decode(raw, self._protocol)
        except MqttKitError:
            return None

    def _connect(self, packet: Packet) -> dict[str, Any]:
        self._protocol = packet.protocol
        changed: dict[str, Any] = {} if packet.username is not None else dict(self._login)
        if packet.client_id:
            changed["client_id"] = f"{self._name}-{packet.client_id}"
            self.session = None if packet.clean_session and packet.protocol < 5 else changed["client_id"]  # noqa: PLR2004
        if packet.will is not None:
            changed["will"] = replace(packet.will, topic=self._topic(packet.will.topic, keep=packet.will.retain))
        return changed

    def _publish(self, packet: Packet) -> dict[str, Any]:
        return {"topic": self._topic(packet.topic, keep=bool(packet.retain))} if packet.topic else {}

    def _filters(self, packet: Packet) -> dict[str, Any]:
        return {"filters": tuple((self._filter(one), qos) for one, qos in packet.filters)}

    def _topic(self, topic: str, *, keep: bool) -> str:
        """A topic name in the corner; those that begin with $ are the broker's own everywhere (4.7.2)."""
        if topic.startswith("$"):
            return topic
        name = f"{self._name}/{topic}"
        if keep:
            self.retained.add(name)
        return name

    def _filter(self, topic_filter: str) -> str:
        if topic_filter.startswith("$share/"):
            share, group, rest = topic_filter.split("/", 2)
            return f"{share}/{group}/{self._name}/{rest}"
        return self._topic(topic_filter, keep=False)


_CHANGES: dict[str, Any] = {
    "CONNECT": Prefix._connect,  # noqa: SLF001 - of this very class
    "PUBLISH": Prefix._publish,  # noqa: SLF001
    "SUBSCRIBE": Prefix._filters,  # noqa: SLF001
    "UNSUBSCRIBE": Prefix._filters,  # noqa: SLF001
}
