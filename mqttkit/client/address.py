"""Where a client connects to: a URL, or that of a broker, a network or a lab. No I/O."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

from mqttkit.errors import InvalidArgument
from mqttkit.url import Address, environment_url, parse_url

__all__ = ["Address", "find_address", "parse_url", "tls_context"]


def find_address(broker: Any, transport: str | None, *, tls: bool) -> Address:
    """The address meant by `broker`: a URL, anything with a `url`, or None for the one in MQTTKIT_BROKER."""
    if transport not in (None, "tcp", "websockets"):
        raise InvalidArgument(f'transport is "tcp" or "websockets", not {transport!r}.')
    if broker is None:
        broker = environment_url() or _no_broker()
    if isinstance(broker, str):
        return _adapt(parse_url(broker), transport, tls=tls)
    url = getattr(broker, "url", None)
    if not isinstance(url, str):
        raise InvalidArgument(
            f'A client needs a broker or a URL such as "mqtt://localhost:1883", not {type(broker).__name__}.'
        )
    return replace(_adapt(parse_url(_best_of(broker, url, transport, tls=tls)), transport, tls=tls), way=broker)


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
