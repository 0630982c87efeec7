"""The pages of the classroom, each made into one file that loads nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

HERE = Path(__file__).parent / "page"
_JOIN = ("mqtt.js", "anatomy.js", "room.js", "shared.js", "join.js")
_INSTRUCTOR = ("mqtt.js", "anatomy.js", "room.js", "shared.js", "instructor.js")


@dataclass(frozen=True)
class Page:
    """One page: its bytes, and the content security policy that lets it run its own script and nothing else."""

    body: bytes
    policy: str


def join_page(room: str) -> Page:
    """The page for phones and laptops."""
    return _page("join.html", _JOIN, {"room": room})


def instructor_page(room: str, join_url: str, qr_code: str) -> Page:
    """The page for whoever runs the class; `qr_code` is SVG markup made here, not by strangers."""
    return _page("instructor.html", _INSTRUCTOR, {"room": room, "join_url": join_url}, {"qr": qr_code})


def _page(
    template: str, modules: tuple[str, ...], values: dict[str, str], markup: dict[str, str] | None = None
) -> Page:
    script, style = _script(modules), _read("page.css")
    text = _read(template).replace("/*STYLE*/", style).replace("/*SCRIPT*/", script)
    for name, value in ({name: escape(value) for name, value in values.items()} | (markup or {})).items():
        text = text.replace("{{" + name + "}}", value)
    return Page(text.encode(), _policy(script, style))


def _script(modules: tuple[str, ...]) -> str:
    """The modules as one: what they import from each other then stands in the same scope."""
    joined = "\n".join(_read(name) for name in modules)
    joined = re.sub(r"^import .*?;\n", "", joined, flags=re.MULTILINE)
    return re.sub(r"^export (?=const|function|class|async)", "", joined, flags=re.MULTILINE)


def _policy(script: str, style: str) -> str:
    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; img-src data:; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text("utf-8")
