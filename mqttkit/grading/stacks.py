"""Where a student's code is, and what it raised: facts for a sentence that helps. Runs in the student's kernel."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
import textwrap
import threading
import traceback
from collections.abc import Iterable
from types import FrameType
from typing import Any

from mqttkit.grading.rubric import fingerprint

MISSING = object()


def describe(error: BaseException) -> dict[str, Any]:
    """Type, message and the student's own line of an exception."""
    facts: dict[str, Any] = {"type": type(error).__name__, "message": str(error)[:300]}
    for frame, line in traceback.walk_tb(error.__traceback__):
        if _is_students(frame.f_code.co_filename):
            facts |= _line(frame, line)
    return facts


def of_thread(thread: threading.Thread) -> dict[str, Any]:
    """Where `thread` is now: the student's innermost line, and the functions it waits in."""
    return _facts(_frame(thread))


def _frame(thread: threading.Thread) -> FrameType | None:
    return sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way to see another thread


def blocked_callbacks(known: set[threading.Thread]) -> list[dict[str, Any]]:
    """Callbacks that have not returned: threads, but those `known`, in a student's function that a network loop called."""
    found = []
    for thread in threading.enumerate():
        if thread in known or thread is threading.current_thread():
            continue
        frame = _frame(thread)
        facts = _facts(frame)
        if "line" in facts and any(f.f_code.co_name.startswith("_handle_") for f in _walk(frame)):
            found.append(facts)
    return found


def _facts(frame: FrameType | None) -> dict[str, Any]:
    frames = list(_walk(frame))
    own = next((f for f in frames if _is_students(f.f_code.co_filename)), None)
    facts: dict[str, Any] = {"inside": [f.f_code.co_name for f in frames[:12]]}
    return facts | (_line(own, own.f_lineno) if own is not None else {})


def _walk(frame: FrameType | None) -> Any:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _line(frame: FrameType, line: int) -> dict[str, Any]:
    text = linecache.getline(frame.f_code.co_filename, line).strip()
    return {"function": frame.f_code.co_name, "line": line, "text": _closed(text[:120])}


def _closed(text: str) -> str:
    """The first line of a statement that goes on, with the brackets closed that are open at its end."""
    closing = {"(": ")", "[": "]", "{": "}"}
    open_: list[str] = []
    for sign in text:
        if sign in closing:
            open_.append(closing[sign])
        elif open_ and sign == open_[-1]:
            open_.pop()
    return text + ("…" + "".join(reversed(open_)) if open_ else "")


def _is_students(filename: str) -> bool:
    """True for code of a notebook cell: it was compiled from no file, or from IPython's temporary name for a cell."""
    return filename.startswith(("<ipython-input", "<cell")) or "ipykernel_" in filename


def makes(source: str, name: str) -> bool:
    """True when the code of a cell defines `name`, as far as can be seen in code that may be no Python."""
    return bool(re.search(rf"^[ \t]*(?:(?:async )?def {name}\b|class {name}\b|{name} *[:=])", source, re.MULTILINE))


def failed_before(names: Iterable[str]) -> tuple[str, dict[str, Any]] | None:
    """(name, facts of the error) when the cell that ran just before in this notebook should have made one of `names`, and failed."""
    interactive = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    last = getattr(interactive, "last_execution_result", None)
    error = getattr(last, "error_before_exec", None) or getattr(last, "error_in_exec", None)
    if last is None or not isinstance(error, BaseException):
        return None
    name = next((name for name in names if makes(str(last.info.raw_cell), name)), None)
    return (name, describe(error)) if name else None


def state_of(thing: Any) -> dict[str, Any]:
    """Whether a name is "missing", "untouched" (still `...`) or "ready"; for a function also its fingerprint."""
    if thing is MISSING:
        return {"state": "missing"}
    if thing is Ellipsis or (isinstance(thing, dict) and thing and all(value is Ellipsis for value in thing.values())):
        return {"state": "untouched"}
    source = _source(thing)
    if source is None:
        return {"state": "ready"}
    return {"state": "untouched" if _is_stub(source) else "ready", "fingerprint": fingerprint(source)}


def _source(thing: Any) -> str | None:
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return None
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError, SyntaxError):
        return None


def _is_stub(source: str) -> bool:
    """True when every body in `source` is only a docstring and `...`, `pass` or `return None`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return bool(bodies) and all(_says_nothing(statement) for body in bodies for statement in body)


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Return):
        return statement.value is None or (isinstance(statement.value, ast.Constant) and statement.value.value is None)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
