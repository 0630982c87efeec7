"""Where the broker is: a Broker, a URL or (host, port), for each way that clients speak."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from mqttkit.errors import InvalidArgument
from mqttkit.url import DEFAULT_PATH, Address, parse_url

if TYPE_CHECKING:
    from os import PathLike

_PAIR = 2


class Target:
    """Resolves the broker anew for each connection: a broker that restarts on another port is found again."""

    def __init__(self, broker: Any, tls: ssl.SSLContext | str | PathLike[str] | None = None) -> None:
        self._broker = broker
        self._tls = tls
        if not hasattr(broker, "urls"):
            parse_url(_as_url(broker))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What clients may speak: "mqtt", "mqtts", "ws", "wss"."""
        urls = getattr(self._broker, "urls", None)
        return tuple(urls) if urls else (parse_url(_as_url(self._broker)).scheme,)

    @property
    def place(self) -> tuple[str, int]:
        """(host, port) of the broker."""
        at = parse_url(_as_url(getattr(self._broker, "url", self._broker)))
        return at.host, at.port

    def path(self, kind: str) -> str:
        """What follows the port in the URL for a client that speaks `kind`: the path of WebSocket, where it is a special one."""
        at = parse_url(self._url(kind))
        return at.path if at.websocket and at.path != DEFAULT_PATH else ""

    def address(self, kind: str) -> tuple[str, int, ssl.SSLContext | None]:
        """(host, port, TLS context or None) for a client that speaks "mqtt", "mqtts" or "ws"."""
        at = parse_url(self._url(kind))
        if kind == "mqtt" and at.websocket:
            raise InvalidArgument(
                f"This broker speaks WebSocket only ({at.scheme}), the client speaks MQTT over TCP. "
                'Use transport="websockets".'
            )
        encrypt = at.tls and kind != "mqtts"  # a client that speaks TLS itself is carried as it is
        return at.host, at.port, self._context() if encrypt else None

    def _url(self, kind: str) -> str:
        urls = getattr(self._broker, "urls", None)
        if urls is None:
            return _as_url(self._broker)
        return str(urls.get(kind) or (urls.get("wss") if kind == "ws" else None) or self._broker.url)

    def _context(self) -> ssl.SSLContext:
        if isinstance(self._tls, ssl.SSLContext):
            return self._tls
        authority = self._tls or getattr(self._broker, "ca", None)
        return ssl.create_default_context(cafile=None if authority is None else str(authority))


def _as_url(broker: Any) -> str:
    if isinstance(broker, tuple) and len(broker) == _PAIR:
        return str(Address(*broker))
    if isinstance(broker, str):
        return broker
    raise InvalidArgument(f"A network needs a Broker, a URL or (host, port) to stand in front of, not {broker!r}.")
