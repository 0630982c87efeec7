"""Client: a paho-mqtt client made comfortable in a notebook, never hiding paho."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from paho.mqtt.client import MQTT_ERR_NO_CONN, MQTT_ERR_SUCCESS, MQTTv5, MQTTv311, error_string
from paho.mqtt.packettypes import PacketTypes

from mqttkit._checks import check_timeout
from mqttkit._lifetime import adopt
from mqttkit.client import display
from mqttkit.client.address import find_address, tls_context
from mqttkit.client.link import Link, not_in_callback
from mqttkit.client.paho import PahoClient
from mqttkit.client.properties import to_paho
from mqttkit.client.receiving import Receiving
from mqttkit.client.sending import Sending
from mqttkit.client.values import (
    check_client_id,
    check_flag,
    check_keep_alive,
    check_login,
    check_payload,
    check_qos,
    check_size,
    check_will,
    wanted_filters,
)
from mqttkit.errors import ConnectError, InvalidArgument
from mqttkit.topics import check_characters, check_topic_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.message import Will

NEVER = 0xFFFFFFFF  # MQTT 5 session expiry interval: the session does not expire


class Client(Receiving):
    """One MQTT client. The constructor does not connect; `connect()` or `with` does.

    Callbacks run on paho's network thread. An error in one is shown at once and raised by the next call of this client;
    inside a callback `publish` and `subscribe` send without waiting, and nothing else may wait.

    Args:
        broker: a Broker, Network or Lab, a URL such as "mqtt://localhost:1883" (mqtts, ws, wss), or None for the URL in
            the environment variable MQTTKIT_BROKER.
        client_id: unique per broker: a second client with the same id disconnects the first [MQTT-3.1.4-2].
        clean_session: False keeps subscriptions and missed messages of QoS 1 and 2 at the broker (with MQTT 5 this also
            asks for a session that does not expire).
        will: what the broker publishes when this client vanishes without DISCONNECT.
        username: for a broker that wants one; a user in the URL does as well.
        password: belongs to `username`.
        tls: True, a CA file, an ssl.SSLContext, a LessonCA, or a client certificate of one.
        protocol: 4 for MQTT 3.1.1, 5 for MQTT 5.
        transport: "tcp" or "websockets"; None takes what the URL says.
        keep_alive: seconds of silence after which the client sends PINGREQ; 0 turns it off [MQTT-3.1.2-24].
        reconnect: True lets paho connect again after a loss, and subscribes again where the session is gone. With False a
            lost connection stays down until `connect()`.
        properties: MQTT 5 properties of CONNECT by snake_case name.

    Attributes:
        paho: the real paho.mqtt.client.Client, complete: its callbacks, filters and settings may be used beside this.
    """

    def __init__(
        self,
        broker: Any = None,
        client_id: str = "",
        *,
        clean_session: bool = True,
        will: Will | None = None,
        username: str | None = None,
        password: str | bytes | None = None,
        tls: Any = None,
        protocol: int = 4,
        transport: str | None = None,
        keep_alive: int = 60,
        reconnect: bool = False,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        if protocol not in (4, 5):
            raise InvalidArgument(f"protocol is 4 (MQTT 3.1.1) or 5 (MQTT 5), not {protocol!r}.")
        self.client_id = check_client_id(client_id, clean_session=clean_session)
        self.address = find_address(broker, transport, tls=bool(tls))
        self.protocol = protocol
        self.clean_session = clean_session = check_flag(clean_session, "clean_session")
        self.will = None if will is None else check_will(will)
        self.keep_alive = check_keep_alive(keep_alive)
        self._properties = dict(properties or {})
        to_paho(self._properties, PacketTypes.CONNECT, protocol)  # refuses what CONNECT cannot carry
        reconnect = check_flag(reconnect, "reconnect")
        self._checked: str | None = None
        super().__init__(self.client_id)
        self._link = Link(self.address, self._errors, self._inbox, reconnect=reconnect, keeps_session=not clean_session)
        self.paho = self._link.paho = self._make_paho(reconnect=reconnect)
        self._log_in(username, password)
        if self.address.tls:
            self.paho.tls_set_context(tls_context(tls or True))
        if will is not None:
            self._set_will(will)

    def _make_paho(self, *, reconnect: bool) -> PahoClient:
        options: dict[str, Any] = {
            "client_id": self.client_id,
            "protocol": MQTTv5 if self.protocol == MQTTv5 else MQTTv311,
            "transport": "websockets" if self.address.websocket else "tcp",
            "reconnect_on_failure": reconnect,
        }
        if self.protocol != MQTTv5:
            options["clean_session"] = self.clean_session
        paho = PahoClient(self._errors, {**self._link.hooks(), "on_message": self._on_message}, **options)
        if self.address.websocket:
            paho.ws_set_options(path=self.address.path)
        return paho

    def _log_in(self, username: str | None, password: str | bytes | None) -> None:
        username = self.address.username if username is None else username
        password = self.address.password if password is None else password
        check_login(username, password)
        if username is not None:
            self.paho.username_pw_set(username, password)  # type: ignore[arg-type] # bytes are taken, too

    def _set_will(self, will: Will) -> None:
        self.paho.will_set(will.topic, check_payload(will.payload), will.qos, retain=bool(will.retain))

    # --- connection --------------------------------------------------------------------------------------------------
    @property
    def connected(self) -> bool:
        """True between CONNACK and the end of the connection."""
        return self._link.connected

    @property
    def session_present(self) -> bool:
        """True when the broker still had a session of this client at the last connect [MQTT-3.2.2-2]."""
        return self._link.session_present

    @property
    def subscriptions(self) -> dict[str, int]:
        """Filter and granted QoS of what `subscribe` has in force on this connection."""
        return dict(self._link.subscriptions)

    def connect(self, *, timeout: float = 5) -> Self:
        """Connect and wait for CONNACK; returns this client. Does nothing when it is connected.

        Raises:
            ConnectError: no such host, nobody there, not a broker, TLS trouble or a refusal, each with what to try.
        """
        self._errors.raise_first()
        not_in_callback(self.paho, "connect()", "Use reconnect=True, or connect outside.")
        timeout = check_timeout(timeout)
        self._link.open(lambda: self._start(timeout), timeout, protocol=self.protocol)
        adopt(self)
        return self

    def _start(self, timeout: float) -> None:
        if self.paho.socket() is None:
            self.paho.disconnect()  # paho changes settings only when it knows that it is disconnected
            self.paho.connect_timeout = max(timeout, 0.001)
        options: dict[str, Any] = {}
        if self.protocol == MQTTv5:
            expiry = {} if self.clean_session else {"session_expiry_interval": NEVER}
            options["clean_start"] = self.clean_session
            options["properties"] = to_paho({**expiry, **self._properties}, PacketTypes.CONNECT, MQTTv5)
        self.paho.connect(self.address.host, self.address.port, self.keep_alive, **options)

    def disconnect(self, *, timeout: float = 5) -> None:
        """Send DISCONNECT (so the will is not sent) and end the network thread."""
        self._link.close(check_timeout(timeout))
        self._errors.raise_first()

    def close(self) -> None:
        """Disconnect, if connected; may be called again, and raises nothing."""
        self._link.close(2.0)

    def kill(self) -> None:
        """End the connection without DISCONNECT, as if the device had lost power: the will is sent [MQTT-3.1.2-8]."""
        self._link.kill()

    def wait_closed(self, timeout: float = 5) -> bool:
        """Wait until the connection has ended, from either side; False when it is still up after `timeout` seconds."""
        not_in_callback(self.paho, "wait_closed()", "Return from the callback instead.")
        return self._link.wait_closed(check_timeout(timeout))

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            self._errors.raise_first()

    def flush(self, timeout: float = 1) -> None:
        """Wait until everything sent so far is written to the socket (not until it arrived), up to `timeout` seconds."""
        if self.connected and not self.paho.in_network_thread():
            self.paho.flush(check_timeout(timeout))

    def raise_kept(self) -> None:
        """Raise the error of a callback that waits for the next call, if there is one."""
        self._errors.raise_first()

    def tell_errors(self, tell: Callable[[str], None]) -> None:
        """Hand what callbacks raise to `tell`, as text on the network thread, in place of raising it in the next call."""
        self._errors.tell = tell

    # --- publish and subscribe ---------------------------------------------------------------------------------------
    def publish(
        self,
        topic: str,
        payload: Any = b"",
        qos: int = 0,
        retain: bool = False,
        *,
        wait: bool = True,
        timeout: float = 5,
        properties: Mapping[str, Any] | None = None,
    ) -> Sending | None:
        """Publish `payload` (bytes, str, int, float or None) to `topic`.

        Waits until the handshake of `qos` is complete: 0 the packet is written, 1 PUBACK, 2 PUBCOMP. With `wait=False`,
        and always inside a callback, it does not wait.

        Returns:
            None, or with `wait=False` a Sending to wait for later.

        Raises:
            InvalidTopic, InvalidArgument: nothing was sent.
            ConnectError: not connected, or the connection was lost on the way.
            Timeout: no acknowledgement within `timeout` seconds.
        """
        self._errors.raise_first()
        if topic != self._checked:  # devices publish to one topic again and again
            self._checked = check_characters(check_topic_name(topic))
        data = check_size(check_payload(payload))
        check_qos(qos)
        timeout = check_timeout(timeout)
        retain = check_flag(retain, "retain")
        if not (self._link.reconnects and qos > 0 and self._link.state == "lost"):  # paho keeps those until it is back
            self._link.need_connection("publish")
        extra = to_paho(properties, PacketTypes.PUBLISH, self.protocol)
        info = self.paho.publish(topic, data, qos, retain, extra)
        if info.rc == MQTT_ERR_NO_CONN and qos > 0 and self._link.reconnects:
            info.rc = MQTT_ERR_SUCCESS  # it is queued; paho would call it a failure even after it has been delivered
        if info.rc != MQTT_ERR_SUCCESS:
            raise ConnectError(f'The message to "{topic}" was not sent: {error_string(info.rc)}')
        sending = Sending(self._link, info, topic, qos)
        if not wait:
            return sending
        if not self.paho.in_network_thread():
            sending.wait(timeout)
        return None

    @overload
    def subscribe(
        self,
        topic_filter: str | tuple[str, int],
        qos: int = ...,
        *,
        timeout: float = ...,
        properties: Mapping[str, Any] | None = ...,
    ) -> int: ...
    @overload
    def subscribe(
        self,
        topic_filter: list[Any],
        qos: int = ...,
        *,
        timeout: float = ...,
        properties: Mapping[str, Any] | None = ...,
    ) -> list[int]: ...
    def subscribe(
        self,
        topic_filter: str | tuple[str, int] | list[Any],
        qos: int = 0,
        *,
        timeout: float = 5,
        properties: Mapping[str, Any] | None = None,
    ) -> int | list[int]:
        """Subscribe and wait for SUBACK; returns the granted QoS, for a list of filters a list of them.

        Inside a callback it sends without waiting and returns the QoS asked for; a refusal is then raised by the next call.

        Args:
            topic_filter: one filter, one (filter, QoS), or a list of these.
            qos: the most that the broker may deliver with.
            timeout: seconds to wait for SUBACK.
            properties: MQTT 5 properties of SUBSCRIBE.

        Raises:
            SubscribeRefused: SUBACK carried 0x80 or higher.
        """
        self._errors.raise_first()
        one = not isinstance(topic_filter, list)
        wanted = wanted_filters(topic_filter, check_qos(qos))
        filters = [name for name, _ in wanted]
        extra = to_paho(properties, PacketTypes.SUBSCRIBE, self.protocol)
        self._link.need_connection("subscribe")

        def send() -> tuple[Any, int | None]:
            return self.paho.subscribe(wanted, properties=extra)

        if self.paho.in_network_thread():
            self._link.in_callback(send, filters)
            codes = [level for _, level in wanted]
        else:
            answer = self._link.acknowledged(send, "SUBSCRIBE", check_timeout(timeout))
            codes = self._link.granted(filters, answer)
        return codes[0] if one else codes

    def unsubscribe(self, topic_filter: str | list[str], *, timeout: float = 5) -> None:
        """Unsubscribe from one filter or a list of them, and wait for UNSUBACK (not inside a callback)."""
        self._errors.raise_first()
        filters = [name for name, _ in wanted_filters(topic_filter, 0)]
        self._link.need_connection("unsubscribe")
        if self.paho.in_network_thread():
            self.paho.unsubscribe(filters)
        else:
            self._link.acknowledged(lambda: self.paho.unsubscribe(filters), "UNSUBSCRIBE", check_timeout(timeout))
        for name in filters:
            self._link.subscriptions.pop(name, None)

    def __repr__(self) -> str:
        return display.text(self)

    def _repr_html_(self) -> str:
        return display.html(self)
