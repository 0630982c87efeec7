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
    It reads the section of a user before the patterns, which are for everybody, and in each of them first what is denied.

    Raises:
        BrokerError: mosquitto would allow or forbid more than the rules say.
    """
    for rule in access.rules:
        _refuse_half_a_deny(rule, access)
        _refuse_client_id(rule, access)
    lines = [f"pattern {_word(rule)} {rule.topic_filter}" for rule in access.rules if rule.user == "*" and _word(rule)]
    for user in dict.fromkeys([*(users or ()), *(rule.user for rule in access.rules if rule.user != "*")]):
        own = list(_section(access, user))
        lines += [f"user {user}", *own] if own else []
    return "\n".join(lines) + "\n"


def _section(access: Access, user: str) -> Iterator[str]:
    """What one user may do, and what is denied to everybody, so that nothing in here is allowed against it."""
    if all(rule.user != user for rule in access.rules):
        return
    for rule in access.rules:
        topic_filter = rule.filter_for(user, "") if rule.user == user or not rule.allow else None
        if topic_filter is not None and _word(rule):
            yield f"topic {_word(rule)} {topic_filter}"


def _refuse_client_id(rule: AccessRule, access: Access) -> None:
    """Raise BrokerError for a client id (%c) that mosquitto would read too late, or as a rule for everybody."""
    if "%c" not in rule.topic_filter or _word(rule) is None:
        return
    if rule.user != "*":
        raise BrokerError(
            f"mosquitto cannot do what the access rule {str(rule)!r} says: %c is only in rules for everybody there. "
            f"Use %u, or Broker()."
        )
    for other in access.rules:
        beaten = other.allow and other.user != "*" and _word(other) and _overlap(rule.topic_filter, other.topic_filter)
        if beaten and not rule.allow:
            raise BrokerError(
                f"mosquitto cannot do what the access rule {str(rule)!r} says: {str(other)!r} would win over it there. "
                f"Write that one for everybody (*), or use Broker()."
            )


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


def _word(rule: AccessRule) -> str | None:
    """Mosquitto's word for the actions: write = publish, read = receive, deny = neither; None where it has none."""
    publish, receive = "publish" in rule.actions, "receive" in rule.actions
    if not rule.allow:
        return "deny" if publish or receive else None
    return {(True, True): "readwrite", (True, False): "write", (False, True): "read"}.get((publish, receive))
