"""A helpful sentence where a cell uses what an earlier cell makes, and that one has not been run.

After a restart of the kernel, or after a jump to the middle, Python says no more than "name 'alice' is not defined".
"""

from __future__ import annotations

from typing import Any

from mqttkit._notebook import shell

ADVICE = (
    "A cell above makes it: run that one first (menu Run → Run All Above Selected Cell). "
    "If no cell above makes it, look at the spelling."
)


def advise() -> None:
    """In a notebook, add the advice to every NameError of a cell; anywhere else, and the second time, nothing."""
    found = shell()
    if found is not None and not found.custom_exceptions:
        found.set_custom_exc((NameError,), _show)


def _show(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: int | None = None) -> Any:
    """Show the error as always, with the advice behind its text."""
    if error.args and ADVICE not in str(error):
        error.args = (f"{error.args[0]}. {ADVICE}", *error.args[1:])
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
