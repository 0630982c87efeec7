"""Bytes that the relay carries but cannot read: one line of the story for each run of them. No I/O.

TCP cuts a stream where it likes, and TLS sends some records whenever it likes; how many pieces there were says nothing
and changes from run to run.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from mqttkit.trace.records import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mqttkit.trace.story import Step

_TLS_TYPES = range(20, 25)  # content types of TLS records (RFC 8446, 5.1)
_TLS_MAJOR = 3  # SSL 3.0 and all versions of TLS
_RECORD_HEAD = 5  # content type, version (2), length (2)


def looks_like_tls(data: bytes) -> bool:
    """True where the bytes begin like a TLS record."""
    return len(data) > _RECORD_HEAD and data[0] in _TLS_TYPES and data[1] == _TLS_MAJOR


def join_bytes(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with unreadable bytes of one connection that follow each other as one step."""
    for link, group in groupby(steps, _opaque_link):
        run = list(group)
        yield from [_joined(run)] if link else run


def _opaque_link(step: Step) -> int:
    return step.item.link if isinstance(step.item, Event) and step.item.kind == "bytes" else 0


def _joined(run: list[Step]) -> Step:
    events = [step.item for step in run if isinstance(step.item, Event)]
    first = replace(events[0], data=b"".join(event.data for event in events))
    first.text = "encrypted with TLS" if looks_like_tls(first.data) else "bytes that are not MQTT"
    return replace(run[0], item=first, both_ways=len({step.sender for step in run}) > 1)
