"""The front end of a widget: plain ES modules and style sheets that lie beside the Python files.

anywidget wants one module as text. A widget's module imports what it shares with others (`import {...} from "./base.js"`);
here the imported files are put in front of it. There is no build step, and each file is a valid ES module on its own, so that
an editor or Node can read it.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function |class |const )", re.MULTILINE)


def module(name: str, folder: Path = HERE) -> str:
    """The ES module `name` as one text, with every local module that it imports (each once) before it."""
    return "\n".join(_parts(name, folder, set(), main=True))


def style(*names: str, folder: Path = HERE) -> str:
    """The style sheet shared by all widgets, followed by `names`."""
    return "\n".join([_read(HERE / "base.css"), *(_read(folder / name) for name in names)])


def _parts(name: str, folder: Path, seen: set[str], *, main: bool = False) -> list[str]:
    if name in seen:
        return []
    seen.add(name)
    path = folder / name
    source = _read(path if path.exists() else HERE / name)
    before = [part for found in _IMPORT.findall(source) for part in _parts(found, folder, seen)]
    own = _IMPORT.sub("", source)
    return [*before, own if main else _EXPORT.sub("", own)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
