"""`mqttkit broker`: a broker in the foreground of a terminal."""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mqttkit._signals import stop_on_signals
from mqttkit.broker.facade import Broker
from mqttkit.broker.options import is_loopback
from mqttkit.broker.state import BrokerEvent
from mqttkit.errors import BrokerError

USAGE_ERROR = 2
VARIABLE = "MQTTKIT_USERS"
_SHOWN = ("connect", "refuse", "disconnect", "subscribe", "unsubscribe", "will", "dropped", "error")
_OPEN_DOOR = (
    "mqttkit broker: {host} can be reached by other machines, and without users anybody there could read and publish "
    "everything.\nGive --user NAME:PASSWORD, or --open if that is what you want, or leave out --host."
)
_ENDED = "The broker has ended by itself: somebody else ended its process, or it failed. Start it again with the same command."


def run_broker(
    *,
    host: str = "127.0.0.1",
    port: int | None = 1883,
    tls_port: int | None = None,
    ws_port: int | None = None,
    wss_port: int | None = None,
    users: Sequence[str] = (),
    access_file: str | Path | None = None,
    engine: str = "amqtt",
    open_: bool = False,
) -> int:
    """Run a broker until Ctrl-C or SIGTERM; the exit code.

    Args:
        host: address to listen on; others than loopback need users, or `open_`.
        port: plain TCP port; 0 for any free one, None for none.
        tls_port: the same for TLS; None opens no such listener.
        ws_port: for WebSocket.
        wss_port: for secure WebSocket.
        users: "NAME:PASSWORD" lines; those in MQTTKIT_USERS come on top, which no list of processes shows.
        access_file: rules of who may do what (see `mqttkit.security.Access`).
        engine: "amqtt" or "mosquitto".
        open_: True to let anybody on the network in.

    Raises:
        BrokerError: the broker cannot start, or has ended by itself.
    """
    users = [*users, *os.environ.get(VARIABLE, "").splitlines()]
    if host and not (is_loopback(host) or users or open_):
        print(_OPEN_DOOR.format(host=host), file=sys.stderr)
        return USAGE_ERROR
    secured = tls_port is not None or wss_port is not None
    broker = Broker(
        host, port, tls_port=tls_port, ws_port=ws_port, wss_port=wss_port, tls=secured or None,
        users=users or None, access=access_file, engine=engine, open_=open_,
    )  # fmt: skip
    events: queue.SimpleQueue[BrokerEvent | None] = queue.SimpleQueue()
    broker.on_event(events.put)
    with stop_on_signals(lambda: events.put(None)), broker:
        _greet(broker)
        _show(events, broker)
    print("stopped", flush=True)
    return 0


def _greet(broker: Broker) -> None:
    print(f"Broker ({broker.engine}) at", *broker.urls.values())
    if broker.ca is not None:
        print(f"Clients verify the TLS addresses with {broker.ca}")
    print("Ctrl-C ends it.", flush=True)


def _show(events: queue.SimpleQueue[BrokerEvent | None], broker: Broker) -> None:
    while True:
        try:
            event = events.get(timeout=0.5)  # a time-out, so that Ctrl-C is seen on Windows too
        except queue.Empty:
            if not broker.running:
                raise BrokerError(_ENDED) from None
            continue
        if event is None:
            return
        if event.kind in _SHOWN:
            text = "".join(c if c.isprintable() else "?" for c in str(event))  # a name must not steer the terminal
            print(time.strftime("%H:%M:%S"), text, flush=True)
