"""URLs of brokers, read once for the whole kit. No I/O."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from mqttkit.errors import InvalidArgument

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 9001, "wss": 9443}
DEFAULT_PATH = "/mqtt"  # of WebSocket: what most brokers take
VARIABLE = "MQTTKIT_BROKER"
_EXAMPLE = "A broker's URL looks like mqtt://localhost:1883 or mqtts://user:password@host:8883."


@dataclass(frozen=True, slots=True)
class Address:
    """One way to a broker.

    Attributes:
        host: name or IP address.
        port: TCP port.
        tls: True when the connection is encrypted.
        websocket: True when MQTT travels in WebSocket frames.
        path: path of the WebSocket URL.
        username: name in the URL, or None.
        password: password in the URL, or None; never shown.
        way: what carries the connection, such as a Network; it may know more about the broker behind.
    """

    host: str
    port: int
    tls: bool = False
    websocket: bool = False
    path: str = DEFAULT_PATH
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    way: Any = field(default=None, repr=False, compare=False)

    @property
    def scheme(self) -> str:
        """mqtt, mqtts, ws or wss."""
        return ("ws" if self.websocket else "mqtt") + ("s" if self.tls else "")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def environment_url() -> str | None:
    """The URL in MQTTKIT_BROKER; None where that is not set, or empty.

    Raises:
        InvalidArgument: it is no URL of a broker; the sentence names the variable.
    """
    url = os.environ.get(VARIABLE, "").strip()
    if not url:
        return None
    try:
        parse_url(url)
    except InvalidArgument as error:
        raise InvalidArgument(f"The environment variable {VARIABLE} names no broker. {error}") from None
    return url


def parse_url(url: str) -> Address:
    """Read mqtt://, mqtts://, ws:// or wss://[user[:password]@]host[:port][/path]; without a scheme it is mqtt.

    Raises:
        InvalidArgument: it is no URL of a broker; the sentence shows it without user and password.
    """
    parts = _split(url)
    if parts.scheme not in DEFAULT_PORTS:
        kinds = ", ".join(f"{kind}://" for kind in DEFAULT_PORTS)
        raise _wrong(url, f'begins with "{parts.scheme}", not with one of {kinds}')
    if not parts.hostname:
        raise _wrong(url, "names no host")
    if re.search(r"\s", parts.hostname):
        raise _wrong(url, "has a space in its host")
    return Address(
        host=parts.hostname,
        port=_port(url, parts),
        tls=parts.scheme in ("mqtts", "wss"),
        websocket=parts.scheme.startswith("ws"),
        path=(parts.path or DEFAULT_PATH) + (f"?{parts.query}" if parts.query else ""),
        username=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password) if parts.password is not None else None,
    )


def _split(url: str) -> SplitResult:
    if not isinstance(url, str):
        raise InvalidArgument(f"A broker's URL is a text, not {type(url).__name__}. {_EXAMPLE}")
    try:
        return urlsplit(url if "://" in url else f"mqtt://{url}")
    except ValueError:
        raise _wrong(url, "cannot be read") from None


def _port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port is None:
        return DEFAULT_PORTS[parts.scheme]
    if not port:
        raise _wrong(url, "has a port that is not a number from 1 to 65535")
    return port


def without_login(url: str) -> str:
    """The URL as it may be shown, also where it cannot be read: it may end in a shared notebook, or on a projector."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1", url)


def _wrong(url: str, why: str) -> InvalidArgument:
    return InvalidArgument(f'"{without_login(url)}" {why}. {_EXAMPLE}')
