"""The broker behind a class: where it is, and the client that runs the room on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit import chat
from mqttkit.classroom.gate import Upstream
from mqttkit.classroom.rules import CONTROL
from mqttkit.client import Client
from mqttkit.client.address import find_address, tls_context
from mqttkit.errors import BrokerError, Timeout

if TYPE_CHECKING:
    from mqttkit.broker import Broker

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
    scheme = "mqtts" if upstream.tls else "mqtt"
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    client = Client(
        f"{scheme}://{host}:{upstream.port}",
        chat.new_client_id("host"),
        username=upstream.username,
        password=upstream.password,
        tls=upstream.tls,
        reconnect=True,
    ).connect()
    _forget_presences(client, room)
    return client


def leave(client: Client, room: str) -> None:
    """Take the room's retained messages off the broker and disconnect."""
    try:
        _forget_presences(client, room)
        client.publish(chat.room_topic(room), b"", chat.QOS, retain=True)
    except Timeout:
        pass  # the broker is gone, and what it retained with it
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
