"""feedback.html: one submission's verdicts as a page that a student reads. It shows no seed, no reading and no solution."""

from __future__ import annotations

from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: 0; }} h2 {{ font-size: 1.15rem; margin: 2rem 0 .3rem; }}
.points {{ float: right; font-variant-numeric: tabular-nums; }}
ul {{ list-style: none; padding: 0; margin: .3rem 0; }}
li {{ border-left: 4px solid #888; padding: .1rem .8rem; margin: .4rem 0; }}
li.ok {{ border-color: #388e3c; }} li.no {{ border-color: #f57c00; }}
.word {{ display: inline-block; min-width: 4.5rem; font-weight: 600; }}
.saw {{ margin: .1rem 0 .1rem 4.5rem; }} pre {{ margin: .3rem 0 .3rem 4.5rem; padding: .4rem .7rem; overflow-x: auto;
background: color-mix(in srgb, currentColor 8%, transparent); }}
.note {{ border: 1px solid #f57c00; border-radius: .4rem; padding: .4rem .8rem; }}
</style></head><body>
"""


def render(report: dict[str, Any]) -> str:
    """The page on one report."""
    title = f"{report['exercise']}: {report['student']}"
    parts = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>", _total(report)]
    parts += [f'<p class="note">{escape(text)}</p>' for text in _notes(report)]
    parts += [_question(question) for question in report["questions"]]
    return "\n".join(parts) + "\n</body></html>\n"


def _total(report: dict[str, Any]) -> str:
    if report["status"] in ("missing", "unreadable", "grader_error"):
        return f"<p><b>Not graded: {escape(report['status'].replace('_', ' '))}.</b></p>"
    late = (
        f" ({report['raw_score']:g}, less {report['late_penalty']:g} for late work)" if report["late_penalty"] else ""
    )
    return f"<p><b>{report['score']:g} of {report['max_score']:g} points</b>{escape(late)}</p>"


def _notes(report: dict[str, Any]) -> list[str]:
    notes = [report["note"], *report["notes"]]
    if report["tampered"]:
        notes.append(
            "These cells were changed, and have been restored before grading: " + ", ".join(report["tampered"]) + "."
        )
    if report["missing"]:
        notes.append("These cells had been deleted: " + ", ".join(report["missing"]) + ".")
    notes += [f"Cell {cell['cell']} {cell['what']}." for cell in report["cells"]]
    return [note for i, note in enumerate(notes) if note and note not in notes[:i]]


def _question(question: dict[str, Any]) -> str:
    head = f'<h2>{escape(question["id"])} <span class="points">{question["score"]:g} / {question["max_score"]:g}</span></h2>'
    if question["state"] != "played":
        return f"{head}<p>{escape(question['note'])}</p>"
    items = "".join(_item(item) for item in question["items"])
    return f"{head}<ul>{items}</ul>{_help(question)}"


def _item(item: dict[str, Any]) -> str:
    word = "ok" if item["ok"] else "not yet"
    html = f'<li class="{"ok" if item["ok"] else "no"}"><span class="word">{word}</span>{escape(item["expected"])}'
    if not item["ok"] and item["saw"]:
        html += f'<p class="saw">Seen: {escape(item["saw"])}</p>'
    if not item["ok"] and item["packets"]:
        html += f"<pre>{escape(item['packets'])}</pre>"
    return html + "</li>"


def _help(question: dict[str, Any]) -> str:
    if question["score"] == question["max_score"]:
        return ""
    lines = [question["note"], *(f"Hint: {hint}" for hint in question["hints"][:1]), f"Lesson: {question['lesson']}"]
    return "".join(f"<p>{escape(line)}</p>" for line in lines if line)
