"""A message on its way to the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit._checks import check_timeout

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessageInfo

    from mqttkit.client.link import Link


class Sending:
    """A message on its way: what `publish(wait=False)` returns."""

    def __init__(self, link: Link, info: MQTTMessageInfo, topic: str, qos: int) -> None:
        self._link = link
        self._info = info
        self.topic = topic
        self.qos = qos

    def __repr__(self) -> str:
        return f'Sending("{self.topic}", qos={self.qos})'

    @property
    def complete(self) -> bool:
        """True when the handshake is complete; at QoS 0 when the packet was written to the socket."""
        return self._info.rc == 0 and self._info.is_published()

    def wait(self, timeout: float = 5) -> None:
        """Wait until `complete`; raises Timeout after `timeout` seconds."""
        answer = {0: "", 1: " (waiting for PUBACK)", 2: " (waiting for PUBREC and PUBCOMP)"}[self.qos]
        what = f'The QoS {self.qos} message to "{self.topic}"{answer}'
        self._link.published(self._info, what, check_timeout(timeout))
