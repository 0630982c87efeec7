"""Makes what came over the network safe to print: one line, no control characters, not too long."""

from __future__ import annotations

import json

LONGEST = 60  # characters of a payload, topic or name
LONGEST_BINARY = 16  # bytes of a payload that is no text
_JOINERS = (
    "\u200c\u200d"  # shape words of Persian, Hindi and others, and tie emoji together; nothing to see by themselves
)


def show_text(text: str, longest: int = LONGEST) -> str:
    """Text on one line: control characters escaped, a long one cut with its length."""
    shown = "".join(map(_visible, text[:longest]))
    return shown if len(text) <= longest else f"{shown}… ({len(text)} characters)"


def short_name(name: str, longest: int) -> str:
    """A name on one line: of a long one the middle is left out, as names often differ at their ends."""
    shown = "".join(map(_visible, name))
    tail = longest // 3
    return shown if len(shown) <= longest else f"{shown[: longest - tail - 1]}…{shown[-tail:]}"


def _visible(c: str) -> str:
    return c if c.isprintable() or c in _JOINERS else c.encode("unicode_escape", "surrogatepass").decode()


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
