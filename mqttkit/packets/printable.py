"""Makes what came over the network safe to print: one line, no control characters, not too long."""

from __future__ import annotations

import json

LONGEST = 60  # characters of a payload, topic or name
LONGEST_BINARY = 16  # bytes of a payload that is no text


def show_text(text: str, longest: int = LONGEST) -> str:
    """Text on one line: control characters escaped, a long one cut with its length."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text[:longest]
    )
    return shown if len(text) <= longest else f"{shown}… ({len(text)} characters)"


def show_payload(payload: bytes, longest: int = LONGEST) -> str:
    """A payload on one line: JSON objects and lists as they are, text in quotes, other bytes in hex."""
    if not payload:
        return "empty payload"
    text = _as_text(payload)
    if text is None:
        return show_hex(payload)
    if len(text) <= longest:
        return show_text(text) if _is_json(text) else f'"{show_text(text)}"'
    cut = show_text(text[:longest])
    return f"{cut}… ({len(payload)} bytes)" if text[0] in "{[" else f'"{cut}…" ({len(payload)} bytes)'


def show_hex(data: bytes) -> str:
    """Bytes in hex; many are cut, with their number."""
    shown = data[:LONGEST_BINARY].hex()
    return f"0x{shown}" if len(data) <= LONGEST_BINARY else f"0x{shown}… ({len(data)} bytes)"


def _as_text(payload: bytes) -> str | None:
    """The payload as text, or None where it is not UTF-8 or mostly control characters."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    odd = sum(1 for c in text[:LONGEST] if not c.isprintable() and c not in "\t\r\n")
    return None if odd * 4 > min(len(text), LONGEST) else text


def _is_json(text: str) -> bool:
    if text[0] not in "{[":
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
