"""How a payload is shown to a reader: short, printable, never interpreted. Pure."""

from __future__ import annotations

import json

SHORT = 120
"""Characters of a payload that are shown where there is one line for it."""
_LONGEST = 20_000  # characters of JSON: 1000 brackets in each other would be indented by a million spaces


def preview(payload: bytes, limit: int = SHORT) -> str:
    """The payload on one line: text where it is printable UTF-8, else hexadecimal; "(empty)" for zero bytes."""
    if not payload:
        return "(empty)"
    text = as_text(payload[: 4 * limit])
    one_line = as_hex(payload, limit) if text is None else text.replace("\n", "⏎").replace("\r", "")
    return one_line if len(one_line) <= limit else one_line[: limit - 1] + "…"


def as_text(payload: bytes) -> str | None:
    """The payload as text; None where it is not UTF-8 or holds control characters."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        if error.start < len(payload) - 3 or error.reason != "unexpected end of data":
            return None
        text = payload[: error.start].decode()  # a character was cut in two
    return text if all(c.isprintable() or c in "\n\r\t" for c in text) else None


def as_hex(payload: bytes, limit: int = 2000) -> str:
    """The payload as pairs of hexadecimal digits."""
    return payload[:limit].hex(" ")


def as_json(payload: bytes) -> str | None:
    """The payload as indented JSON; None where it is not a JSON object or list, or nested deeper than anybody reads."""
    try:
        content = json.loads(payload)
        text = json.dumps(content, indent=2, ensure_ascii=False) if isinstance(content, (dict, list)) else None
    except (ValueError, RecursionError):
        return None
    # JSON may name half a character, such as "\ud83d" alone; no message to a page can carry one.
    return text.encode("utf-8", "backslashreplace").decode() if text and len(text) <= _LONGEST else None
