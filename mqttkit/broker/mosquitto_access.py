"""Our access rules in the words of mosquitto's acl_file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqttkit.security import Access, AccessRule, Users


def access_lines(access: Access, users: Users | None) -> str:
    """The acl_file for these rules.

    mosquitto decides about publishing and receiving; a SUBSCRIBE it always grants (its acl_file has no rule for that).
    """
    lines = [line for rule in access.rules if rule.user == "*" for line in _everyone(rule, users)]
    for user in users or ():
        own = [line for rule in access.rules if rule.user == user for line in _lines(rule, user)]
        lines += [f"user {user}", *own] if own else []
    return "\n".join(lines) + "\n"


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
    """Mosquitto's word for the actions: write = publish, read = receive, deny = neither."""
    if not rule.allow:
        return "deny"
    publish, receive = "publish" in rule.actions, "receive" in rule.actions
    return {(True, True): "readwrite", (True, False): "write", (False, True): "read"}.get((publish, receive))
