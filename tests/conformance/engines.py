"""The three brokers that are probed: ours, mosquitto, and amqtt as it is."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import probes_connect  # noqa: F401 - registers its probes
import probes_delivery  # noqa: F401
import probes_handshakes  # noqa: F401
import probes_retained  # noqa: F401
import probes_sessions  # noqa: F401
import probes_texts  # noqa: F401
import probes_wire  # noqa: F401
from probes import PROBES, Probe

from mqttkit import Broker

__all__ = ["PROBES", "ask_embedded", "ask_mosquitto", "ask_stock", "stock_amqtt"]


def ask_embedded(probe: Probe, off=()) -> str:
    with Broker(_off=off) as broker:
        return probe.run(broker.host, broker.port)


def ask_mosquitto(probe: Probe) -> str:
    with Broker(engine="mosquitto") as broker:
        return probe.run(broker.host, broker.port)


class StockLoop:
    """A thread with an event loop for unmodified amqtt brokers, one per probe."""

    def __init__(self) -> None:
        logging.getLogger("amqtt").setLevel(logging.CRITICAL + 1)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, probe: Probe) -> str:
        broker, port = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        try:
            return probe.run("127.0.0.1", port, settle=0.3)  # its deliveries are tasks of their own
        finally:
            self._loop.call_soon_threadsafe(broker._servers["default"].instance.close)

    @staticmethod
    async def _start():
        from amqtt.broker import Broker as Stock
        from amqtt.contexts import BrokerConfig, ListenerConfig

        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        listeners = {"default": ListenerConfig(bind="127.0.0.1:0")}
        broker = Stock(BrokerConfig(listeners=listeners, plugins=plugins))
        await broker.start()
        return broker, broker._servers["default"].instance.sockets[0].getsockname()[1]

    def close(self) -> None:
        async def cancel() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=5)

        asyncio.run_coroutine_threadsafe(cancel(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        logging.getLogger("amqtt").setLevel(logging.NOTSET)


@contextmanager
def stock_amqtt() -> Iterator[StockLoop]:
    loop = StockLoop()
    try:
        yield loop
    finally:
        loop.close()


def ask_stock(probe: Probe) -> str:
    with stock_amqtt() as stock:
        return stock.ask(probe)
