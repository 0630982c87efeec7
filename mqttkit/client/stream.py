"""`async for message in client`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqttkit.client.callbacks import CallbackErrors
    from mqttkit.client.inbox import Inbox
    from mqttkit.client.link import Link
    from mqttkit.message import Message

_HEARTBEAT = 0.2  # seconds: the stop button of a notebook is noticed only by a loop that has something to do


class Stream:
    """Hands out each received message once; ends with the connection. Bound it with `asyncio.timeout` where needed."""

    def __init__(self, inbox: Inbox, errors: CallbackErrors, link: Link) -> None:
        self._inbox = inbox
        self._errors = errors
        self._link = link

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Message:
        found = self._next()
        if found is not None:
            return found
        import asyncio

        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(arrived.set)

        self._inbox.on_change(wake)
        try:
            while (found := self._next()) is None:
                heartbeat = loop.call_later(_HEARTBEAT, arrived.set)
                await arrived.wait()
                heartbeat.cancel()
                arrived.clear()
        finally:
            self._inbox.forget(wake)
        return found

    def _next(self) -> Message | None:
        self._errors.raise_first()
        found = self._inbox.take(1)
        if found is None and self._link.over:
            raise StopAsyncIteration
        return found[0] if found is not None else None
