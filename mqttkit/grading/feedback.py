"""What a learner sees after a check: one line per item, what was expected, what was seen, the packets, a hint."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from mqttkit.grading import picture, sentences
from mqttkit.grading.lessons import title

_NO_POINTS = ("stopped", "preview")  # states in which nobody looked
_SHOWN = ("played", "given")  # states in which there is something to tell about each item

STYLE = (
    "<style>.mqttkit-check{line-height:1.5;max-width:60em}.mqttkit-check ul{list-style:none;padding-left:0;margin:.3em 0}"
    ".mqttkit-check li{border-left:4px solid var(--jp-border-color1,#999);padding:.1em .8em;margin:.3em 0}"
    ".mqttkit-check li.ok{border-color:var(--jp-success-color1,#388e3c)}"
    ".mqttkit-check li.no{border-color:var(--jp-warn-color1,#f57c00)}"
    ".mqttkit-check b.word{display:inline-block;min-width:4.5em}"
    ".mqttkit-check dl,.jp-RenderedHTMLCommon .mqttkit-check dl{display:grid;grid-template-columns:max-content minmax(0,1fr);"
    "gap:0 .8em;width:auto;margin:.2em 0 .2em 4.5em}"
    ".mqttkit-check dd{margin:0;overflow-wrap:anywhere}.mqttkit-check li pre,.jp-RenderedHTMLCommon .mqttkit-check li pre{margin:.2em 0 .2em 4.5em;"
    "overflow-x:auto;white-space:pre;background:var(--jp-layout-color2,#8882);color:inherit;padding:.3em .6em}"
    ".mqttkit-check .mk-ladder{margin-left:4.5em}.mqttkit-check .mk-ladder pre{margin-left:0}</style>"
)


class Feedback:
    """The verdicts on one question, as a learner reads them.

    Args:
        result: a `Result` as JSON.
        tries: how often this question was tried, this time included; decides which hint is shown.
        solution: where the explained solution is, shown after the last hint; "" hides it.
    """

    def __init__(self, result: dict[str, Any], tries: int = 1, solution: str = "") -> None:
        self.result = result
        self._tries = tries
        self._solution = solution

    @property
    def ok(self) -> bool:
        """True when every item is earned."""
        return bool(self.result["score"] == self.result["max_score"])

    @property
    def heading(self) -> str:
        """Question and points."""
        result = self.result
        if result["state"] in _NO_POINTS:
            return str(result["id"])
        return f"{result['id']}: {result['score']:g} of {result['max_score']:g} points"

    @property
    def help(self) -> list[str]:
        """The lines after the items: what stopped everything, the hint of this try, the lesson."""
        if self.ok:
            return ["Well done."]
        if self.result["state"] == "given":
            return [
                text for text in (self.result["note"], sentences.given(), f"Lesson: {self.result['lesson']}") if text
            ]
        if self.result["state"] != "played":
            return [self.result["note"]]
        lines = [self.result["note"]] if self.result["note"] else []
        hints = self.result["hints"]
        if hints and self._tries <= len(hints):
            lines.append(f"Hint {self._tries} of {len(hints)}: {hints[self._tries - 1]}")
        elif hints:
            lines += [f"Hint {len(hints)} of {len(hints)}: {hints[-1]}"]
            lines += [f"Explained solution: {self._solution}"] if self._solution else []
        return [*lines, f"Lesson: {self.result['lesson']}"]

    def __str__(self) -> str:
        lines = [self.heading]
        if self.result["state"] in _SHOWN:
            for item in told_once(self.result["items"]):
                lines += _item_text(item)
        return "\n".join([*lines, *("  " + line for line in self.help)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = (
            "".join(item_html(item) for item in told_once(self.result["items"]))
            if self.result["state"] in _SHOWN
            else ""
        )
        help_ = "".join(f"<p>{_linked(line)}</p>" for line in self.help)
        style = STYLE + picture.STYLE if "mk-ladder" in items else STYLE
        return f'{style}<div class="mqttkit-check" role="status"><p><b>{escape(self.heading)}</b></p><ul>{items}</ul>{help_}</div>'


def told_once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items, with a sentence (the scenario could not go on) or a ladder that several share only at the first of them."""
    told: set[str] = set()
    result = []
    for item in items:
        news = item | {"saw": item["saw"] if item["packets"] or item["saw"] not in told else ""}
        if item["packets"] in told:
            news |= {"packets": "", "ladder": ""}
        result.append(item if item["ok"] else news)
        told |= set() if item["ok"] else {item["saw"], item["packets"]}
    return result


def _item_text(item: dict[str, Any]) -> list[str]:
    if item["ok"]:
        return [f"  ok       {item['expected']}"]
    lines = [f"  not yet  {item['expected']}"]
    if item["saw"]:
        lines.append(f"           saw: {item['saw']}")
    return [*lines, *(f"             {line}" for line in item["packets"].splitlines())]


def item_html(item: dict[str, Any]) -> str:
    """One item as an entry of a list, with its ladder when it is not earned."""
    word = "ok" if item["ok"] else "not yet"
    html = f'<li class="{"ok" if item["ok"] else "no"}"><b class="word">{word}</b> {escape(item["expected"])}'
    if not item["ok"] and item["saw"]:
        html += f"<dl><dt>saw</dt><dd>{marked(item['saw'])}</dd></dl>"
    if not item["ok"] and item["packets"]:
        html += picture.as_html(item)
    return html + "</li>"


def _linked(line: str) -> str:
    """A line of help with its last word as a link, when it names a lesson or the solution."""
    for word, folder in (("Lesson: ", "../notebooks/"), ("Explained solution: ", "../solutions/")):
        if line.startswith(word):
            target = line.removeprefix(word)
            return f'{word}<a href="{folder}{escape(Path(target).stem, quote=True)}.ipynb">{escape(title(target))}</a>'
    return marked(line)


def marked(text: str) -> str:
    """A sentence as HTML, with what stands between backquotes as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text))
