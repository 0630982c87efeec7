"""The brokers that a lesson may run on, each as a lab: what learners write as `Lab()` must be true on all of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from mqttkit import Broker, Lab
from support import need

ENGINES = ("amqtt", "mosquitto")
PLACES = (*ENGINES, "MQTTKIT_BROKER")


def installed(engine: str) -> str:
    """The engine; skips the test where it is not installed."""
    if engine == "mosquitto":
        need("mosquitto")
    return engine


def made_labs(place: str, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Lab]:
    """`new_lab(**options)`: makes a lab whose broker is at `place`; `stack` owns a broker that runs elsewhere.

    "amqtt" is the embedded engine, "mosquitto" the process; "MQTTKIT_BROKER" a mosquitto that the lab knows by its URL
    only, named in the environment and nowhere in the code.
    """
    if place != "amqtt":
        need("mosquitto")
    if place in ENGINES:
        return lambda **options: Lab(engine=place, **options)

    def elsewhere(**options: Any) -> Lab:
        monkeypatch.setenv("MQTTKIT_BROKER", stack.enter_context(Broker(engine="mosquitto")).url)
        return Lab(**options)

    return elsewhere
