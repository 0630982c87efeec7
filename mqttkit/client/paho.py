"""The paho client inside a Client: complete and unchanged, but no callback of it can fail unseen.

Everything here overrides public methods and properties of paho-mqtt only, so that code from any paho tutorial works on
`client.paho`. One private method is called, `_reset_sockets`: paho has no public way to close the socket pair of a thread
that has ended. It is called whenever a network thread starts, so a paho without it cannot go unnoticed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from mqttkit.client.callbacks import Both, CallbackErrors, Guarded
from mqttkit.client.diagnose import close_sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CALLBACKS = (
    "on_connect",
    "on_connect_fail",
    "on_disconnect",
    "on_log",
    "on_message",
    "on_pre_connect",
    "on_publish",
    "on_socket_close",
    "on_socket_open",
    "on_socket_register_write",
    "on_socket_unregister_write",
    "on_subscribe",
    "on_unsubscribe",
)
START_SECONDS = 5.0


class PahoClient(mqtt.Client):
    """A paho-mqtt 2 client (callback API version 2) that guards every callback and knows its network thread.

    Args:
        errors: takes what callbacks raise.
        hooks: the kit's own part of a callback, by name; it runs after the one a learner sets.
        options: passed on to paho.
    """

    def __init__(self, errors: CallbackErrors, hooks: Mapping[str, Callable[..., None]], **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self.errors = errors
        self.network_thread: threading.Thread | None = None
        self._started = threading.Event()
        self._writing = False
        self._written = threading.Condition()
        self._flushing = 0
        hooks = {**hooks, "on_socket_open": _send_at_once}
        self._hooks = {name: Guarded(hook, name, errors, ours=True) for name, hook in hooks.items()}
        for name in hooks:
            setattr(self, name, None)

    def message_callback_add(self, sub: str, callback: Callable[..., Any]) -> None:
        """As in paho; the message still reaches the kit's inbox."""
        name = f"the callback for {sub!r}"
        guarded = None if callback is None else self._with_hook("on_message", callback, name)
        super().message_callback_add(sub, guarded)  # type: ignore[arg-type] # paho refuses None

    def _with_hook(self, hook: str, function: Callable[..., Any] | None, name: str) -> Callable[..., Any] | None:
        ours = self._hooks.get(hook)
        if function is None:
            return ours
        guarded = Guarded(function, name, self.errors)
        return Both(guarded, ours) if ours is not None else guarded

    def loop_start(self) -> MQTTErrorCode:
        """As in paho; returns when the network thread runs."""
        if self.network_thread is None or not self.network_thread.is_alive():
            self._reset_sockets(sockpair_only=True)  # paho forgets the pair of its last thread
            self._started.clear()
        result = super().loop_start()
        self._started.wait(START_SECONDS)
        return result

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """As in paho, on the network thread too; what goes wrong inside paho itself is kept, not lost."""
        self.network_thread = threading.current_thread()
        self._started.set()
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 - it would end in a thread that nobody watches
            self.errors.keep(error, "the network thread")
            self.hang_up()
            return MQTTErrorCode.MQTT_ERR_UNKNOWN

    def reconnect(self) -> MQTTErrorCode:
        """As in paho; a socket that TLS or WebSocket failed on is closed at once, not when the garbage is collected."""
        try:
            return super().reconnect()
        except BaseException as error:
            close_sockets(error)
            raise

    def loop_write(self) -> MQTTErrorCode:
        """As in paho; `flush` learns when it is done."""
        self._writing = True
        try:
            return super().loop_write()
        finally:
            self._writing = False
            if self._flushing:
                with self._written:
                    self._written.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until every packet that was handed over is written to the socket; False when that took too long."""
        with self._written:
            self._flushing += 1
            try:
                # In this order: a packet leaves the queue only while _writing is True.
                return self._written.wait_for(lambda: not self.want_write() and not self._writing, timeout)
            finally:
                self._flushing -= 1

    def in_network_thread(self) -> bool:
        """True inside a callback: waiting for the broker there would wait for itself."""
        return threading.current_thread() is self.network_thread

    def hang_up(self) -> None:
        """End the TCP connection now, without DISCONNECT, from any thread."""
        sock = self.socket()
        if sock is None:
            return
        # The thread that reads the socket closes it. Shutting down a duplicate wakes that thread for TCP, TLS and WebSocket
        # alike; closing a socket under a running select() would not.
        with contextlib.suppress(OSError, ValueError), _duplicate(sock.fileno()) as twin:
            twin.shutdown(socket.SHUT_RDWR)

    def line_is_dead(self) -> bool:
        """True when the other side has ended the TCP connection, even if the network thread has not seen it yet."""
        sock = self.socket()
        if sock is None:
            return True
        try:
            # A look at the bare TCP bytes: for TLS and WebSocket too, and without taking a byte from the network thread.
            with _duplicate(sock.fileno()) as twin:
                twin.setblocking(False)
                return twin.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    def release(self) -> None:
        """Close what paho keeps open after its network thread has ended."""
        if self.network_thread is None or not self.network_thread.is_alive():
            self._reset_sockets()


def _duplicate(descriptor: int) -> socket.socket:
    return socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)


def _send_at_once(_client: Any, _userdata: Any, sock: Any) -> None:
    """Without this, TCP keeps a small packet back for 40 ms while an earlier one is on its way (Nagle's algorithm)."""
    with contextlib.suppress(OSError), _duplicate(sock.fileno()) as twin:
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _guarded(name: str) -> property:
    plain: property = getattr(mqtt.Client, name)

    def set_callback(self: PahoClient, function: Callable[..., Any] | None) -> None:
        if plain.fset is not None:
            plain.fset(self, self._with_hook(name, function, name))

    return property(plain.fget, set_callback, doc=plain.__doc__)


for _name in CALLBACKS:
    setattr(PahoClient, _name, _guarded(_name))
