"""The connection of one client: its state, and everything that waits for the broker."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

from paho.mqtt.client import MQTTMessageInfo, error_string

from mqttkit.client.diagnose import no_connack, not_reached, refused
from mqttkit.errors import ConnectError, MqttKitError, SubscribeRefused, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqttkit.client.address import Address
    from mqttkit.client.callbacks import CallbackErrors
    from mqttkit.client.inbox import Inbox
    from mqttkit.client.paho import PahoClient

FAILURE = 0x80  # SUBACK and MQTT 5 reason codes from here on mean no [MQTT-3.9.3-2]
ACKS_KEPT = 1000  # of subscriptions made through client.paho, which nobody here waits for
HANG_UP_SECONDS = 2.0
_LOOK = 0.1  # seconds between two looks at whether the connection is still up


class Link:
    """Opens, watches and ends the connection of one paho client.

    Attributes:
        state: "new", "connecting", "connected", "lost", "disconnected" or "killed".
        session_present: what the last CONNACK said.
        subscriptions: filter and granted QoS of what was subscribed through the kit and is in force.
    """

    def __init__(
        self, address: Address, errors: CallbackErrors, inbox: Inbox, *, reconnect: bool, keeps_session: bool
    ) -> None:
        self.address = address
        self.state = "new"
        self.session_present = False
        self.subscriptions: dict[str, int] = {}
        self.reconnects = reconnect
        self._keeps_session = keeps_session
        self._errors = errors
        self._inbox = inbox
        self._opening = threading.Lock()
        self._refusal: Any = None
        self._acks: dict[int, tuple[float, list[int]]] = {}
        self._unwaited: dict[int, list[str]] = {}
        self.paho: PahoClient  # set by the owner, which needs `hooks` to make it

    def hooks(self) -> dict[str, Callable[..., None]]:
        """The parts of paho's callbacks that keep this object up to date."""
        return {
            "on_connect": self._on_connect,
            "on_disconnect": self._on_disconnect,
            "on_subscribe": self._on_ack,
            "on_unsubscribe": self._on_ack,
        }

    # --- what the network thread reports -----------------------------------------------------------------------------
    def _on_connect(self, _client: Any, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._set(self.state, refusal=reason)
            return
        if self.state == "killed":  # this attempt to come back was under way
            self.paho.hang_up()
            return
        self.session_present = flags.session_present
        if not flags.session_present:
            self._subscribe_again()
        self._set("connected")

    def _subscribe_again(self) -> None:
        """A new session knows no subscription [MQTT-3.1.2-6]; with reconnect=True ours are made again."""
        wanted, self.subscriptions = list(self.subscriptions.items()), {}
        if self.reconnects and wanted:
            self.in_callback(lambda: self.paho.subscribe(wanted), [topic_filter for topic_filter, _ in wanted])

    def _on_disconnect(self, _client: Any, _userdata: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        if self.state == "killed":
            self.paho.loop_stop()  # in its own thread this only asks the loop to end
        # A refusal stays known: the broker closes the connection right after it, often before anybody has read why.
        self._set("lost" if self.state in ("connecting", "connected") else self.state, refusal=self._refusal)

    def _on_ack(self, _client: Any, _userdata: Any, mid: int, reasons: Any, _properties: Any) -> None:
        codes = [reason.value for reason in reasons]
        filters = self._unwaited.pop(mid, None)
        if filters is not None:
            self.granted(filters, codes)  # a refusal is kept by the guard around this callback
            return
        with self._inbox.changed:
            self._acks[mid] = (time.monotonic(), codes)
            while len(self._acks) > ACKS_KEPT:
                del self._acks[next(iter(self._acks))]
            self._inbox.notify()

    def _set(self, state: str, refusal: Any = None) -> None:
        with self._inbox.changed:
            self.state = state
            self._refusal = refusal
            self._inbox.notify()

    # --- open and end ------------------------------------------------------------------------------------------------
    @property
    def connected(self) -> bool:
        """True between CONNACK and the end of the connection."""
        return self.state == "connected"

    @property
    def over(self) -> bool:
        """True when nothing can arrive any more unless somebody connects again."""
        return self.state not in ("connected", "connecting") and not (self.state == "lost" and self.reconnects)

    def open(self, start: Callable[[], Any], timeout: float, *, protocol: int) -> None:
        """Connect with `start` and wait for CONNACK; whatever happens, either connected or nothing left over."""
        with self._opening:
            if self.connected and not self.paho.line_is_dead():
                return
            self.paho.disconnect()  # also ends the wait for the next attempt to come back
            self.end(HANG_UP_SECONDS)
            self._acks.clear()
            self._set("connecting")
            try:
                self._open(start, timeout, protocol)
            except BaseException:
                self._set("lost")
                self.paho.disconnect()
                self.end(0)
                self._set("disconnected")
                raise

    def _open(self, start: Callable[[], Any], timeout: float, protocol: int) -> None:
        begin = time.monotonic()
        try:
            start()
        except (OSError, UnicodeError) as error:
            raise not_reached(error, self.address, timeout) from error
        self.paho.loop_start()
        left = max(0.0, begin + timeout - time.monotonic())
        with self._inbox.changed:
            self._inbox.wait(lambda: self._refusal or self.state in ("connected", "lost"), left)
        self._errors.raise_first()
        if self._refusal is not None:
            name = self.paho.username
            raise refused(self._refusal.value, str(self._refusal), protocol=protocol, username=name)
        if not self.connected:
            self._busy()
            raise no_connack(self.address, protocol, timeout, closed=self.state == "lost")

    def close(self, timeout: float) -> None:
        """Send DISCONNECT, and end the network thread."""
        if self.state in ("connected", "lost", "connecting"):
            self._set("disconnected")
        if not self._keeps_session:
            self.subscriptions = {}
        self.paho.disconnect()
        self.end(timeout)

    def wait_closed(self, timeout: float) -> bool:
        """Wait until the connection has ended; False when it is still up."""
        with self._inbox.changed:
            return self._inbox.wait(lambda: not self.connected, timeout)

    def kill(self) -> None:
        """End the connection without DISCONNECT."""
        if self.state in ("connected", "lost"):
            self._set("killed")
        if self.paho.socket() is None:  # between two attempts to come back
            self.paho.disconnect()  # sends nothing: paho tries no more
        self.end(0)

    def end(self, grace: float) -> None:
        """Wait `grace` seconds for the network thread to end by itself, then hang up."""
        thread = self.paho.network_thread
        if thread is None or thread is threading.current_thread():
            if grace == 0:
                self.paho.hang_up()
            return
        thread.join(grace)
        if thread.is_alive():
            self.paho.hang_up()
            thread.join(HANG_UP_SECONDS)
        self.paho.release()

    # --- waiting -----------------------------------------------------------------------------------------------------
    def need_connection(self, doing: str) -> None:
        """Raise, in words, unless connected."""
        if self.connected:
            return
        raise ConnectError(f"Cannot {doing}: {self.why_not_connected()}")

    def why_not_connected(self) -> str:
        """One sentence, with what to try."""
        return {
            "new": "this client has not been connected. Call connect() first.",
            "connecting": "CONNECT has not been answered yet. Wait for connect() to return.",
            "lost": "the connection was lost. Call connect() to try again.",
            "disconnected": "this client is disconnected. Call connect() to use it again.",
            "killed": "this client was killed. Call connect() to use it again.",
        }.get(self.state, "there is no connection.")

    def acknowledged(self, send: Callable[[], tuple[Any, int | None]], what: str, timeout: float) -> list[int]:
        """Send with `send` (SUBSCRIBE or UNSUBSCRIBE) and wait for the codes of its acknowledgement."""
        begin = time.monotonic()
        result, mid = send()
        if result != 0 or mid is None:
            raise ConnectError(f"{what} was not sent: {error_string(result)} {self.why_not_connected()}")
        with self._inbox.changed:
            self._inbox.wait(lambda: self._ack(mid, begin) or self.over or self._errors.waiting, timeout)
            found = self._ack(mid, begin)
            self._acks.pop(mid, None)
        if found is None:
            self._unanswered(f"{what} was not acknowledged within {timeout:g} s")
        self._errors.raise_first()
        return found[1]

    def _ack(self, mid: int, begin: float) -> tuple[float, list[int]] | None:
        found = self._acks.get(mid)
        return found if found is not None and found[0] >= begin else None

    def in_callback(self, send: Callable[[], tuple[Any, int | None]], filters: list[str]) -> None:
        """Send without waiting; a refusal is kept for the next call."""
        _, mid = send()
        if mid is not None:
            self._unwaited[mid] = filters

    def granted(self, filters: list[str], codes: list[int]) -> list[int]:
        """Remember what was granted; raise SubscribeRefused for the rest."""
        pairs = list(zip(filters, codes, strict=False))
        self.subscriptions |= {topic_filter: code for topic_filter, code in pairs if code < FAILURE}
        no = [f'"{topic_filter}" (SUBACK 0x{code:02X})' for topic_filter, code in pairs if code >= FAILURE]
        if no:
            raise SubscribeRefused(
                f"The broker refused the subscription to {', '.join(no)}. Its access rules may not let this user read "
                "there. Ask for a filter that they allow, or connect as another user."
            )
        return codes

    def published(self, info: MQTTMessageInfo, what: str, timeout: float) -> None:
        """Wait until the handshake of a message is complete (QoS 0: until it is written to the socket)."""
        end = time.monotonic() + timeout
        left = timeout
        while not _written(info, what, min(left, _LOOK)):
            left = end - time.monotonic()
            if left <= 0 or self.over or self._errors.waiting:
                self._unanswered(f"{what} was not acknowledged within {timeout:g} s")
        self._errors.raise_first()

    def _unanswered(self, what: str) -> NoReturn:
        self._errors.raise_first()
        if self.over:
            raise ConnectError(f"{what.partition(' within')[0]}: {self.why_not_connected()}")
        self._busy()
        if not self.connected:
            raise Timeout(
                f"{what}: the connection is lost, and this client tries to get it back. Messages of QoS 1 and 2 are sent "
                "once it is there. Is the broker running?"
            )
        raise Timeout(
            f"{what}. The connection is still up, so the packet or its answer is lost or late on the way. MQTT does not "
            "resend while connected: messages of QoS 1 and 2 are sent again after a reconnect."
        )

    def _busy(self) -> None:
        """Raise when a callback keeps the network thread from working."""
        if self._errors.running is not None:
            raise Timeout(
                f"The network thread is still inside {self._errors.running}: until that callback returns, this client "
                "can receive nothing. Keep callbacks short, and never wait in them."
            )


def _written(info: MQTTMessageInfo, what: str, seconds: float) -> bool:
    """Whether paho is done with a message within `seconds`; raises ConnectError where it could not send it."""
    try:
        info.wait_for_publish(max(seconds, 0.0))
        return info.is_published()
    except (RuntimeError, ValueError) as error:
        raise ConnectError(f"{what} was not sent: {str(error).rstrip('.')}. Call connect() to try again.") from None


def not_in_callback(paho: PahoClient, call: str, instead: str) -> None:
    """Raise when `call` is made in a callback, where it could only wait for itself."""
    if paho.in_network_thread():
        raise MqttKitError(
            f"{call} cannot wait inside a callback: what it waits for arrives on the very thread it would block. {instead}"
        )
