"""ClientPanel: a graphical MQTT client, as tutorials demonstrate it, with the paho code of what was clicked."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit.client import Client
from mqttkit.client.address import find_address
from mqttkit.errors import ConnectError, InvalidArgument, MqttKitError
from mqttkit.widgets import paho_code
from mqttkit.widgets.arguments import check_place
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.feed import direct, is_closed, is_ours, take_name, yield_name
from mqttkit.widgets.settings import first_settings, in_the_form, with_url
from mqttkit.widgets.show import as_hex, as_json, as_text, preview

if TYPE_CHECKING:
    from mqttkit.message import Message

KEPT = 200
"""Messages kept and shown."""
_NOT_YET = "Not connected. Check the settings, then press Connect."


class ClientPanel(KitWidget):
    """A client with buttons: settings, connect, subscribe, publish, messages, unsubscribe, disconnect, pull the plug.

    In a lab it goes through the lab's network, so that its packets are on the ladder.

        ClientPanel(lab)
        ClientPanel("mqtt://test.example:1883", "ann")

    Args:
        place: a Lab, a Broker, a Network or a URL.
        client_id: "" makes one up; it can be changed until Connect is pressed.
        tls: True, a CA file, a LessonCA, or a client certificate of one; a URL that begins with mqtts needs no more.
        settings: username, password, clean_session, will_topic, will_payload, will_qos, will_retain, keep_alive,
            protocol (4 or 5): what the form begins with.

    Attributes:
        client: the Client of the last Connect, to try `@panel.client.on(...)` with; errors of its callbacks appear in the panel.
    """

    _esm = module("panel.js")
    _css = style("panel.css")
    title = "Client panel"
    client: Client | None = None
    _name = ""
    actions = ("connect", "disconnect", "kill", "subscribe", "unsubscribe", "publish", "clear")

    def __init__(self, place: Any, client_id: str = "", *, tls: Any = None, **settings: Any) -> None:
        self.place = check_place(place)
        given_url = place if isinstance(place, str) else str(place.url)
        self._authority = None if tls is True or isinstance(tls, (str, Path)) else tls
        self.settings = first_settings(str(client_id) or "panel", given_url, tls, settings)
        self._url = self._place_url = with_url(self.settings, given_url)[1]
        find_address(self._url, None, tls=self.settings.tls)  # a wrong URL is refused here, in one sentence
        self.messages: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.received = 0
        self.said = _NOT_YET
        self.steps: list[str] = []
        self._connections = 0
        self._fresh: list[dict[str, Any]] = []
        self._wants = False  # to be connected: neither button that ends it was pressed since Connect
        self._named = bool(client_id)
        super().__init__()  # closes the panel of an earlier run of this cell: its name is free then

    def begin(self) -> None:
        ours = self._named or is_ours(direct(self.place))
        self._name = take_name(self.settings.client_id, ours=ours)
        self.settings = replace(self.settings, client_id=self._name)

    # What the buttons do

    def connect(self, url: str = "", **settings: Any) -> None:
        """Connect with what the form says."""
        if self.connected:
            raise InvalidArgument("The client is connected already. Disconnect first.")
        self._settle_settings(url, settings)
        self._drop()
        self._say("Connecting …")
        try:
            self.client = self._make_client()
            self.client.connect()
        except MqttKitError as error:
            self._say(_NOT_YET)
            raise ConnectError(in_the_form(str(error))) from None
        self._connections += 1
        self._wants = True
        self._say_connected()

    def _make_client(self) -> Client:
        mine = self.settings
        client = Client(
            self.place if self._url == self._place_url else self._url,
            mine.client_id,
            clean_session=mine.clean_session,
            will=mine.will,
            username=mine.username or None,
            password=(mine.password or None) if mine.username else None,
            tls=self._trust() if mine.tls else None,
            keep_alive=mine.keep_alive,
            protocol=mine.protocol,
        )
        client.on_message = guarded(self, self.take)
        client.tell_errors(self.report)
        client.paho.on_disconnect = lambda *_: self.touch()
        return client

    def _trust(self) -> Any:
        """What a TLS connection trusts: the CA file of the form, the authority of one's own broker, else this machine's."""
        own = getattr(getattr(self.place, "broker", self.place), "ca", None)
        return self.settings.ca_file or self._authority or own or True

    def _settle_settings(self, url: str, values: dict[str, Any]) -> None:
        """Take over the form; other settings begin another program."""
        settings, address = with_url(self.settings.filled_in(values), url or self._url)
        find_address(address, None, tls=settings.tls)  # a wrong one is refused before anything is taken over
        with self.lock:
            if (settings, address) != (self.settings, self._url):
                self.steps, self._connections = [], 0
            self.settings, self._url = settings, address

    def _say(self, said: str) -> None:
        with self.lock:
            self.said = said
        self.touch()

    def _say_connected(self) -> None:
        kept = " The broker still had this client's session." if self.client and self.client.session_present else ""
        with self.lock:
            if self._connections > 1:
                self.steps += paho_code.again()
            self.said = f"Connected as {self.settings.client_id}.{kept}"

    def disconnect(self) -> None:
        """Send DISCONNECT; the will is not sent."""
        client, self._wants = self._need_client(), False
        client.disconnect()
        self._note(
            "Disconnected: DISCONNECT was sent, so the broker does not publish the will.", paho_code.disconnect()
        )

    def kill(self) -> None:
        """Pull the plug: no DISCONNECT; the broker publishes the will."""
        client, self._wants = self._need_client(), False
        client.kill()
        self._note(
            "The plug is pulled: no DISCONNECT was sent. If there is a will, the broker publishes it.", paho_code.kill()
        )

    def subscribe(self, topic_filter: str, qos: int = 0) -> None:
        """Subscribe, and say which QoS was granted."""
        granted = self._need_client().subscribe(topic_filter, int(qos))
        self._note(f"Subscribed to {topic_filter}: granted QoS {granted}.", paho_code.subscribe(topic_filter, int(qos)))

    def unsubscribe(self, topic_filter: str) -> None:
        """Take a subscription back."""
        self._need_client().unsubscribe(topic_filter)
        self._note(f"Unsubscribed from {topic_filter}.", paho_code.unsubscribe(topic_filter))

    def publish(self, topic: str, payload: str = "", qos: int = 0, retain: bool = False) -> None:
        """Publish, and wait until the handshake is complete."""
        self._need_client().publish(topic, payload, int(qos), bool(retain))
        done = ("handed to the network", "acknowledged with PUBACK", "acknowledged with PUBREC and PUBCOMP")[int(qos)]
        self._note(f"Published to {topic}: {done}.", paho_code.publish(topic, payload, int(qos), retain=bool(retain)))

    def clear(self) -> None:
        """Empty the list of messages."""
        with self.lock:
            self.messages.clear()
            self._fresh.clear()
        self.send_snapshot()

    # What it knows

    @property
    def connected(self) -> bool:
        """Whether the client is connected."""
        return self.client is not None and self.client.connected

    @property
    def code(self) -> str:
        """The paho program of what was clicked."""
        tls = self.settings.tls
        return paho_code.program(find_address(self._url, None, tls=tls), self.settings, self.steps)

    def take(self, message: Message) -> None:
        """A message has arrived."""
        with self.lock:
            shown = _shown(self.received + 1, message)
            self.messages.append(shown)
            self._fresh.append(shown)
            del self._fresh[:-KEPT]
            self.received += 1
        self.touch()

    def _need_client(self) -> Client:
        if self.client is None or not self.client.connected:
            raise ConnectError("This client is not connected. Press Connect first.")
        return self.client

    def _note(self, said: str, steps: list[str]) -> None:
        with self.lock:
            self.said = said
            self.steps += steps

    def _head(self) -> dict[str, Any]:
        connected = self.connected
        if self._wants and not connected:
            self._wants, self.said = False, "The connection was lost. Press Connect to try again."
        return {
            "url": self._url,
            "settings": self.settings.shown(),
            "password_kept": bool(self.settings.password),
            "connected": connected,
            "said": self.said,
            "subscriptions": sorted(self.client.subscriptions.items()) if self.client and connected else [],
            "received": self.received,
            "code": self.code,
        }

    def state(self) -> News:
        return News({**self._head(), "messages": list(self.messages)})

    def changes(self) -> News | None:
        fresh, self._fresh = self._fresh, []
        return News({**self._head(), "fresh": fresh})

    def is_over(self) -> bool:
        return is_closed(self.place) and not self.connected and self._url == self._place_url

    def text(self) -> str:
        with self.lock:
            heard = [f"  {one['topic']}  QoS {one['qos']}  {one['text']}" for one in self.messages]
        state = "connected" if self.connected else "not connected"
        return "\n".join([f"Client panel: {state}", *heard])

    def _drop(self) -> None:
        if self.client is not None:
            self.client.close()

    def release(self) -> None:
        with contextlib.suppress(MqttKitError):
            self._drop()
        name, self._name = self._name, ""
        yield_name(name)


def _shown(number: int, message: Message) -> dict[str, Any]:
    """A message as the panel shows it: flags, and the payload in three forms, each cut to a bearable length."""
    payload = message.payload[:2000]
    return {
        "number": number,
        "time": time.strftime("%H:%M:%S"),
        "topic": message.topic,
        "qos": message.qos,
        "retain": message.retain,
        "dup": message.dup,
        "size": len(message.payload),
        "text": as_text(payload) or preview(payload, 400),
        "json": as_json(payload),
        "hex": as_hex(payload, 200),
    }
