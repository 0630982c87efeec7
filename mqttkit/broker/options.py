"""What a broker is asked to be, the same for every engine."""

from __future__ import annotations

import errno
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqttkit.security import Access, Certificate, Users

KINDS = ("mqtt", "mqtts", "ws", "wss")
LOOPBACK_NAMES = ("127.0.0.1", "localhost")
MAX_INFLIGHT = 20  # the default of mosquitto's max_inflight_messages
NOT_RUNNING = "This broker is not running. Start it with broker.start()."


def is_loopback(host: str) -> bool:
    """True when `host` can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def local_address(host: str) -> str:
    """Where a client on this machine finds a listener on `host`, which may stand for all addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def cannot_listen(host: str, ports: Mapping[str, int], error: BaseException | None = None) -> str:
    """The sentence for a listener that could not be opened; without an error, because somebody else has its port."""
    number = getattr(error, "errno", None) if error is not None else errno.EADDRINUSE
    where = " or ".join(str(port) for port in ports.values() if port)
    place = f"{host} port {where}" if where else host
    if number == errno.EADDRINUSE:
        return f"The broker cannot listen on {place}: another program has this port. Port 0 takes any free one."
    if number in (errno.EACCES, errno.EPERM):
        return f"The broker may not listen on {place}: ports below 1024 are for administrators. Try 1883, or 0 for a free one."
    why = os.strerror(number) if isinstance(error, OSError) and number and number > 0 else str(error)
    return f"The broker cannot listen on {place}: {why}. The host is an address of this machine, such as 127.0.0.1."


@dataclass(frozen=True)
class Options:
    """Settings of a broker.

    Attributes:
        host: address to listen on.
        ports: wanted TCP port by kind of listener; 0 stands for any free one; a kind that is missing is not opened.
        users: who may connect; None lets everybody in.
        access: what they may do; None allows everything.
        certificate: of the TLS listeners.
        max_inflight: QoS 1 and 2 messages on their way to one client that it has not acknowledged yet.
    """

    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=lambda: {"mqtt": 0})
    users: Users | None = None
    access: Access | None = None
    certificate: Certificate | None = None
    max_inflight: int = MAX_INFLIGHT
