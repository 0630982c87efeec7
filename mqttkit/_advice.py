"""Helpful sentences for two things that happen to everyone in a notebook, in place of Python's own words for them.

A cell uses what an earlier cell makes, and that one has not been run: after a restart of the kernel, or after a jump to
the middle, Python says no more than "name 'alice' is not defined". And a cell that waits is stopped with the button ■:
Python shows forty lines out of the middle of a library.
"""

from __future__ import annotations

import linecache
import re
import traceback
from types import TracebackType
from typing import Any

from mqttkit._notebook import shell

ORDER = (
    "A cell above makes it: run that one first (menu Run → Run All Above Selected Cell). "
    "If no cell above makes it, look at the spelling."
)
OWN = (
    "A function that gives {name} a value somewhere has a {name} of its own, and it had no value yet. To use the one outside, "
    "begin the function with: global {name} (nonlocal {name}, where that one belongs to a function around it)."
)
STOPPED = "You stopped this cell{place}. Nothing is broken: run it again, or change it first."


def advise() -> None:
    """In a notebook, show this advice with NameError and KeyboardInterrupt; anywhere else, and the second time, nothing."""
    found = shell()
    if found is not None and not found.custom_exceptions:
        from asyncio import CancelledError  # how a cell with `await` or `async for` is stopped

        found.set_custom_exc((NameError, KeyboardInterrupt, CancelledError), _show)


def _show(shell: Any, kind: type[BaseException], error: Any, trace: Any, tb_offset: int | None = None) -> Any:
    """Show the error with its advice: a NameError as always, an interrupt as one sentence."""
    advice = _advice(error) if isinstance(error, NameError) else ""
    if advice and advice not in str(error):
        error.args = (f"{error.args[0]}. {advice}", *error.args[1:])
    if not isinstance(error, NameError):
        sentence = STOPPED.format(place=_place(trace, shell.user_ns))
        error.args = (sentence,)
        error._render_traceback_ = lambda: [sentence]  # what IPython shows instead
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _advice(error: NameError) -> str:
    """What to do about a name that means nothing (yet); "" where that is not known."""
    found = re.search(r"'(\w+)'", str(error))
    if isinstance(error, UnboundLocalError):
        return OWN.format(name=found[1]) if found else ""
    return ORDER if str(error).partition(". ")[0].endswith("is not defined") else ""


def _place(trace: TracebackType | None, names: dict[str, Any]) -> str:
    """Where in the cell it stopped; "" when it had not begun."""
    lines = [(frame, number) for frame, number in traceback.walk_tb(trace) if frame.f_globals is names]
    if not lines:
        return ""
    frame, number = lines[-1]
    text = linecache.getline(frame.f_code.co_filename, number).strip()
    return f" in line {number}: {text}" if text else ""
