"""The paho code of what somebody clicked: a program to take away. Pure text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mqttkit.client.address import Address
    from mqttkit.widgets.settings import Settings

LAST_STEPS = 40

_HEAD = """import paho.mqtt.client as mqtt


def on_message(client, userdata, message):
    print(message.topic, message.payload)

"""


def program(address: Address, settings: Settings, steps: list[str]) -> str:
    """A complete program: the client with its settings, then `steps` in order (at most the last 40)."""
    secret = "from getpass import getpass\n\n" if settings.username else ""
    lines = [*_client(address, settings), *_connect(address, settings), *steps[-LAST_STEPS:]]
    return secret + _HEAD + "\n" + "\n".join(lines) + "\n"


def _client(address: Address, settings: Settings) -> list[str]:
    options = [f"client_id={settings.client_id!r}"]
    if settings.protocol == 5:  # noqa: PLR2004 - MQTT 5
        options.append("protocol=mqtt.MQTTv5")
    else:
        options.append(f"clean_session={settings.clean_session}")
    if address.websocket:
        options.append('transport="websockets"')
    lines = [
        f"client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, {', '.join(options)})",
        "client.on_message = on_message",
    ]
    if address.websocket:
        lines.append(f"client.ws_set_options(path={address.path!r})")
    if settings.username:
        lines.append(f'client.username_pw_set({settings.username!r}, getpass("Password: "))')
    if address.tls or settings.tls:
        lines.append(_tls(settings.ca_file))
    if settings.will_topic:
        will = f"{settings.will_topic!r}, {settings.will_payload!r}, qos={settings.will_qos}, retain={settings.will_retain}"
        lines.append(f"client.will_set({will})")
    return lines


def _tls(ca_file: str) -> str:
    if ca_file:
        return f"client.tls_set(ca_certs={ca_file!r})"
    return "client.tls_set()  # ca_certs=... names the CA file of a server that has its own authority"


def _connect(address: Address, settings: Settings) -> list[str]:
    clean = f", clean_start={settings.clean_session}" if settings.protocol == 5 else ""  # noqa: PLR2004 - MQTT 5
    return [
        f"client.connect({address.host!r}, {address.port}, keepalive={settings.keep_alive}{clean})",
        "client.loop_start()",
    ]


def subscribe(topic_filter: str, qos: int) -> list[str]:
    """The step for SUBSCRIBE."""
    return [f"client.subscribe({topic_filter!r}, qos={qos})"]


def unsubscribe(topic_filter: str) -> list[str]:
    """The step for UNSUBSCRIBE."""
    return [f"client.unsubscribe({topic_filter!r})"]


def publish(topic: str, payload: Any, qos: int, *, retain: bool) -> list[str]:
    """The step for PUBLISH; it waits until the handshake is complete."""
    return [f"client.publish({topic!r}, {payload!r}, qos={qos}, retain={retain}).wait_for_publish(5)"]


def disconnect() -> list[str]:
    """The steps for DISCONNECT."""
    return ["client.disconnect()", "client.loop_stop()"]


def kill() -> list[str]:
    """The steps that hang up without DISCONNECT."""
    return ["client.loop_stop()", "client.socket().close()  # no DISCONNECT: the broker publishes the will"]


def again() -> list[str]:
    """The steps for a second connection with the same settings."""
    return ["client.reconnect()", "client.loop_start()"]
