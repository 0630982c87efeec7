"""A story as a picture: HTML for notebooks and pages, SVG for files. No I/O but reading the style sheet."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from mqttkit.trace.picture import as_svg, connected_after
from mqttkit.trace.records import Captured, Event
from mqttkit.trace.text import EMPTY, as_text, headed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mqttkit.trace.story import Step, Story

WHOLE = 60  # rows that are shown without folding; more than two sections
SECTION = 25  # rows of a folded section
_ENDS = {"cut": "cut", "closed": "closed without DISCONNECT", "refused": "refused"}
DRAWN = 250  # rows that are folded or drawn; the text twin has all


def as_html(story: Story, *, dropped: int = 0, heading: str = "") -> str:
    """The ladder with its text twin; a `heading`, one sentence, stands above both.

    Where a page strips the style sheet (notebooks on GitHub, or not trusted), the text is shown in place of the picture:
    `hidden` then has its normal meaning (JupyterLab drops the attribute without a value).
    """
    text = escape(headed(heading, as_text(story, dropped=dropped)))
    if not story.steps:
        return f"<pre>{EMPTY}</pre>"
    return (
        f"<style>{style_sheet()}</style>"
        f'<div class="mk-plain"><pre>{text}</pre></div>'
        f'<div class="mk-ladder" hidden="hidden">{_sentences(heading, dropped)}{"".join(_sections(story))}'
        f"<details><summary>The same as text</summary><pre>{text}</pre></details></div>"
    )


def _sentences(heading: str, dropped: int) -> str:
    fell_off = f"{dropped} earlier entries fell off the front of this trace." if dropped else ""
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in (heading, fell_off) if sentence)


def as_picture(story: Story) -> str:
    """The whole ladder as one SVG document that needs nothing else; a screen reader finds the text in its description."""
    svg = as_svg(story, story.steps, story.open_at_start, _name(story.steps), twin=as_text(story))
    head, rest = svg.split(">", 1)
    style = style_sheet().replace("display:block!important;", "background:var(--mk-bg);")
    return f'{head} class="mk-ladder"><style>{style}</style>{rest}'


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """Colours for light and dark themes, on one line."""
    return files("mqttkit.trace").joinpath("ladder.css").read_text("utf-8").replace("\n", "")


def _sections(story: Story) -> Iterator[str]:
    connected = story.open_at_start
    parts = _split(story.steps)
    for number, steps in enumerate(parts):
        name = escape(_name(steps))
        if len(steps) > DRAWN:
            yield f"<p>{name}: too many to draw, see the text below.</p>"
        else:
            svg = f'<div class="mk-scroll">{as_svg(story, steps, connected, _name(steps))}</div>'
            fold = 0 < number < len(parts) - 1
            yield f"<details><summary>{name}</summary>{svg}</details>" if fold else svg
        connected = connected_after(steps, connected)


def _split(steps: Sequence[Step]) -> list[Sequence[Step]]:
    """All in one, or the first and the last rows in view and sections between them that fold."""
    if len(steps) <= WHOLE:
        return [steps]
    end = len(steps) - SECTION
    drawn = end if end - SECTION <= DRAWN else DRAWN - SECTION
    count = max(1, round((drawn - SECTION) / (2 * SECTION)))
    edges = [SECTION + (drawn - SECTION) * number // count for number in range(count + 1)]
    edges += [end] if end > drawn else []
    return [steps[:SECTION], *(steps[a:b] for a, b in pairwise(edges)), steps[end:]]


def _name(steps: Sequence[Step]) -> str:
    lines = [step for step in steps if isinstance(step.item, Captured)]
    if not lines:
        return "Packet ladder"
    kinds = Counter(step.item.type for step in lines if isinstance(step.item, Captured))
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(4))
    return f"Packets {lines[0].line} to {lines[-1].line}: {counts}{_troubles(steps)}"


def _troubles(steps: Sequence[Step]) -> str:
    """What went wrong in these rows, so that one knows which fold to open."""
    lost = sum(isinstance(step.item, Captured) and not step.item.delivered for step in steps)
    ends = Counter(step.item.kind for step in steps if isinstance(step.item, Event) and step.item.link)
    told = [f"{lost} lost"] if lost else []
    told += [f"{ends[kind]} {word}" for kind, word in _ENDS.items() if ends[kind]]
    return f"; {', '.join(told)}" if told else ""
