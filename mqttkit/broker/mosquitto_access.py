"""Our access rules in the words of mosquitto's acl_file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

from mqttkit.errors import BrokerError

if TYPE_CHECKING:
    from mqttkit.security import Access, AccessRule, Users


def access_lines(access: Access, users: Users | None) -> str:
    """The acl_file for these rules.

    mosquitto decides about publishing and receiving; a SUBSCRIBE it always grants (its acl_file has no rule for that).
    """
    for rule in access.rules:
        _refuse_half_a_deny(rule, access)
    lines = [line for rule in access.rules if rule.user == "*" for line in _everyone(rule, users)]
    for user in users or ():
        own = [line for rule in access.rules if rule.user == user for line in _lines(rule, user)]
        lines += [f"user {user}", *own] if own else []
    return "\n".join(lines) + "\n"


def _refuse_half_a_deny(rule: AccessRule, access: Access) -> None:
    """Raise BrokerError where forbidding one of publish and receive would take away the other, which another rule allows."""
    halves = {"publish", "receive"} - set(rule.actions)
    if rule.allow or len(halves) != 1:
        return
    (half,) = halves
    for other in access.rules:
        together = other.user in ("*", rule.user) or rule.user == "*"
        if other.allow and half in other.actions and together and _overlap(rule.topic_filter, other.topic_filter):
            raise BrokerError(
                f"mosquitto cannot do what the access rule {str(rule)!r} says: it forbids publishing and receiving together, "
                f"and {str(other)!r} allows to {half}. Forbid both, or use Broker()."
            )


def _overlap(one: str, other: str) -> bool:
    """True when some topic may match both filters; a level with a pattern such as %u may be anything."""
    for left, right in zip_longest(one.split("/"), other.split("/")):
        if "#" in (left, right):
            return True
        free = left is not None and right is not None and any(wild in level for level in (left, right) for wild in "+%")
        if left != right and not free:
            return False
    return True


def _everyone(rule: AccessRule, users: Users | None) -> Iterator[str]:
    """A `pattern` line speaks of everybody; the standing `topic` lines at the top speak of those without a name."""
    word = _word(rule)
    if word is None:
        return
    if users is None and "%u" not in rule.topic_filter and "%c" not in rule.topic_filter:
        yield f"topic {word} {rule.topic_filter}"
    yield f"pattern {word} {rule.topic_filter}"


def _lines(rule: AccessRule, user: str) -> Iterator[str]:
    word = _word(rule)
    if word is None:
        return
    if "%c" in rule.topic_filter:
        yield f"pattern {word} {rule.topic_filter.replace('%u', user)}"
    else:
        yield f"topic {word} {rule.topic_filter.replace('%u', user)}"


def _word(rule: AccessRule) -> str | None:
    """Mosquitto's word for the actions: write = publish, read = receive, deny = neither; None where it has none."""
    publish, receive = "publish" in rule.actions, "receive" in rule.actions
    if not rule.allow:
        return "deny" if publish or receive else None
    return {(True, True): "readwrite", (True, False): "write", (False, True): "read"}.get((publish, receive))
