"""What a thread may show in a notebook, and in which cell.

A print from a thread lands in whatever cell runs at that moment. Code that remembers its own cell with `current_cell` and
comes back to it with `in_cell` shows its output where the learner wrote it.
"""

from __future__ import annotations

import contextvars
import html
import sys
import threading
from typing import Any

_thread = threading.local()


def shell() -> Any | None:
    """The shell of a notebook kernel that can direct a thread's output to a cell; None anywhere else."""
    ipython = sys.modules.get("IPython")  # imported already, if this is a notebook
    get_ipython = getattr(ipython, "get_ipython", None)
    found = get_ipython() if get_ipython is not None else None
    return found if hasattr(found, "display_pub") and hasattr(found, "get_parent") else None


def current_cell() -> dict[str, Any] | None:
    """The request that runs the current cell; None outside a notebook."""
    found = shell()
    return (found.get_parent() or None) if found is not None else None


def in_cell(cell: dict[str, Any] | None) -> None:
    """From now on, what the calling thread prints and displays appears below `cell`. Not for the main thread."""
    if cell is None or getattr(_thread, "cell", None) is cell:
        return
    found = shell()
    if found is not None:
        (getattr(found, "set_thread_parent", None) or _set_thread_parent)(cell)
        _thread.cell = cell


def _set_thread_parent(cell: dict[str, Any]) -> None:
    """For ipykernel before 7.4 (the last on Python 3.10), which has no name for it: its context variables, in this thread only."""
    from jupyter_client.session import extract_header

    found, header = shell(), extract_header(cell)
    for part in (
        found,
        getattr(found, "displayhook", None),
        getattr(found, "display_pub", None),
        sys.stdout,
        sys.stderr,
    ):
        variable = getattr(part, "_parent_header", None)
        if isinstance(variable, contextvars.ContextVar):
            variable.set(cell if part is found else header)


def show(text: str) -> None:
    """Show `text` below the calling thread's cell; outside a notebook on stderr."""
    found = shell()
    if found is None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the only place for it without a notebook
        return
    framed = f'<pre style="border-left:4px solid #d33;padding-left:.6em;margin:0">{html.escape(text)}</pre>'
    found.display_pub.publish(data={"text/plain": text, "text/html": framed}, metadata={})
