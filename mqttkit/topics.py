"""Topic names and topic filters: are they valid, do they match, and why (not). No I/O.

A *topic name* is what a message is published to, a *topic filter* what a client subscribes to; only a filter may use
the wildcards `+` (one level) and `#` (this level and all below). Source: MQTT 3.1.1, 4.7; MQTT 5, 4.7 and 4.8.2.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NoReturn

from mqttkit.errors import InvalidTopic

MAX_BYTES = 65535  # [MQTT-4.7.3-3]
# Legal in a text, but "the receiver may close the network connection" (MQTT 3.1.1, 1.5.3).
_NON_CHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
UNWANTED = re.compile(f"[\x01-\x1f\x7f-\x9f\ufdd0-\ufdef{_NON_CHARACTERS}]")
_SHOWN = 60  # characters of a long topic around the wrong one


def check_topic_name(topic: str) -> str:
    """Returns `topic` unchanged if a message may be published to it.

    Raises:
        InvalidTopic: it is empty [MQTT-4.7.3-1], too long [MQTT-4.7.3-3], no proper text [MQTT-1.5.3-1], or has a
            NUL character [MQTT-4.7.3-2] or a wildcard [MQTT-3.3.2-2] in it.
    """
    _check_text(topic, "topic name")
    for position, character in enumerate(topic):
        if character in "+#":
            why = f'A topic name must not contain the wildcard "{character}": a message goes to one exact topic.'
            _refuse(why, topic, position, "MQTT-3.3.2-2", "Wildcards are for subscribing; write the level out.")
    return topic


def check_topic_filter(topic_filter: str) -> str:
    """Returns `topic_filter` unchanged if a client may subscribe to it; `$share/group/filter` is accepted.

    Raises:
        InvalidTopic: it is empty, too long or no proper text (as for a name), `#` is not alone in the last level
            [MQTT-4.7.1-2], `+` is not alone in its level [MQTT-4.7.1-3], or a share group is missing [MQTT5-4.8.2-1].
    """
    _check_text(topic_filter, "topic filter")
    position = _check_share(topic_filter)
    levels = topic_filter[position:].split("/")
    for number, level in enumerate(levels, start=1):
        _check_level(topic_filter, position, level, last=number == len(levels))
        position += len(level) + 1
    return topic_filter


def check_characters(topic: str) -> str:
    """Returns `topic`, a name or a filter, unchanged if no broker closes the connection over its characters.

    Control characters and what Unicode reserves are legal, but a receiver may close (MQTT 3.1.1, 1.5.3), and brokers do.

    Raises:
        InvalidTopic: there is one, such as the line break at the end of a line that was read from a file.
    """
    found = UNWANTED.search(topic)
    if found:
        why = (
            f"A topic must not contain the control character U+{ord(found[0]):04X}: brokers close the connection on it."
        )
        advice = "Remove it; .strip() takes line breaks off the ends of a text."
        _refuse(why, topic, found.start(), "MQTT 3.1.1, 1.5.3", advice)
    return topic


def matches(topic_filter: str, topic: str) -> bool:
    """Tells whether a subscription to `topic_filter` gets messages published to `topic` [MQTT-4.7.1-2, -3, 4.7.2-1].

    Raises:
        InvalidTopic: either breaks a rule of the standard.
    """
    wanted = filter_levels(topic_filter)
    levels = topic_levels(topic)
    if topic[0] == "$" and wanted[0] in ("+", "#"):
        return False
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number == len(levels) or level not in ("+", levels[number]):
            return False
    return len(wanted) == len(levels)


def explain(topic_filter: str, topic: str) -> str:
    """One sentence that says why `topic_filter` matches `topic`, or why it does not.

    Raises:
        InvalidTopic: either breaks a rule of the standard.
    """
    wanted, levels = filter_levels(topic_filter), topic_levels(topic)
    if matches(topic_filter, topic):
        return f'"{topic_filter}" matches "{topic}": {_why(wanted, levels)}.'
    return f'"{topic_filter}" does not match "{topic}": {_why_not(wanted, levels)}.'


def topic_levels(topic: str) -> list[str]:
    """The levels of a topic name. Raises InvalidTopic where it is none."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        check_topic_name(topic)
    return topic.split("/")


@lru_cache(maxsize=4096)
def filter_levels(topic_filter: str) -> tuple[str, ...]:
    """The levels of a topic filter, without its share group. Raises InvalidTopic where it is none."""
    check_topic_filter(topic_filter)
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    return tuple(topic_filter.split("/"))


def _check_text(text: str, what: str) -> None:
    if not isinstance(text, str):
        raise InvalidTopic(f'A {what} is text, such as "home/kitchen/temperature", not {type(text).__name__} {text!r}.')
    if not text:
        _refuse(
            f"A {what} must have at least one character.", text, 0, "MQTT-4.7.3-1", 'Write one such as "home/lamp".'
        )
    if "\0" in text:
        why = f"A {what} must not contain the NUL character (U+0000)."
        _refuse(why, text, text.index("\0"), "MQTT-4.7.3-2", "Remove it.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        why = f"A {what} must be text that UTF-8 can carry, and half a surrogate pair is not."
        _refuse(why, text, error.start, "MQTT-1.5.3-1", "Remove it.")
    if size > MAX_BYTES:
        why = f"A {what} must not be longer than {MAX_BYTES} bytes; this one has {size}."
        position = len(text.encode()[:MAX_BYTES].decode("utf-8", "ignore"))
        _refuse(why, text, position, "MQTT-4.7.3-3", "Put the data into the payload.")


def _check_share(topic_filter: str) -> int:
    """Checks the `$share/group/` in front of a filter; returns where the filter itself begins."""
    if topic_filter != "$share" and not topic_filter.startswith("$share/"):
        return 0
    parts = topic_filter.split("/", 2)
    advice = 'Write "$share/group/filter", such as "$share/workers/jobs/#".'
    if len(parts) < 3 or not parts[2]:  # noqa: PLR2004 - $share, group, filter
        why = "A shared subscription needs a group and a filter after it."
        _refuse(why, topic_filter, len(topic_filter), "MQTT5-4.8.2-2", advice)
    group = parts[1]
    if not group:
        _refuse("The group of a shared subscription must not be empty.", topic_filter, 7, "MQTT5-4.8.2-1", advice)
    for position, character in enumerate(group, start=7):
        if character in "+#":
            why = f'The group of a shared subscription must not contain "{character}".'
            _refuse(why, topic_filter, position, "MQTT5-4.8.2-2", advice)
    return 8 + len(group)


def _check_level(topic_filter: str, position: int, level: str, *, last: bool) -> None:
    """Checks one level, which begins at `position`, for wildcards that are not alone or not at the end."""
    for wildcard, rule in (("#", "MQTT-4.7.1-2"), ("+", "MQTT-4.7.1-3")):
        if wildcard in level and level != wildcard:
            why = f'The wildcard "{wildcard}" must be alone between the slashes; it cannot stand for part of a level.'
            _refuse(why, topic_filter, position + level.index(wildcard), rule, f'Write "…/{wildcard}".')
    if level == "#" and not last:
        why = 'The wildcard "#" must be the last character of a topic filter: it stands for everything below.'
        _refuse(why, topic_filter, position, "MQTT-4.7.1-2", 'Use "+" for one level in the middle.')


def _refuse(why: str, topic: str, position: int, rule: str, advice: str) -> NoReturn:
    """Raises InvalidTopic: the sentence, the text, a caret under the wrong character."""
    start = max(0, position - _SHOWN)
    before = ("…" if start else "") + _printable(topic[start:position])
    after = _printable(topic[position : position + _SHOWN]) + ("…" if len(topic) > position + _SHOWN else "")
    caret = " " * sum(map(_width, before)) + "^"
    raise InvalidTopic(f"{why} [{rule}]\n    {before}{after}\n    {caret}\n{advice}", topic=topic, position=position)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _width(character: str) -> int:
    """How many columns a terminal gives to a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _why(wanted: tuple[str, ...], levels: list[str]) -> str:
    parts = [f'"+" stands for {_quoted(levels[n])}' for n, level in enumerate(wanted) if level == "+"]
    if wanted[-1] == "#":
        below = levels[len(wanted) - 1 :]
        parts.append(f'"#" stands for {_quoted("/".join(below))}' if below else '"#" also matches the level above it')
    return ", ".join(parts) or "they are the same, level by level"


def _why_not(wanted: tuple[str, ...], levels: list[str]) -> str:
    if levels[0].startswith("$") and wanted[0] in ("+", "#"):
        return 'a wildcard in the first level does not cover topics that begin with "$" [MQTT-4.7.2-1]'
    for number, (want, level) in enumerate(zip(wanted, levels, strict=False), start=1):
        if want not in ("+", "#", level):
            case = "; upper and lower case are different" if want.lower() == level.lower() else ""
            return f"level {number} is {_quoted(level)} in the topic, but the filter wants {_quoted(want)}{case}"
    if len(wanted) > len(levels):
        more = "/".join(wanted[len(levels) :])
        return f"the topic ends after level {len(levels)}, but the filter wants {_quoted(more)} after it"
    more = "/".join(levels[len(wanted) :])
    return f'the filter ends after level {len(wanted)}, but the topic goes on with {_quoted(more)}; "#" would match all below'


def _quoted(level: str) -> str:
    return f'"{level}"' if level else "an empty level"
