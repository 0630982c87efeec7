"""The receiving half of a client: inbox, `wait_for`, callbacks and `async for`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from mqttkit._checks import check_timeout
from mqttkit.client import display
from mqttkit.client.callbacks import CallbackErrors, Guarded
from mqttkit.client.inbox import Inbox
from mqttkit.client.link import not_in_callback
from mqttkit.client.properties import from_paho
from mqttkit.client.stream import Stream
from mqttkit.client.values import check_count
from mqttkit.errors import InvalidArgument
from mqttkit.message import Message
from mqttkit.topics import check_topic_filter, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paho.mqtt.client import MQTTMessage

    from mqttkit.client.link import Link
    from mqttkit.client.paho import PahoClient

NO_PROPERTIES: Mapping[str, Any] = MappingProxyType({})  # one for all messages of MQTT 3.1.1
Handler = TypeVar("Handler", bound=Callable[[Message], Any])


class Receiving:
    """What a client does with messages that arrive."""

    client_id: str
    protocol: int
    _link: Link
    paho: PahoClient

    def __init__(self, client_id: str) -> None:
        self._inbox = Inbox()
        self._errors = CallbackErrors(client_id, self._wake)
        self._handlers: dict[tuple[str | None, str], Guarded] = {}
        self._last: MQTTMessage | None = None

    def _on_message(self, _client: Any, _userdata: Any, message: MQTTMessage) -> None:
        if message is self._last:  # paho hands it to each of several matching filters
            return
        self._last = message
        received = Message(
            message.topic,
            bytes(message.payload),
            message.qos,
            message.retain,
            message.dup,
            message.mid if message.qos else None,
            from_paho(message.properties) if self.protocol == 5 else NO_PROPERTIES,  # noqa: PLR2004 - version number
        )
        try:
            for (topic_filter, _), handler in list(self._handlers.items()):
                if topic_filter is None or matches(topic_filter, received.topic):
                    handler(received)
        finally:
            self._inbox.add(received)

    def _wake(self) -> None:
        with self._inbox.changed:
            self._inbox.notify()

    @property
    def messages(self) -> list[Message]:
        """Everything received so far, oldest first (the newest 100 000; `clear()` forgets them)."""
        self._errors.raise_first()
        return self._inbox.messages()

    def clear(self) -> None:
        """Forget what was received so far; `wait_for` then waits for new messages only."""
        self._errors.raise_first()
        self._inbox.clear()

    def wait_for(self, n: int = 1, timeout: float = 2, topic: str | None = None) -> list[Message]:
        """The next `n` messages: each is returned once, by `wait_for` or by `async for`.

        Args:
            n: how many.
            timeout: seconds to wait for them.
            topic: a topic filter; messages that do not match it stay for later calls.

        Raises:
            Timeout: fewer came; the message tells what was seen instead.
        """
        not_in_callback(self.paho, "wait_for", "Return from the callback instead; it is called for each message.")
        n, timeout = check_count(n), check_timeout(timeout)
        if topic is not None:
            check_topic_filter(topic)
        with self._inbox.changed:
            self._inbox.wait(lambda: self._errors.waiting or self._inbox.holds(n, topic) or self._link.over, timeout)
            self._errors.raise_first()
            found = self._inbox.take(n, topic)
        if found is None:
            raise display.too_few(self, n, timeout, topic, self._inbox.unread())
        return found

    def __aiter__(self) -> Stream:
        """Each message as it comes; ends when the client is disconnected and everything was handed out."""
        self._errors.raise_first()
        if self._link.state == "new":
            self._link.need_connection("receive")
        return Stream(self._inbox, self._errors, self._link)

    @property
    def on_message(self) -> Callable[[Message], Any] | None:
        """Called with each Message, on the network thread; set None to stop. paho's own is `client.paho.on_message`."""
        handler = self._handlers.get((None, "on_message"))
        return handler.function if handler is not None else None

    @on_message.setter
    def on_message(self, function: Callable[[Message], Any] | None) -> None:
        self._handlers.pop((None, "on_message"), None)
        if function is not None:
            self._handlers[None, "on_message"] = Guarded(_one_argument(function), "on_message", self._errors)

    def on(self, topic_filter: str) -> Callable[[Handler], Handler]:
        """`@client.on("home/#")`: call the function below with each Message whose topic matches; does not subscribe.

        A function of the same name for the same filter replaces the earlier one, so a cell may be run twice.
        """
        if callable(topic_filter):
            raise InvalidArgument('@client.on needs a topic filter in brackets: @client.on("home/#").')
        check_topic_filter(topic_filter)

        def add(function: Handler) -> Handler:
            name = getattr(function, "__qualname__", repr(function))
            guarded = Guarded(_one_argument(function), f'@client.on("{topic_filter}")', self._errors)
            self._handlers[topic_filter, name] = guarded
            return function

        return add


def _one_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, if it can be called with a Message."""
    if not callable(function):
        raise InvalidArgument(f"A callback is a function, not {type(function).__name__}.")
    if inspect.iscoroutinefunction(function):
        raise InvalidArgument("A callback is a plain function. In async code, write: async for message in client.")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise InvalidArgument(
            "This callback is called with one argument, the Message: def on_message(message). "
            "For paho's form with three, set client.paho.on_message."
        ) from None
    except ValueError:  # a builtin without a signature
        pass
    return function
