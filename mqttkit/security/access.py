"""What a client may do: rules per user and topic, asked at every SUBSCRIBE, PUBLISH and delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mqttkit.errors import BrokerError, MqttKitError
from mqttkit.topics import check_topic_filter

Action = Literal["publish", "subscribe", "receive"]
_WORDS: dict[str, tuple[Action, ...]] = {
    "publish": ("publish",),
    "subscribe": ("subscribe",),
    "receive": ("receive",),
    "write": ("publish",),
    "read": ("subscribe", "receive"),
    "all": ("publish", "subscribe", "receive"),
}


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One line of who may do what where.

    Attributes:
        user: user name, or "*" for everyone.
        actions: of "publish", "subscribe" (be granted a SUBSCRIBE) and "receive" (be sent a message).
        topic_filter: where; `%u` stands for the user name and `%c` for the client id.
        allow: False for a rule that forbids. A rule that forbids wins over any that allows.
    """

    user: str
    actions: tuple[Action, ...]
    topic_filter: str
    allow: bool = True

    def __str__(self) -> str:
        return f"{'' if self.allow else 'deny '}{self.user} {','.join(self.actions)} {self.topic_filter}"

    def filter_for(self, user: str | None, client_id: str) -> str | None:
        """The topic filter with its patterns filled in; None where this rule is not about that user."""
        if self.user not in ("*", user):
            return None
        text = self.topic_filter
        for pattern, name in (("%u", user), ("%c", client_id)):
            if pattern in text:
                if not name:
                    return None
                # A name must not widen a rule that allows, nor evade one that forbids. ("$SYS" at the start opens the broker's own.)
                if any(wild in name for wild in "+#/") or (name[0] == "$" and text.startswith(pattern)):
                    return None if self.allow else "#"
                text = text.replace(pattern, name)
        return text


class Access:
    """Rules per user and topic; what no rule allows is refused.

    Args:
        rules: lines such as "anna publish,subscribe home/%u/#", "* read home/#", "deny * publish home/alarm";
            or AccessRule objects; or a mapping {user: {action: [topic filters]}}.
            Actions: publish, subscribe, receive; write = publish, read = subscribe and receive, all = the three.
    """

    def __init__(self, rules: Iterable[str | AccessRule] | Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        lines = _lines_of(rules) if isinstance(rules, Mapping) else rules
        self.rules = tuple(rule if isinstance(rule, AccessRule) else _parse_rule(rule) for rule in lines)

    def __repr__(self) -> str:
        return f"Access({[str(rule) for rule in self.rules]})"

    @classmethod
    def load(cls, path: str | Path) -> Access:
        """Rules from a text file: one a line, `#` at the start of a line begins a comment."""
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()  # Windows may begin with a mark
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise BrokerError(f"The access file {path} cannot be read: {why}. Check its name.") from error
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        return cls([_rule_in(path, *one) for one in numbered if one[1] and not one[1].startswith("#")])

    def allows(self, action: Action, topic: str, *, user: str | None, client_id: str) -> bool:
        """True when `user` may publish to, be sent, or (with a filter) subscribe to `topic`."""
        allowed = False
        for rule in self.rules:
            pattern = rule.filter_for(user, client_id) if action in rule.actions else None
            if pattern is not None and covers(pattern, topic):
                if not rule.allow:
                    return False
                allowed = True
        return allowed


def _lines_of(rules: Mapping[str, Mapping[str, Sequence[str]]]) -> list[AccessRule]:
    found: list[tuple[Any, Any, Any]] = [
        (user, action, topic_filter)
        for user, actions in rules.items()
        for action, filters in (actions.items() if isinstance(actions, Mapping) else [(actions, None)])
        for topic_filter in (filters if _is_iterable(filters) else [filters])
    ]
    for user, action, topic_filter in found:
        if not all(isinstance(word, str) for word in (user, action, topic_filter)):
            raise BrokerError(
                'Access rules in a dict are texts, such as {"anna": {"publish": ["home/#"]}}, '
                f"not {{{user!r}: {{{action!r}: {topic_filter!r}}}}}."
            )
    return [_make_rule(*rule) for rule in found]


def _is_iterable(filters: object) -> bool:
    return isinstance(filters, Iterable) and not isinstance(filters, (str, bytes))


def _rule_in(path: str | Path, number: int, line: str) -> AccessRule:
    try:
        return _parse_rule(line)
    except MqttKitError as error:
        raise BrokerError(f"{path}, line {number}: {error}") from None


def _parse_rule(line: str) -> AccessRule:
    if not isinstance(line, str):
        raise BrokerError(f"An access rule is a text such as 'anna read,publish home/%u/#', not {line!r}.")
    words = line.split(maxsplit=3)
    allow = words[:1] != ["deny"]
    words = line.split(maxsplit=2) if allow else words[1:]
    if len(words) != 3:  # noqa: PLR2004 - who, what, where
        raise BrokerError(f"An access rule is WHO ACTIONS FILTER, such as 'anna read,publish home/%u/#', not {line!r}.")
    return _make_rule(*words, allow=allow)


def _make_rule(user: str, actions: str, topic_filter: str, *, allow: bool = True) -> AccessRule:
    words = actions.split(",")
    unknown = [word for word in words if word not in _WORDS]
    if unknown:
        raise BrokerError(f"Unknown action {unknown[0]!r} in an access rule. Use {', '.join(_WORDS)}.")
    chosen = {action for word in words for action in _WORDS[word]}
    ordered = tuple(action for action in _WORDS["all"] if action in chosen)
    return AccessRule(user, ordered, check_topic_filter(topic_filter.strip()), allow)


def covers(wide: str, narrow: str) -> bool:
    """True when every topic that the filter `narrow` matches is matched by the filter `wide` too; a topic is such a filter."""
    if wide[:1] in ("+", "#") and narrow.startswith("$"):
        return False  # [MQTT-4.7.2-1]
    outer, inner = wide.split("/"), narrow.split("/")
    for position, level in enumerate(outer):
        if level == "#":
            return True
        if position >= len(inner):
            return False
        if inner[position] == "#" or (level != "+" and level != inner[position]):
            return False
    return len(inner) == len(outer)
