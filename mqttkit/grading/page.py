"""feedback.html: one submission's verdicts as a page that a student reads. It shows no seed, no reading and no solution."""

from __future__ import annotations

from html import escape
from typing import Any

from mqttkit.grading import feedback, picture, sentences
from mqttkit.grading.lessons import title

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: 0; }} h2 {{ font-size: 1.15rem; margin: 2rem 0 .3rem; }}
.who {{ margin: .2rem 0; opacity: .8; }} .points {{ float: right; font-variant-numeric: tabular-nums; }}
.note {{ border: 1px solid #f57c00; border-radius: .4rem; padding: .4rem .8rem; }}
.mqttkit-check .mk-ladder {{ font-size: 13px; }}
</style>{styles}</head><body>
"""


def render(report: dict[str, Any]) -> str:
    """The page on one report."""
    heading, who = report.get("title") or report["exercise"], report.get("name") or report["student"]
    parts = [
        _HEAD.format(title=escape(f"{heading}: {who}"), styles=feedback.STYLE + picture.STYLE),
        f"<h1>{escape(heading)}</h1>",
        f'<p class="who">{escape(_who(report, who))}</p>',
        _total(report),
    ]
    parts += [f'<p class="note">{feedback.marked(text)}</p>' for text in _notes(report)]
    parts += [_question(question) for question in report["questions"]]
    return "\n".join(parts) + "\n</body></html>\n"


def _who(report: dict[str, Any], who: str) -> str:
    """Whose page this is, and which file was looked at."""
    when = str(report.get("submitted") or "")[:16].replace("T", " ")
    handed = f"{report['file']}, handed in {when}" if report["file"] and when else report["file"]
    return f"{who} · {handed}" if handed else who


def _total(report: dict[str, Any]) -> str:
    if report["score"] is None:
        return f"<p><b>Not graded: {escape(report['status'].replace('_', ' '))}.</b></p>"
    late = (
        f" ({report['raw_score']:g}, less {report['late_penalty']:g} for late work)" if report["late_penalty"] else ""
    )
    praise = " Everything is right. Well done!" if report["raw_score"] == report["max_score"] else ""
    return f"<p><b>{report['score']:g} of {report['max_score']:g} points</b>{escape(late)}{praise}</p>"


def _notes(report: dict[str, Any]) -> list[str]:
    notes = [report["note"], *(note for note in report["notes"] if note != sentences.off_roster())]
    if report["tampered"]:
        notes.append(
            "These cells were changed, and have been restored before grading: " + ", ".join(report["tampered"]) + "."
        )
    if report["missing"]:
        notes.append("These cells had been deleted: " + ", ".join(report["missing"]) + ".")
    notes += [sentences.ended(f"{cell.get('name', 'A cell')} {cell['what']}") for cell in report["cells"]]
    return [note for i, note in enumerate(notes) if note and note not in notes[:i]]


def _question(question: dict[str, Any]) -> str:
    points = f'<span class="points">{question["score"]:g} / {question["max_score"]:g}</span>'
    head = f"<h2>{points}{escape(question.get('task') or question['id'])}</h2>"
    if question["state"] != "played":
        note = question["note"]
        return f"{head}<p>{feedback.marked(sentences.ended(note[:1].upper() + note[1:]))}</p>"
    items = "".join(feedback.item_html(item) for item in feedback.told_once(question["items"]))
    return f'{head}<div class="mqttkit-check"><ul>{items}</ul>{_help(question)}</div>'


def _help(question: dict[str, Any]) -> str:
    if question["score"] == question["max_score"]:
        return "<p>Well done.</p>"
    lines = [
        question["note"],
        *(f"Hint: {hint}" for hint in question["hints"][:1]),
        f"Lesson: {title(question['lesson'])}",
    ]
    return "".join(f"<p>{feedback.marked(line)}</p>" for line in lines if line)
