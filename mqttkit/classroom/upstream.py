"""The broker behind a class: where it is, and the client that runs the room on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit import chat
from mqttkit.classroom.link import Upstream
from mqttkit.classroom.rules import CONTROL
from mqttkit.client import Client
from mqttkit.client.address import find_address, tls_context
from mqttkit.errors import BrokerError, MqttKitError

if TYPE_CHECKING:
    from collections.abc import Collection

    from mqttkit.broker import Broker
    from mqttkit.classroom.rules import Member

_FENCE = f"{CONTROL}/fence"


def upstream_at(broker: Broker | str) -> Upstream:
    """A broker that runs elsewhere, by object or URL (mqtt or mqtts)."""
    address = find_address(broker, None, tls=False)
    if address.websocket:
        raise BrokerError(
            "The class needs the TCP address of the broker behind it: a URL that begins with mqtt:// or mqtts://."
        )
    tls = tls_context(True) if address.tls else None  # True: the authorities of this machine
    return Upstream(address.host, address.port, address.username, address.password, tls)


def host_client(upstream: Upstream, room: str) -> Client:
    """The client of whoever runs the room, connected; presences that an earlier class left behind are removed."""
    client = _client(upstream, chat.new_client_id("host"), reconnect=True)
    client.paho.reconnect_delay_set(1, 5)  # seconds; else a broker that was long away is tried every two minutes
    try:
        _forget_presences(client, room)
    except BaseException:
        client.close()
        raise
    return client


def _client(upstream: Upstream, client_id: str, *, reconnect: bool = False) -> Client:
    """A connected client with the account of the class."""
    scheme = "mqtts" if upstream.tls else "mqtt"
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    return Client(
        f"{scheme}://{host}:{upstream.port}",
        client_id,
        username=upstream.username,
        password=upstream.password,
        tls=upstream.tls,
        reconnect=reconnect,
    ).connect()


def leave(client: Client, upstream: Upstream, room: str, members: Collection[Member] | None = None) -> None:
    """Take the room's retained messages off the broker, and what `members` left there, and disconnect."""
    try:
        _forget_presences(client, room)
        for topic in (chat.room_topic(room), *(topic for member in members or () for topic in member.retained)):
            client.publish(topic, b"", chat.QOS, retain=True)
        for member in members or ():
            if member.session_kept:
                _client(upstream, member.client_id).close()  # clean session: the broker forgets theirs [MQTT-3.1.2-6]
    except MqttKitError:
        pass  # mostly: the broker is gone, and what it retained with it; nobody waits for an answer any more
    finally:
        client.close()


def _forget_presences(client: Client, room: str) -> None:
    wanted = f"chat/{room}/presence/+"
    client.subscribe(wanted, qos=0)
    client.subscribe(_FENCE, qos=0)
    client.publish(_FENCE, b"", chat.QOS)  # when it comes back, everything retained has come before
    client.wait_for(1, timeout=5, topic=_FENCE)
    client.unsubscribe(wanted)
    client.unsubscribe(_FENCE)
    for message in client.messages:
        if message.retain and message.payload:
            client.publish(message.topic, b"", chat.QOS, retain=True)
    client.clear()
