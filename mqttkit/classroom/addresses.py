"""Passwords that can be typed on a phone, the address others reach this machine at, QR codes."""

from __future__ import annotations

import io
import secrets
import socket

import segno

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def make_password() -> str:
    """Two groups of four letters: 39 bits, enough behind a gate that takes one guess in two seconds from an address."""
    return _groups(2)


def make_key() -> str:
    """The instructor's key: four groups of four letters, 79 bits, which can be typed too."""
    return _groups(4)


def _groups(count: int) -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(count))


def reachable_address() -> str:
    """The address of this machine in its network; 127.0.0.1 where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of no one: asks for the route, sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def svg_qr(text: str) -> str:
    """A QR code as SVG markup for a page."""
    return str(
        segno.make(text, error="m").svg_inline(
            scale=6, border=2, svgclass=None, lineclass=None, title="QR code of the join link"
        )
    )


def terminal_qr(text: str) -> str:
    """A QR code drawn with characters."""
    drawn = io.StringIO()
    segno.make(text, error="m").terminal(out=drawn, compact=True)
    return drawn.getvalue()
