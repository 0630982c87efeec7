"""The connection through which a widget sees messages: an ordinary client that subscribes and comes back by itself."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from mqttkit.client import Client
from mqttkit.widgets.arguments import check_options, check_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mqttkit.message import Message, Will

QUIET = 0.06
"""Seconds without a message after which what was sent is taken to have arrived."""
_CLEAR_EVERY = 1000  # the client keeps what it received; the widget keeps its own, bounded

_names: set[str] = set()
_names_lock = threading.Lock()


class Feed:
    """One client of a widget.

    Args:
        place: a Broker, a Lab or Network (what passes is then on the lab's packet tape), or a URL.
        name: client id on one's own broker; elsewhere some random letters follow, since others may use the same name.
        filters: what to subscribe to, or what makes that out of the client id.
        on_message: called with each Message on the network thread; it must be quick and raise nothing.
        on_change: called when the connection comes or goes.
        qos: of the subscriptions.
        will_of: makes the will message out of the client id.
        options: for the Client, such as username, password, tls.

    Raises:
        ConnectError: the broker could not be reached or refused.
        SubscribeRefused: the broker does not let this user read there.
    """

    def __init__(
        self,
        place: Any,
        name: str,
        filters: Sequence[str] | Callable[[str], Sequence[str]],
        on_message: Callable[[Message], None],
        on_change: Callable[[], None],
        *,
        qos: int = 0,
        will_of: Callable[[str], Will] | None = None,
        **options: Any,
    ) -> None:
        check_options(options)
        self.place = check_place(place)
        self.connected = False
        self.received = 0
        self._closed = False
        self._on_message = on_message
        self._on_change = on_change
        self._arrived = threading.Condition()
        self.name = take_name(name, ours=is_ours(direct(place)))
        try:
            self.client = Client(self.place, self.name, will=will_of and will_of(self.name), reconnect=True, **options)
            self._open(filters(self.name) if callable(filters) else filters, qos)
        except BaseException:
            self.close()
            raise

    def _open(self, filters: Sequence[str], qos: int) -> None:
        client = self.client
        client.paho.reconnect_delay_set(1, 5)
        client.paho.on_connect = lambda *about: self._is(not about[3].is_failure)
        client.paho.on_disconnect = lambda *_: self._is(False)
        client.on_message = self._take
        client.connect()
        client.subscribe(list(filters), qos)

    def _is(self, connected: bool) -> None:
        self.connected = connected
        self._on_change()

    def _take(self, message: Message) -> None:
        self._on_message(message)
        self.received += 1
        if self.received % _CLEAR_EVERY == 0:
            self.client.clear()
        with self._arrived:
            self._arrived.notify_all()

    def settle(self, timeout: float = 1.5) -> None:
        """Wait until what others have published is here: nothing more comes for a moment."""
        end = time.monotonic() + timeout
        while self.connected and time.monotonic() < end:
            before = self.received
            with self._arrived:
                self._arrived.wait_for(lambda before=before: self.received != before, QUIET)  # type: ignore[misc]
            if self.received == before:
                return

    def close(self) -> None:
        """Disconnect. May be called twice."""
        self.connected = False
        if self._closed:  # the name may be another widget's by now
            return
        self._closed = True
        client = getattr(self, "client", None)
        if client is not None:
            client.close()
        yield_name(self.name)


def is_closed(place: Any) -> bool:
    """Whether `place` is a lab that was closed: its address is nobody's now, or already somebody else's."""
    return bool(getattr(place, "closed", False))


def direct(place: Any) -> Any:
    """The broker of a lab itself, so that what a widget listens to is not on the lab's packet tape; else `place`."""
    broker = getattr(place, "broker", None)
    return place if broker is None else broker


def is_ours(place: Any) -> bool:
    """Whether `place` is a broker in this kernel, where nobody else can use our client ids."""
    return not isinstance(place, str) and getattr(place, "engine", "remote") != "remote"


def where(place: Any) -> str:
    """How to call `place` in a widget: without port, user or password."""
    broker = direct(place)
    if is_ours(broker):
        return "broker in this notebook" + ("" if broker.engine == "amqtt" else f" ({broker.engine})")
    url = broker if isinstance(broker, str) else str(getattr(broker, "url", ""))
    place = url.rpartition("@")[2].rpartition("://")[2]
    return f"broker at {place}" if place else "broker"


def take_name(name: str, *, ours: bool) -> str:
    """`name` if no other widget of this kernel has it, else with a number; random letters where others connect too."""
    if not ours:
        name = f"{name}-{secrets.token_hex(3)}"
    with _names_lock:
        number, wanted = 1, name
        while wanted in _names:
            number += 1
            wanted = f"{name}-{number}"
        _names.add(wanted)
    return wanted


def yield_name(name: str) -> None:
    """`name` is free again."""
    with _names_lock:
        _names.discard(name)
