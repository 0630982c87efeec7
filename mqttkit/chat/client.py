"""One member of a chat room, as a Python object: join, say, see who is there, leave."""

from __future__ import annotations

import itertools
import secrets
import threading
from typing import TYPE_CHECKING, Any

from mqttkit import chat
from mqttkit._checks import check_timeout
from mqttkit.chat.room import RoomView
from mqttkit.client import Client
from mqttkit.errors import ConnectError, MqttKitError, SubscribeRefused, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.message import Message

_NAME_TRIES = 8
_NOT_ALLOWED, _NOT_AUTHORIZED = 5, 135  # the same answer, as MQTT 3.1.1 and as paho say it


class ChatClient:
    """A person in a room.

    ```python
    with ChatClient(classroom.url, "physics", "Ada", password="…") as ada:
        ada.say("Hello")
        ada.wait_for_lines(1)
    ```

    Args:
        broker: a Broker, Lab or URL (mqtt, ws …), as for `Client`; None for the one in MQTTKIT_BROKER.
        room: name of the room.
        name: display name; when somebody goes by it already, `name` becomes "Ada 2".
        password: class password, where the broker is a classroom.
        client_id: who one is to the broker; None makes one up. With `secret` it can be used again after a restart.
        secret: user name, which in a classroom proves that the client id is one's own; None makes one up.
        keep: number of lines kept.

    Attributes:
        client: the Client underneath.
        view: lines, people and state of the room, as in `RoomView`.
        on_change: called with what changed (ChatLine, Presence, RoomState, Notice) on the network thread; or None.
    """

    def __init__(
        self,
        broker: Any = None,
        room: str = "class",
        name: str = "somebody",
        *,
        password: str | None = None,
        client_id: str | None = None,
        secret: str | None = None,
        keep: int = 500,
    ) -> None:
        self.room = chat.check_room(room)
        self.name = chat.clean_name(name)
        self.client_id = chat.check_client_id(client_id or chat.new_client_id(name))
        self.view = RoomView(room, self.client_id, keep=keep)
        self.on_change: Callable[[Any], None] | None = None
        self._with_password = password is not None
        user = None if password is None else secret or secrets.token_hex(12)
        will = chat.presence_will(room, self.client_id, self.name)
        self.client = Client(broker, self.client_id, will=will, reconnect=True, username=user, password=password)
        self.client.on_message = self._received
        self.client.paho.on_connect = self._on_connect
        self._changed = threading.Condition()
        self._present = False
        self._own_topic = chat.presence_topic(room, self.client_id)
        self._echoes = 0  # own presences that came back
        self._notices = 0
        self._was_first = True
        self._wanted = self.name
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)  # tells lines of this run from those of an earlier one with the same client id

    # --- coming and going

    def join(self, *, timeout: float = 5) -> Self:
        """Connect, see who is there, and appear in the room. Raises ConnectError or Timeout."""
        try:
            return self._join(timeout)
        except BaseException:
            self.client.close()
            raise

    def _join(self, timeout: float) -> Self:
        self._connect(timeout)
        self._announce(timeout, online=False)  # when it comes back, everybody who is here has been seen
        self._take_name(self._names(), timeout)
        for _ in range(_NAME_TRIES):
            told = self._announce(timeout, online=True)
            if self._is_here() and self._was_first:
                self._present = True
                return self
            # A classroom keeps the name of a phone that sleeps, which is not seen online. One that is slow refuses nothing.
            refused = [self.name] if told and not self._is_here() else []
            self._take_name([*self._names(), *refused], timeout)
        raise Timeout(f"{self.name} could not appear in the room {self.room!r}: {self._last_notice()}")

    def leave(self) -> None:
        """Tell the room and disconnect; may be called again."""
        try:
            if self._present and self.client.connected:
                self._announce(0, online=False)
        except MqttKitError:
            self.client.kill()  # no DISCONNECT either: the broker sends the will, which says the same
        finally:
            self._present = False
            self.client.close()

    close = leave

    def pull_the_plug(self) -> None:
        """End the connection without a goodbye: the broker sends the will, and the room sees that one is away."""
        self._present = False
        self.client.kill()

    def __enter__(self) -> Self:
        return self.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.leave()

    # --- talking

    def say(self, text: str, *, wait: bool = True, timeout: float = 5) -> None:
        """Write one line to the room at QoS 1; with `wait` until the broker has it.

        Raises:
            ChatError: the line is empty or too long.
            ConnectError: not in the room.
        """
        if not self._present:
            raise ConnectError(f"{self.name} is not in the room {self.room!r}. Call join() first.")
        payload = chat.encode_line(self.name, text, f"{self._run}-{next(self._numbers)}")
        self.client.publish(
            chat.message_topic(self.room, self.client_id), payload, chat.QOS, wait=wait, timeout=timeout
        )

    @property
    def lines(self) -> list[chat.ChatLine]:
        """The lines seen so far, one's own too, oldest first."""
        with self._changed:
            return list(self.view.lines)

    def online(self) -> list[str]:
        """Names of the people in the room now."""
        with self._changed:
            return [person.name for person in self.view.online()]

    def wait_for_lines(self, count: int, *, timeout: float = 2) -> list[chat.ChatLine]:
        """Wait until at least `count` lines were seen in all; they are returned. Raises Timeout with what was seen."""
        if not self._wait(lambda: len(self.view.lines) >= count, timeout):
            seen = "; ".join(f"{line.name}: {line.text}" for line in self.lines[-5:]) or "nothing"
            raise Timeout(f"Waited {timeout:g} s for {count} lines in {self.room!r}; {len(self.lines)} came: {seen}")
        return self.lines

    def wait_for_people(self, *names: str, timeout: float = 2) -> None:
        """Wait until exactly these people are online (oneself too). Raises Timeout with who is."""
        if not self._wait(lambda: sorted(person.name for person in self.view.online()) == sorted(names), timeout):
            raise Timeout(
                f"Waited {timeout:g} s for {', '.join(names)} in {self.room!r}; online: {', '.join(self.online())}"
            )

    def __repr__(self) -> str:
        return f"<ChatClient {self.name!r} in {self.room!r}: {len(self.online())} online>"

    # --- inside

    def _connect(self, timeout: float) -> None:
        wanted = [(one, chat.QOS) for one in chat.room_filters(self.room, self.client_id)]
        try:
            self.client.connect(timeout=timeout)
            self.client.subscribe(wanted, timeout=timeout)
        except (ConnectError, SubscribeRefused) as error:
            code = getattr(error, "reason_code", _NOT_ALLOWED)
            if not self._with_password or code not in (_NOT_ALLOWED, _NOT_AUTHORIZED):
                raise
            raise ConnectError(
                f"The class does not let {self.name} in. Check the class password and the name of the room ({self.room!r}); "
                "whoever was removed, or comes after the end, stays out.",
                reason_code=code,
            ) from error

    def _take_name(self, taken: list[str], timeout: float) -> None:
        """A name nobody has. The will carries it, and a will can only be changed with a new CONNECT."""
        free = chat.unique_name(self._wanted, taken)
        if free == self.name:
            return
        self.client.disconnect()
        self.name = free
        will = self.client.will = chat.presence_will(self.room, self.client_id, free)
        self.client.paho.will_set(will.topic, will.payload, will.qos, will.retain)
        self._connect(timeout)

    def _announce(self, timeout: float, *, online: bool) -> bool:
        """Publish one's presence and wait until it comes back, or a word from the class why it does not: then True.

        Does not wait where `timeout` is 0.
        """
        seen, heard = self._echoes, self._notices
        payload = chat.encode_presence(self.name, online)
        self.client.publish(chat.presence_topic(self.room, self.client_id), payload, chat.QOS, retain=True)
        self._wait(lambda: self._echoes > seen or self._notices > heard, timeout)
        return self._notices > heard

    def _on_connect(self, paho: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        """After a reconnect the will has said that we are away: say that we are back."""
        if self._present and not reason.is_failure:
            topic = chat.presence_topic(self.room, self.client_id)
            paho.publish(topic, chat.encode_presence(self.name, online=True), chat.QOS, retain=True)

    def _received(self, message: Message) -> None:
        with self._changed:
            item = self.view.feed(message.topic, message.payload)
            self._notices += isinstance(item, chat.Notice)
            if message.topic == self._own_topic and not message.retain:
                self._echoes += 1
                # The broker puts all presences into one order: of two with one name, the first keeps it.
                self._was_first = chat.unique_name(self.name, self.view.names()) == self.name
        try:
            if item is not None and self.on_change is not None:
                self.on_change(item)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _is_here(self) -> bool:
        with self._changed:
            own = self.view.people.get(self.client_id)
        return own is not None and own.online

    def _names(self) -> list[str]:
        """Names of the others; the network thread may feed the view at any time."""
        with self._changed:
            return self.view.names()

    def _wait(self, done: Callable[[], bool], timeout: float) -> bool:
        check_timeout(timeout)
        with self._changed:
            return self._changed.wait_for(done, timeout)

    def _last_notice(self) -> str:
        return self.view.notices[-1].text if self.view.notices else "nothing came back from the broker."
