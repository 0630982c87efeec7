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

_EXPORT = re.compile(r"^export (?:async )?(?:const|function|class) ([\w$]+)", flags=re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One page: its bytes, and the content security policy that lets it run its own script and nothing else."""

    body: bytes
    policy: str


def join_page(room: str) -> Page:
    """The page for phones and laptops."""
    return _page("join.html", _JOIN, room)


def instructor_page(room: str) -> Page:
    """The page for whoever runs the class; how to join it gets with the instructor's key only."""
    return _page("instructor.html", _INSTRUCTOR, room)


def _page(template: str, modules: tuple[str, ...], room: str) -> Page:
    script, style = _script(modules), _read("page.css")
    text = _read(template).replace("/*STYLE*/", style).replace("/*SCRIPT*/", script).replace("{{room}}", escape(room))
    return Page(text.encode(), _policy(script, style))


def _script(modules: tuple[str, ...]) -> str:
    """The modules in one script, each in a scope of its own; the last one starts the page."""
    return "\n".join(_scope(name) for name in modules)


def _scope(name: str) -> str:
    """One ES module as a function's scope: what it imports it takes from earlier scopes, what it exports it returns."""
    text = re.sub(r'^import (\{.*?\}) from "\./(\w+)\.js";$', r"const \1 = module_\2;", _read(name), flags=re.MULTILINE)
    names = ", ".join(_EXPORT.findall(text))
    return f"const module_{Path(name).stem} = (() => {{\n{_EXPORT.sub(_without_export, text)}\nreturn {{ {names} }};\n}})();"


def _without_export(found: re.Match[str]) -> str:
    return found[0].removeprefix("export ")


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
