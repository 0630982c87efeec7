"""What runs in the student's kernel: it calls the student's functions for the grader, each with a time limit.

Nothing here decides a mark, and nothing here knows a rubric. A function that does not come back is reported with the line
it is at, and then ended; one that raises is reported with the line that raised.
"""

from __future__ import annotations

import contextvars
import ctypes
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

from mqttkit.grading import patience, stacks
from mqttkit.grading.values import Store, Unsendable

SCENARIO = "mqttkit-scenario"  # how the threads of scenarios are called


class Stopped(BaseException):
    """Raised inside a student's function that did not come back in time."""


class Student:
    """Answers the grader's requests from the names in one notebook.

    Args:
        namespace: the notebook's global names, looked at afresh with each request.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._store = Store()
        self._errors: list[dict[str, Any]] = []
        # What an earlier check left behind is not told again. The things themselves: a number may be given away a second time.
        self._threads_before = set(threading.enumerate())
        self._clients_before = {id(client): client for client in [*_paho_clients(), *_kit_clients()]}
        self._hook_before = threading.excepthook
        threading.excepthook = self._note_error

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request of the grader; never raises."""
        operations: dict[str, Callable[..., dict[str, Any]]] = {
            "look": self._look,
            "call": self._call,
            "get": self._get,
            "diagnose": self._diagnose,
        }
        try:
            arguments = {key: value for key, value in request.items() if key != "op"}
            return operations[request["op"]](**arguments)
        except Exception as error:  # noqa: BLE001 - whatever a student's object does here, the grader needs an answer
            return {"raised": stacks.describe(error)}

    def finish(self) -> None:
        """End what the student's functions started: clients are disconnected, their network threads end."""
        threading.excepthook = self._hook_before
        for client in _paho_clients():
            if id(client) not in self._clients_before:
                threading.Thread(target=_end_client, args=(client,), daemon=True).start()

    def _look(self, names: list[str]) -> dict[str, Any]:
        return {"facts": {name: stacks.state_of(self._namespace.get(name, stacks.MISSING)) for name in names}}

    def _get(self, name: str) -> dict[str, Any]:
        if name not in self._namespace:
            return {"missing": True}
        return self._send(self._namespace[name])

    def _call(self, name: str, args: list[Any], timeout: float, *, keep: bool = False) -> dict[str, Any]:
        """Call the function `name` in a thread with a time limit."""
        if name not in self._namespace:
            return {"missing": True}
        function = self._namespace[name]
        if not callable(function):
            return {"raised": {"type": "TypeError", "message": f"{name} is not a function but {function!r}"[:200]}}
        run = _Run(function, [self._store.decode(arg) for arg in args])
        return self._outcome(run, timeout, keep=keep)

    def _outcome(self, run: _Run, timeout: float, *, keep: bool) -> dict[str, Any]:
        try:
            done = patience.wait(run.done.is_set, run.done.wait, timeout) is not None
        except KeyboardInterrupt:
            run.end()
            raise
        if not done:
            stack = stacks.of_thread(run.thread)
            run.end()
            return {"late": stack}
        if run.error is not None:
            return {"raised": stacks.describe(run.error)}
        return {"value": self._store.keep(run.value)} if keep else self._send(run.value)

    def _send(self, value: Any) -> dict[str, Any]:
        try:
            return {"value": self._store.sendable(value)}
        except (Unsendable, RecursionError) as error:
            return {"raised": stacks.describe(error)}

    def _diagnose(self) -> dict[str, Any]:
        return {
            "facts": {
                "errors": self._errors[:5] + self._kept_errors(),
                "blocked": stacks.blocked_callbacks(self._threads_before),
            }
        }

    def _kept_errors(self) -> list[dict[str, Any]]:
        """Errors of callbacks that the kit's own clients, made in this check, kept for their next call."""
        clients = [client for client in _kit_clients() if id(client) not in self._clients_before]
        kept = [client._errors._first for client in clients]  # noqa: SLF001 - the same kit
        return [stacks.describe(error) for error in kept if isinstance(error, BaseException)][:5]

    def _note_error(self, args: threading.ExceptHookArgs) -> None:
        """An exception that ended a thread, such as paho's network thread: kept, because nobody else would tell.

        A thread of a scenario is left out: in a notebook it runs in this process, too.
        """
        own = str(getattr(args.thread, "name", "")).startswith(SCENARIO)
        if args.exc_value is not None and not isinstance(args.exc_value, Stopped) and not own:
            self._errors.append(stacks.describe(args.exc_value))


class _Run:
    """A student's function at work in a thread of its own; its output belongs to the cell that asked."""

    def __init__(self, function: Callable[..., Any], args: list[Any]) -> None:
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None
        context = contextvars.copy_context()
        self.thread = threading.Thread(target=context.run, args=(self._work, function, args), daemon=True)
        self.thread.start()

    def _work(self, function: Callable[..., Any], args: list[Any]) -> None:
        try:
            self.value = function(*args)
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a student are findings too
            self.error = error
        self.done.set()

    def end(self) -> None:
        """Raise `Stopped` in the thread: takes effect at its next bytecode, so a sleeping thread ends when it wakes."""
        ident = ctypes.c_ulong(self.thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Stopped))
        self.done.wait(0.2)


def _instances(module: str, name: str) -> list[Any]:
    """All living objects of a class, without importing its module for the question.

    Every object refers to its class: asking the collector for that is ten times as fast as looking at all objects.
    """
    kind = getattr(sys.modules.get(module), name, None)
    if kind is None:
        return []
    kinds = _with_subclasses(kind)
    return [thing for thing in gc.get_referrers(*kinds) if type(thing) in kinds]


def _with_subclasses(kind: type) -> set[type]:
    children: list[type] = type.__subclasses__(kind)
    return {kind}.union(*map(_with_subclasses, children))


def _paho_clients() -> list[Any]:
    return _instances("paho.mqtt.client", "Client")


def _kit_clients() -> list[Any]:
    return _instances("mqttkit.client", "Client")


def _end_client(client: Any) -> None:
    if hasattr(client, "_thread"):  # a client that failed while it was built has no such thing
        client.disconnect()
        client.loop_stop()
