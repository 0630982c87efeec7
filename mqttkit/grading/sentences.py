"""Findings about a student's code, told as sentences that help. Pure."""

from __future__ import annotations

import re
from typing import Any

from mqttkit.url import VARIABLE

_WAITS = {
    "loop_forever": "`loop_forever()` never returns: start the network loop with `loop_start()` instead",
    "wait_for_publish": "it waits in `wait_for_publish()`, and the handshake cannot go on: is the network loop running, "
    "and is this not inside a callback?",
    "wait_for": "it waits for a message that does not come",
    "input": "it asks for input, and nobody is there to type",
    "sleep": "it sleeps: react to messages in a callback instead of waiting",
    "accept": "it waits for a connection",
}
_BLOCKS = (
    "it waits in `wait_for_publish()` for an acknowledgement, which only the thread can read that runs this callback. "
    "In a callback publish without waiting"
)
_LONGEST = 1000  # characters of what is told about one item
_BUSY = "while it runs, this client can neither read nor answer"


def missing(name: str) -> str:
    """Nothing has this name."""
    return f"Nothing is called `{name}` yet. Run the cell that defines it (and keep its name)."


def failed(name: str, facts: dict[str, Any]) -> str:
    """The cell that should make `name` has just failed in the learner's notebook."""
    message = _CELL_FILE.sub("(", str(facts.get("message", "")))
    return f"The cell of `{name}` ended with {facts.get('type', 'an error')}: {ended(message)} Mend that, run the cell, then check again."


_CELL_FILE = re.compile(r"\((?:\S+\.py|<\S+>), ")  # the name that IPython gives a cell


def not_made(name: str, reason: str) -> str:
    """Nothing has this name in a notebook that was handed in; `reason` is what happened to the cell that defines it, "" for nothing."""
    if not reason:
        return f"No cell of the notebook makes `{name}`. Was it renamed or deleted?"
    return f"The cell that makes `{name}` did not finish, so there is none: it {ended(reason)}"


def ended(text: str) -> str:
    """`text` as the end of a sentence: with one full stop, or the mark it brings."""
    return text if text.endswith(("?", "!")) else text.rstrip(". ") + "."


def short(text: str) -> str:
    """`text`, shortened where a student's names or payloads make it endless."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def nothing(name: str) -> str:
    """A function returned None where a value was wanted."""
    return f"`{name}` returned nothing (None). Is there a `return`? Printing is not returning."


def other_type(name: str, wanted: tuple[type, ...], found: str, value: str) -> str:
    """A value of another type than was asked for; constants are named in capitals, functions are not."""
    should, did = ("be", "is") if name.isupper() else ("return", "returned")
    names = " or ".join(_KINDS.get(kind, kind.__name__) for kind in wanted)
    if found == "None":
        return f"`{name}` should {should} {names}, and {did} nothing (None)."
    known = next((words for kind, words in _KINDS.items() if kind.__name__ == found), f"a {found}")
    return f"`{name}` should {should} {names}, and {did} {known}: {value}."


_KINDS: dict[type, str] = {
    str: "text (str)",
    bytes: "bytes",
    int: "a whole number (int)",
    float: "a number (float)",
    bool: "True or False (bool)",
    list: "a list",
    tuple: "a tuple",
    dict: "a dict",
}


def no_broker(reason: str) -> str:
    """The broker that the learner has named cannot be used."""
    return (
        f"This check plays on the broker that the environment variable {VARIABLE} names. {ended(reason)} "
        "Without that variable each check brings a broker of its own."
    )


def untouched() -> str:
    """The learner has not begun."""
    return "not started yet"


def off_roster() -> str:
    """For the instructor only: somebody handed in whom the roster does not know."""
    return "This student is not on the roster."


def given() -> str:
    """A broken client as it was handed out, played so that its illness can be seen."""
    return "This client is still as it was given to you: no points yet. Repair its cell, run that, and check again."


def raised(name: str, facts: dict[str, Any]) -> str:
    """A call raised, or returned what cannot be sent."""
    if facts.get("type") == "Unsendable":
        return f"`{name}` returned something that cannot be looked at: {facts.get('message', '')}."
    what = f"{facts.get('type', 'an error')}: {facts.get('message', '')}".rstrip(": .")
    extra = _advice(facts)
    return f"`{name}` raised {what}{_where(facts)}.{' ' + extra if extra else ''}"


def is_error(text: str) -> bool:
    """True for a sentence of `raised`: about the student's Python, not about MQTT."""
    return re.match(r"`\w+` raised ", text) is not None


def late(name: str, facts: dict[str, Any], seconds: float) -> str:
    """A call did not come back."""
    reason = next((_WAITS[f] for f in facts.get("inside", []) if f in _WAITS), "")
    return f"`{name}` had not returned after {seconds:g} s{_where(facts)}" + (
        _because(reason) if reason else ". Does a loop in it never end?"
    )


def blocked(facts: dict[str, Any]) -> str:
    """A callback did not return."""
    inside = facts.get("inside", [])
    reason = _BLOCKS if "wait_for_publish" in inside else next((_WAITS[f] for f in inside if f in _WAITS), _BUSY)
    return f"The callback `{facts.get('function', '?')}` has not returned{_where(facts)}{_because(reason)}"


def _because(reason: str) -> str:
    return f": {reason}" + ("" if reason.endswith("?") else ".")


def lost_error(facts: dict[str, Any]) -> str:
    """A callback, or paho itself, raised where nobody saw it."""
    what = f"{facts.get('type', 'an error')}: {facts.get('message', '')}".rstrip(": .")
    if facts.get("message") == "Invalid host.":  # paho's own words
        return f"The network loop of a client ended with {what}: call `connect(broker.host, broker.port)` before `loop_start()`."
    where = f" `{facts['function']}`" if "function" in facts else ""
    return f"An error in your callback{where} stopped it: {what}{_where(facts)}. In paho that ends the network thread."


def stopped() -> str:
    """The learner interrupted the check."""
    return "You stopped the check, so nothing was judged. Run the cell again when you like."


def gone(reason: str) -> str:
    """The student's kernel gave no answer."""
    return f"The notebook's kernel gave no answer ({reason})."


def _where(facts: dict[str, Any]) -> str:
    return f" (at line {facts['line']}: `{facts['text']}`)" if facts.get("text") else ""


def _advice(facts: dict[str, Any]) -> str:
    message, kind = facts.get("message", ""), facts.get("type")
    if "callback API version" in message:
        return "paho 2 wants `mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, ...)`."
    if kind == "ConnectionRefusedError":
        return "Nobody listens there: use the address you were given, `broker.host` and `broker.port`."
    if kind == "TypeError" and "positional argument" in message:
        return "Keep the parameters as they were given."
    if kind == "TypeError" and "payload" in message:
        return "A payload is text or bytes: `json.dumps(...)` turns a dict into text."
    return ""
