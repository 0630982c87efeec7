"""Passwords that can be typed on a phone, where a class listens, QR codes."""

from __future__ import annotations

import io
import secrets
import socket

import segno

from mqttkit.errors import BrokerError

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def make_password() -> str:
    """Two groups of four letters: 39 bits, enough behind a gate that takes one guess in two seconds from an address."""
    return _groups(2)


def make_key() -> str:
    """The instructor's key: four groups of four letters, 79 bits, which can be typed too."""
    return _groups(4)


def _groups(count: int) -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(count))


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket; `::` also takes IPv4. Raises BrokerError where the address is taken or none of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        listening = socket.create_server((host, port), family=family, backlog=256, dualstack_ipv6=both)
    except OSError as error:
        raise BrokerError(
            f"The class cannot listen on {host}:{port}: {error.strerror or error}. Try another port or host."
        ) from error
    listening.setblocking(False)
    return listening


def qr_image(text: str) -> str:
    """A QR code as a `data:` address for a page."""
    return str(segno.make(text, error="m").svg_data_uri(scale=6, border=2))


def terminal_qr(text: str) -> str:
    """A QR code drawn with characters."""
    drawn = io.StringIO()
    segno.make(text, error="m").terminal(out=drawn, compact=True)
    return drawn.getvalue()
