"""A laid out section of a ladder as SVG: every mark carries its colours itself, a style sheet may replace them. No I/O."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from unicodedata import bidirectional

from mqttkit.packets.printable import short_name
from mqttkit.trace.layout import GUTTER, HEAD, LINE, SLANT, Row, inside, is_slow, lay_out, text_width
from mqttkit.trace.records import BROKER, Captured, Event
from mqttkit.trace.text import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mqttkit.trace.layout import Layout
    from mqttkit.trace.story import Step, Story

_COLOURS = {
    "i": "#1c2128",
    "s": "#5b636d",
    "l": "#c4cad1",
    "n": "#4b5563",
    "b": "#c62828",
    "w": "#8a5300",
    "c1": "#0b5fc0",
    "c2": "#7b3db6",
    "c3": "#00736a",
    "c4": "#a04d00",
    "c5": "#b01e66",
    "c6": "#556500",
}
SMALLEST = 0.8  # a page may shrink the picture so far; then it scrolls, as smaller text cannot be read
_MESSAGES = 6  # colours before they come again; the letter tells messages apart too
_WIDEST = 999  # a longer number is squeezed into the margin
_LOST_AT = 0.62  # of the way
_ENDS = ("closed", "cut", "left")
_RIGHT_TO_LEFT = {"R", "AL"}  # classes of letters (Unicode Standard Annex 9)


def as_svg(
    story: Story,
    steps: Sequence[Step],
    connected: frozenset[str],
    label: str,
    *,
    live: bool = False,
    twin: str = "The text after the picture says the same.",
) -> str:
    """One picture with the lane heads and the given steps.

    Args:
        story: gives the lanes.
        steps: what to draw.
        connected: lanes whose client is connected above the first step.
        label: the name of the picture for a screen reader.
        live: marks the packets with their lines, so that a page can ask about them.
        twin: the picture in words, or where to find it.
    """
    layout = lay_out(story, steps)
    parts = [
        *_lifelines(layout, connected),
        *_heads(layout),
        *_stripes(layout),
        *map(_draw_row(layout, live=live), layout.rows),
    ]
    width, height = _n(layout.width), _n(layout.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}" width="{width}" height="{height}" '
        f'style="min-width:{_n(layout.width * SMALLEST)}px" viewBox="0 0 {width} {height}" font-family="system-ui,sans-serif" font-size="13" fill="currentColor">'
        f"<desc>One lane for each client and one for the broker; each arrow is a packet, earlier ones above. "
        f"{escape(twin)}</desc>{''.join(parts)}</svg>"
    )


def _n(value: float) -> str:
    return f"{value:.0f}"


def _color(name: str) -> str:
    return f'class="{name}" color="{_COLOURS[name]}"'


# --- lanes


def _heads(layout: Layout) -> Iterator[str]:
    most = int((layout.gap - 16) / text_width("x"))  # characters, so that heads do not touch
    for lane, x in layout.lanes:
        broker, name = lane == BROKER, short_name(lane, most)
        half = max(34.0, text_width(name) / 2 + 9)
        fill = (
            'class="hub" fill="#1c2128"'
            if broker
            else 'class="box" fill="#eef1f4" stroke="#8b949e" stroke-opacity=".5"'
        )
        text = 'class="hubT" fill="#fff"' if broker else 'class="flat"'
        yield f'<rect x="{_n(x - half)}" y="6" width="{_n(2 * half)}" height="28" rx="{8 if broker else 14}" {fill}/>'
        yield f'<text x="{_n(x)}" y="25" text-anchor="middle" font-weight="600" {text}>{escape(name)}</text>'


def _lifelines(layout: Layout, connected: frozenset[str]) -> Iterator[str]:
    """A solid line while a client is connected, dots while it is not; the broker is always there."""
    for name, x in layout.lanes:
        up, y = name == BROKER or name in connected, float(HEAD - 10)
        for row in layout.rows:
            now = _connected_after(row.step, name, up)
            if now != up:
                yield _lifeline(x, y, row.y, up=up)
                up, y = now, row.y
        yield _lifeline(x, y, layout.height - 4, up=up)


def _lifeline(x: float, top: float, bottom: float, *, up: bool) -> str:
    dots = "" if up else ' stroke-dasharray="1 6" stroke-linecap="round"'
    return (
        f'<path {_color("l")} d="M{_n(x)} {_n(top)}V{_n(bottom)}" stroke="currentColor" '
        f'stroke-width="{3 if up else 2}"{dots}/>'
    )


def _connected_after(step: Step, lane: str, before: bool) -> bool:
    if lane == BROKER or lane not in (step.sender, step.receiver):
        return before
    item = step.item
    if isinstance(item, Event):
        return item.kind == "bytes" or (before and item.kind not in (*_ENDS, "refused"))
    return item.type != "DISCONNECT" and not (item.type == "CONNACK" and item.packet.return_code)


def connected_after(steps: Sequence[Step], connected: frozenset[str]) -> frozenset[str]:
    """The lanes whose client is connected after some steps."""
    for step in steps:
        for lane in (step.sender, step.receiver):
            if lane != BROKER:
                now = _connected_after(step, lane, lane in connected)
                connected = connected | {lane} if now else connected - {lane}
    return connected


# --- rows


def _stripes(layout: Layout) -> Iterator[str]:
    """A stripe at the edge marks the rows during which a fault was active."""
    since: dict[str, float] = {}
    for row in layout.rows:
        item = row.step.item
        if isinstance(item, Event) and item.kind == "fault":
            since[item.text] = row.top
        elif isinstance(item, Event) and item.kind == "healed":
            name = item.text.removeprefix("end of: ").rsplit(" (", 1)[0]
            yield _stripe(since.pop(name, float(HEAD)), row.y)
    for top in since.values():
        yield _stripe(top, layout.height - 6)


def _stripe(top: float, bottom: float) -> str:
    return (
        f'<path {_color("w")} d="M{GUTTER - 8} {_n(top)}V{_n(bottom)}" stroke="currentColor" '
        'stroke-width="4" stroke-opacity=".55" stroke-linecap="round"/>'
    )


def _draw_row(layout: Layout, *, live: bool) -> Callable[[Row], str]:
    def draw(row: Row) -> str:
        item = row.step.item
        if row.is_note:
            body = _note(row, layout)
        elif isinstance(item, Event):
            body = _event(row, item, layout)
        else:
            body = _packet(row, item, layout)
        entry = f' data-entry="{item.number}"' if live and row.step.line else ""
        return f'<g class="r"{entry}>{body}</g>'

    return draw


def _note(row: Row, layout: Layout) -> str:
    """A fault begins (a band over the whole width) or ends (a line of text)."""
    text = escape(" ".join(word.text for words in row.label for word in words))
    begins = getattr(row.step.item, "kind", "") == "fault"
    band = (
        f'<rect class="warn" x="{GUTTER - 10}" y="{_n(row.top)}" width="{_n(layout.width - GUTTER + 6)}" height="24" rx="6" '
        'fill="#fff2d0" stroke="currentColor" stroke-opacity=".6"/>'
    )
    shape = f'class="flat" font-weight="600">⚡ {text}' if begins else f">{text}"
    return (
        f'<g {_color("w")}>{band if begins else ""}<text x="{GUTTER + 4}" y="{_n(row.top + 16.5)}" {shape}</text></g>'
    )


def _event(row: Row, event: Event, layout: Layout) -> str:
    """Something that happened to a connection."""
    if event.kind == "bytes":
        return f"<g {_color('n')}>{_opaque(row)}</g>" + _label(row, layout, "s", head="n")
    body = _label(row, layout, "b", head="b")
    if event.kind == "cut":
        return body + f"<g {_color('b')}>{_zigzag(row)}{_cross((row.start + row.end) / 2, row.y)}</g>"
    line = f'<path class="a" d="M{_n(row.start)} {_n(row.y)}H{_n(row.end)}" stroke="currentColor" stroke-width="2" stroke-dasharray="2 5"/>'
    return body + f"<g {_color('b')}>{line}{_cross(_towards(row, 0.96), row.y)}</g>"


def _packet(row: Row, item: Captured, layout: Layout) -> str:
    name = f"c{(row.step.message - 1) % _MESSAGES + 1}" if row.step.message else "n"
    arrow = _arrow(row, item) if item.delivered else _lost(row)
    return _number(row, name) + f"<g {_color(name)}>{arrow}</g>" + _label(row, layout, "i", head=name)


def _number(row: Row, name: str) -> str:
    y = _n(row.y)
    soft = _COLOURS["s"]
    narrow = ' textLength="24" lengthAdjust="spacingAndGlyphs"' if row.step.line > _WIDEST else ""
    number = f'<text class="s flat" color="{soft}" x="26" y="{y}" text-anchor="end" font-size="12"{narrow}>{row.step.line}</text>'
    if not row.step.message:
        return number
    top = _n(row.y - 13)
    return number + (
        f'<g {_color(name)}><rect x="31" y="{top}" width="18" height="17" rx="4" fill-opacity=".13" '
        f'stroke="currentColor" stroke-opacity=".5"/><text class="flat" x="40" y="{y}" text-anchor="middle" '
        f'font-size="11" font-weight="700">{_letters(row.step.message)}</text></g>'
    )


def _letters(number: int) -> str:
    """1 is A, 26 is Z, 27 is AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def _towards(row: Row, part: float) -> float:
    return row.start + (row.end - row.start) * part


def _opaque(row: Row) -> str:
    """Bytes that cannot be read: dashes, with a head at each end that bytes came to."""
    way = 1 if row.end > row.start else -1
    line = f'<path class="a" d="M{_n(row.start + 12 * way)} {_n(row.y)}H{_n(row.end - 12 * way)}" stroke="currentColor" stroke-width="2" stroke-dasharray="2 3"/>'
    back = _head(row.start + 3 * way, row.y, -way) if row.step.both_ways else ""
    return line + _head(row.end - 3 * way, row.y, way) + back


def _head(tip: float, y: float, way: int) -> str:
    return f'<path d="M{_n(tip)} {_n(y)}l{-10 * way} -5v10z"/>'


def _arrow(row: Row, item: Captured) -> str:
    way = 1 if row.end > row.start else -1
    tip, y = row.end - 3 * way, row.y
    fault = item.fault or ""
    start = row.y - (SLANT if is_slow(row.step) else 0)
    dashes = ' stroke-dasharray="9 4"' if fault else ""
    line = f'<path class="a" d="M{_n(row.start + 3 * way)} {_n(start)}L{_n(tip - 7 * way)} {_n(y)}" stroke="currentColor" stroke-width="2"{dashes}/>'
    return line + _head(tip, y, way)


def _lost(row: Row) -> str:
    way = 1 if row.end > row.start else -1
    stop, y = _towards(row, _LOST_AT), _n(row.y)
    line = f'<path class="a" d="M{_n(row.start + 3 * way)} {y}H{_n(stop - 8 * way)}" stroke="currentColor" stroke-width="2"/>'
    rest = f'<path d="M{_n(stop + 12 * way)} {y}H{_n(row.end - 4 * way)}" stroke="currentColor" stroke-width="2" stroke-opacity=".45" stroke-dasharray="1 7" stroke-linecap="round"/>'
    return line + rest + f"<g {_color('b')}>{_cross(stop, row.y)}</g>"


def _cross(x: float, y: float) -> str:
    return f'<path d="M{_n(x - 6)} {_n(y - 6)}l12 12m0 -12l-12 12" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>'


def _zigzag(row: Row) -> str:
    way = 1 if row.end > row.start else -1
    steps = int(abs(row.end - row.start) // 12) - 1
    teeth = "".join(
        f"l{6 * way} {-4 if number % 2 else 4}l{6 * way} {4 if number % 2 else -4}" for number in range(steps)
    )
    return f'<path class="a" d="M{_n(row.start + 6 * way)} {_n(row.y)}{teeth}" fill="none" stroke="currentColor" stroke-width="1.6"/>'


def _label(row: Row, layout: Layout, name: str, *, head: str) -> str:
    lines = []
    for number, words in enumerate(row.label):
        y = row.y - row.lift - LINE * (len(row.label) - 1 - number)
        x = inside((row.start + row.end) / 2, words, layout.width)
        spans = "\u2002".join(_word(word, head, delivered=_is_delivered(row)) for word in words)
        lines.append(f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="middle">{spans}</text>')
    return f"<g {_color(name)}>{''.join(lines)}</g>"


def _is_delivered(row: Row) -> bool:
    return not isinstance(row.step.item, Captured) or row.step.item.delivered


def _word(word: Word, head: str, *, delivered: bool) -> str:
    """One word in the colour and weight of its kind; one that is written from right to left stays apart from the others."""
    text = escape(
        f"\u2068{word.text}\u2069" if _RIGHT_TO_LEFT.intersection(map(bidirectional, word.text)) else word.text
    )
    colour = {"type": head, "fault": "w" if delivered else "b", "note": "w"}.get(word.kind)
    if colour is not None:
        return f'<tspan {_color(colour)} font-weight="700">{text}</tspan>'
    return f'<tspan font-weight="700">{text}</tspan>' if word.kind == "flag" else text
