"""The packets behind a verdict as a small ladder: the same arrows as in the lessons, and their text twin. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mqttkit.trace.ladder import style_sheet
from mqttkit.trace.picture import as_svg
from mqttkit.trace.records import BROKER, Captured
from mqttkit.trace.story import Step, Story
from mqttkit.trace.text import as_text

ROWS = 8  # packets that are shown: a verdict is about few
NAME = 24  # characters of a client identifier over its lane
WIDTH = 160  # characters of one line of text
STYLE = f"<style>{style_sheet()}</style>"


def ladder(packets: Sequence[Captured]) -> dict[str, str]:
    """The first packets, as lines of text ("packets") and as SVG ("ladder"); both empty where there are none."""
    shown = packets[:ROWS]
    if not shown:
        return {"packets": "", "ladder": ""}
    story = _story(shown)
    lines = [line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in as_text(story).splitlines()]
    more = len(packets) - len(shown)
    lines += [f"… and {more} more"] if more else []
    picture = as_svg(story, story.steps, story.open_at_start, f"Ladder of {len(shown)} packets")
    return {"packets": "\n".join(lines), "ladder": picture}


def _story(packets: Sequence[Captured]) -> Story:
    steps = tuple(Step(number, p, _lane(p.sender), _lane(p.receiver)) for number, p in enumerate(packets, 1))
    clients = dict.fromkeys(_lane(p.client) for p in packets)
    begun = {client: next(p for p in packets if _lane(p.client) == client) for client in clients}
    return Story((*clients, BROKER), steps, frozenset(c for c, first in begun.items() if first.type != "CONNECT"))


def _lane(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def as_html(item: dict[str, str]) -> str:
    """The ladder of an item in a report; the text, where a page strips style sheets or the report is an old one."""
    text = f"<pre tabindex='0'>{escape(item['packets'])}</pre>"  # the keyboard must reach what may have to be scrolled
    if not item.get("ladder"):
        return text
    return (
        f'<div class="mk-plain">{text}</div><div class="mk-ladder" hidden="hidden"><div class="mk-scroll" tabindex="0">'
        f"{item['ladder']}</div><details><summary>The same as text</summary>{text}</details></div>"
    )
