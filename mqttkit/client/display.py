"""How a client shows itself, and what it says when too little arrived. Nothing here differs from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqttkit.errors import Timeout

if TYPE_CHECKING:
    from mqttkit.client.client import Client
    from mqttkit.client.receiving import Receiving
    from mqttkit.message import Message

SHOWN = 5
LONGEST = 60  # characters of a topic
_STATES = {
    "new": "not connected",
    "connecting": "connecting",
    "connected": "connected",
    "lost": "connection lost",
    "disconnected": "disconnected",
    "killed": "killed",
}


def state(client: Client) -> str:
    """The state of the connection in words."""
    return _STATES[client._link.state]  # noqa: SLF001 - one package


def text(client: Client) -> str:
    """Such as: Client "alice", connected, 2 subscriptions."""
    n = len(client.subscriptions)
    return f'Client "{client.client_id}", {state(client)}, {n} subscription{"" if n == 1 else "s"}'


def html(client: Client) -> str:
    """The same as a small table, with the subscriptions."""
    from html import escape

    rows = [
        ("state", state(client)),
        ("protocol", "MQTT 5" if client.protocol == 5 else "MQTT 3.1.1"),  # noqa: PLR2004 - version number
        ("transport", client.address.scheme),
        ("session", "clean" if client.clean_session else "kept by the broker"),
    ]
    if client.will is not None:
        rows.append(("will", client.will.topic))
    rows += [("subscribed to", f"{name} (QoS {qos})") for name, qos in client.subscriptions.items()]
    cells = "".join(f"<tr><th style='text-align:left'>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table><caption>Client <b>{escape(client.client_id)}</b></caption>{cells}</table>"


def too_few(client: Receiving, n: int, timeout: float, topic: str | None, unread: list[Message]) -> Timeout:
    """The error of a `wait_for` that saw fewer than `n` messages."""
    wanted = f"{n} message{'' if n == 1 else 's'}" + (f' matching "{_short(topic)}"' if topic else "")
    link, running = client._link, client._errors.running  # noqa: SLF001 - one package
    if running is not None:
        return Timeout(
            f"Waited {timeout:g} s for {wanted}, but the network thread is still inside {running}: until that callback "
            "returns, nothing else can arrive. Keep callbacks short."
        )
    parts = [f"Waited {timeout:g} s for {wanted}.", _seen(unread)]
    if link.over:
        parts = [f"{wanted[0].upper()}{wanted[1:]} did not come: {link.why_not_connected()}", _seen(unread)]
    elif not link.subscriptions and link.session_present:
        parts.append(
            "This client has not called subscribe(): it gets what earlier ones asked for, which the broker has kept."
        )
    elif not link.subscriptions:
        parts.append("This client has no subscription: call subscribe() first.")
    else:
        parts.append(f"Subscribed to: {_filters(link.subscriptions)}.")
    return Timeout(" ".join(parts))


def _filters(subscriptions: dict[str, int]) -> str:
    shown = [f'"{_short(name)}" (QoS {qos})' for name, qos in list(subscriptions.items())[:SHOWN]]
    more = len(subscriptions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _seen(unread: list[Message]) -> str:
    if not unread:
        return "None came."
    shown = ", ".join(f'"{_short(m.topic)}" {m.text[:40]!r}' for m in unread[:SHOWN])
    more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
    return f"Only these came: {shown}{more}."
