"""Who closes what a learner leaves open.

A notebook cell that opens a broker, a lab or a client is often run again. What its previous run left open is then closed
first; whatever is still open when the process ends is closed then. Nothing here keeps an object alive.
"""

from __future__ import annotations

import atexit
import sys
import weakref
from typing import Any, Protocol


class Closable(Protocol):
    """Anything with a `close` that may be called twice and from any thread."""

    def close(self) -> None:
        """End every thread, socket and process this object owns."""


_by_cell: dict[str, tuple[Any, weakref.WeakSet[Any]]] = {}
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def adopt(thing: Closable) -> None:
    """Remember `thing`; close what an earlier run of the same notebook cell left open."""
    _open.add(thing)
    cell = _current_cell()
    if cell is None:
        return
    key, run = cell
    earlier = _by_cell.get(key)
    if earlier is None or earlier[0] != run:
        _by_cell[key] = (run, weakref.WeakSet())
        if earlier is not None:
            close_all(earlier[1])
    _by_cell[key][1].add(thing)


def close_all(things: weakref.WeakSet[Any] | None = None) -> None:
    """Close every object of `things` (without argument: all that are open), whatever one of them says."""
    for thing in list(_open if things is None else things):
        try:
            thing.close()
        except Exception:  # noqa: BLE001 - one that fails must not keep the next one open
            continue


def _current_cell() -> tuple[str, Any] | None:
    """(name of the notebook cell that runs now, number of this run), or None outside a notebook."""
    ipython = sys.modules.get("IPython")  # imported already, if this is a notebook
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "get_parent"):
        return None
    parent = shell.get_parent() or {}
    metadata = parent.get("metadata", {})
    code = parent.get("content", {}).get("code", "")
    return str(metadata.get("cellId") or code), parent.get("header", {}).get("msg_id")


atexit.register(close_all)
