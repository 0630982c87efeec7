"""Callbacks whose errors can neither vanish nor stop the network thread."""

from __future__ import annotations

import linecache
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from mqttkit import _notebook

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

# A callback that fails for every message of a busy topic must not flood the notebook.
SHOWN_PER_CALLBACK = 3


class CallbackErrors:
    """Errors of one client's callbacks: shown at once, kept until the next call raises the first of them.

    Attributes:
        tell: gets the text of each in place of that next call, where somebody shows them; None where nobody does.
    """

    def __init__(self, client_id: str, wake: Callable[[], None]) -> None:
        self.client_id = client_id
        self.running: str | None = None  # the callback that the network thread is in
        self.tell: Callable[[str], None] | None = None
        self._wake = wake
        self._first: BaseException | None = None
        self._count = 0
        self._shown: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> bool:
        """True while an error waits to be raised."""
        return self._first is not None

    def keep(self, error: BaseException, name: str) -> None:
        """Remember `error` of the callback `name` for the next call, and show it where the callback was written."""
        with self._lock:
            if self.tell is None:
                self._keep_first(error, name)
            self._shown[name] += 1
            shown = self._shown[name]
        if shown <= SHOWN_PER_CALLBACK:
            _notebook.show(self._sentence(error, name, last=shown == SHOWN_PER_CALLBACK and self.tell is None))
        if self.tell is not None:
            self.tell(self._sentence(error, name))
        self._wake()

    def _keep_first(self, error: BaseException, name: str) -> None:
        self._count += 1
        if self._first is None:
            self._first = _with_note(error, f'Raised in {name} of client "{self.client_id}", before this call.')

    def raise_first(self) -> None:
        """Raise the first error that came since the last call, if any."""
        if self._first is None:
            return
        with self._lock:
            error, count = self._first, self._count
            self._first, self._count = None, 0
            self._shown.clear()
        if error is not None:
            if count > 1:
                _with_note(error, f"{count - 1} more error(s) followed it.")
            raise error

    def _sentence(self, error: BaseException, name: str, *, last: bool = False) -> str:
        lines = [f'Error in {name} of client "{self.client_id}": {type(error).__name__}: {error}', *_place(error)]
        if last:
            lines.append("Its next errors are counted, not shown.")
        return "\n".join(lines)


def _with_note(error: BaseException, note: str) -> BaseException:
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(note)
    return error


def _place(error: BaseException) -> list[str]:
    """The line of code that failed, as text that is the same in every run."""
    step: TracebackType | None = error.__traceback__
    if step is None:
        return []
    while step.tb_next is not None:
        step = step.tb_next
    code = step.tb_frame.f_code
    line = linecache.getline(code.co_filename, step.tb_lineno, step.tb_frame.f_globals).strip()
    return [f"  in {code.co_name}, line {step.tb_lineno}: {line}"] if line else []


class Guarded:
    """A callback: its errors are kept; a learner's output appears in the cell that set it.

    Args:
        function: what to call.
        name: how messages call it, such as "on_message".
        errors: takes what it raises.
        ours: True for the kit's own, which displays nothing.
    """

    def __init__(self, function: Callable[..., Any], name: str, errors: CallbackErrors, *, ours: bool = False) -> None:
        self.function = function
        self.name = name
        self.errors = errors
        self.cell = None if ours else _notebook.current_cell()
        self.__name__ = getattr(function, "__name__", type(function).__name__)  # paho's log wants one
        self.__wrapped__ = function

    def __call__(self, *args: Any) -> Any:  # noqa: D102 - see the class
        if self.cell is not None and threading.current_thread() is not threading.main_thread():
            _notebook.in_cell(self.cell)
        outer, self.errors.running = self.errors.running, self.name
        try:
            return self.function(*args)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a learner's code raises
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # without this line of ours
            self.errors.keep(error, self.name)
            return None
        finally:
            self.errors.running = outer


class Both:
    """The learner's part of a callback, then the kit's own: who waits for an event finds it handled."""

    def __init__(self, learner: Guarded, ours: Callable[..., Any]) -> None:
        self.learner = learner
        self.ours = ours
        self.__name__ = learner.__name__
        self.__wrapped__ = learner.function

    def __call__(self, *args: Any) -> Any:  # noqa: D102 - see the class
        result = self.learner(*args)
        self.ours(*args)
        return result
