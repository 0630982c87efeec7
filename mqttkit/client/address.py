"""Where a client connects to: read from a URL, a broker, a network or a lab. No I/O."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from mqttkit.errors import InvalidArgument

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 9001, "wss": 9443}


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
    """

    host: str
    port: int
    tls: bool = False
    websocket: bool = False
    path: str = "/mqtt"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """mqtt, mqtts, ws or wss."""
        return ("ws" if self.websocket else "mqtt") + ("s" if self.tls else "")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def find_address(broker: Any, transport: str | None, *, tls: bool) -> Address:
    """The address meant by `broker`: a URL, anything with a `url`, or None for the one in MQTTKIT_BROKER."""
    if transport not in (None, "tcp", "websockets"):
        raise InvalidArgument(f'transport is "tcp" or "websockets", not {transport!r}.')
    if broker is None:
        broker = os.environ.get("MQTTKIT_BROKER") or _no_broker()
    if isinstance(broker, str):
        return _adapt(parse_url(broker), transport, tls=tls)
    url = getattr(broker, "url", None)
    if not isinstance(url, str):
        raise InvalidArgument(
            f'A client needs a broker or a URL such as "mqtt://localhost:1883", not {type(broker).__name__}.'
        )
    return _adapt(parse_url(_best_of(broker, url, transport, tls=tls)), transport, tls=tls)


def _no_broker() -> str:
    raise InvalidArgument(
        "Which broker? Give a Broker, a Lab or a URL as the first argument, or set MQTTKIT_BROKER in the environment."
    )


def _best_of(broker: Any, url: str, transport: str | None, *, tls: bool) -> str:
    """The listener of `broker` that fits the wish for TLS and WebSocket, else its first one."""
    urls: dict[str, str] = getattr(broker, "urls", None) or {}
    if transport is None and not tls:
        return url
    scheme = ("ws" if transport == "websockets" else "mqtt") + ("s" if tls or url.startswith(("mqtts", "wss")) else "")
    return urls.get(scheme, url)


def _adapt(address: Address, transport: str | None, *, tls: bool) -> Address:
    """`address` with what the arguments transport= and tls= ask for on top of the URL."""
    websocket = address.websocket if transport is None else transport == "websockets"
    return Address(
        address.host,
        address.port,
        address.tls or tls,
        websocket,
        address.path,
        address.username,
        address.password,
    )


def parse_url(url: str) -> Address:
    """Read mqtt://, mqtts://, ws:// or wss://[user[:password]@]host[:port][/path]."""
    try:
        parts = urlsplit(url if "://" in url else f"mqtt://{url}")
    except ValueError:
        raise InvalidArgument("This URL cannot be read. A broker's URL looks like mqtt://localhost:1883.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidArgument(
            f'{url!r} begins with "{parts.scheme}": a broker\'s URL begins with mqtt, mqtts, ws or wss, '
            "for example mqtt://localhost:1883."
        )
    if not parts.hostname:
        raise InvalidArgument(f"{_shown(parts)!r} names no host. A broker's URL looks like mqtt://localhost:1883.")
    websocket = parts.scheme.startswith("ws")
    return Address(
        host=parts.hostname,
        port=_port(parts),
        tls=parts.scheme.endswith("s") and parts.scheme != "ws",
        websocket=websocket,
        path=(parts.path or "/mqtt") + (f"?{parts.query}" if parts.query else ""),
        username=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password) if parts.password is not None else None,
    )


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = -1
    if port is None:
        return DEFAULT_PORTS[parts.scheme]
    if not 0 < port < 65536:  # noqa: PLR2004 - ports are 16 bits
        raise InvalidArgument(
            f"The port in {_shown(parts)!r} is not a number from 1 to 65535. MQTT's usual one is 1883."
        )
    return port


def _shown(parts: SplitResult) -> str:
    """The URL without user and password: it may end in a shared notebook."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def tls_context(tls: Any) -> ssl.SSLContext | None:
    """TLS settings of a client from True, a CA file, an SSLContext, a LessonCA or a client certificate of one."""
    if not tls:
        return None
    if isinstance(tls, ssl.SSLContext):
        return tls
    if tls is True:
        return ssl.create_default_context()
    if hasattr(tls, "certificate") and hasattr(tls, "key"):
        context = _trusting(tls.ca)
        context.load_cert_chain(tls.certificate, tls.key)
        return context
    return _trusting(getattr(tls, "file", tls))


def _trusting(ca_file: Any) -> ssl.SSLContext:
    """A context that trusts the authority in `ca_file` and no other."""
    if not isinstance(ca_file, (str, Path)):
        raise InvalidArgument(
            "tls is True (the authorities this machine trusts), the path of a CA file, an ssl.SSLContext, a LessonCA "
            f"or a Certificate of it, not {type(ca_file).__name__}."
        )
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except FileNotFoundError:
        raise InvalidArgument(f"There is no CA file {str(ca_file)!r}. Check the path.") from None
    except (ssl.SSLError, OSError) as error:
        raise InvalidArgument(f"{str(ca_file)!r} is not a CA file in PEM form: {error}.") from None
