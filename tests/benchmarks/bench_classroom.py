"""A class of 100 and of 300 people. Run: python tests/benchmarks/bench_classroom.py [--people 100 300] [--seconds 60]

`mqttkit classroom` runs in a process of its own, with the instructor's page open in Chromium. Of the people one in ten is a paho
client, the others speak TCP and WebSocket in turn through asyncio, which leaves the processor to the classroom; each writes five
lines at random moments and receives everybody's. Half-way a phone page joins. Printed are lines delivered / expected, the delay from
sending to receiving, the CPU time of the classroom's process once all are in, and how long the phone took to load and to join. The people share
one process here, so at 300 the delay holds their own work, too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psutil
import websockets
from playwright.sync_api import TimeoutError as PageTimeout

sys.path.insert(0, str(Path(__file__).parents[1]))

from mqttkit import chat
from mqttkit.packets import Splitter, encode
from support.browser import chromium
from support.phones import enter, phone_options

LINES = 5
ROOM = "bench"


class Person:
    """One simulated member; `delays` has one entry per line received."""

    def __init__(self, number: int) -> None:
        self.client_id = f"person{number}"
        self.name = f"Person {number}"
        self.delays: list[float] = []
        self.splitter = Splitter()

    async def connect(self, url: str, password: str, *, web: bool) -> None:
        at = urlsplit(url)
        if web:
            self.socket = await websockets.connect(
                f"ws://{at.netloc}/mqtt", subprotocols=["mqtt"], compression=None, max_queue=None
            )
            self.send = self.socket.send
        else:
            self.reader, self.writer = await asyncio.open_connection(at.hostname, at.port)
            self.send = self._write
        will = chat.presence_will(ROOM, self.client_id, self.name)
        await self.send(
            encode(
                "CONNECT", client_id=self.client_id, username=self.client_id, password=password, will=will, keep_alive=0
            )
        )
        await self.send(
            encode("SUBSCRIBE", packet_id=1, filters=[(f"chat/{ROOM}/message/+", 1), (f"chat/{ROOM}/presence/+", 1)])
        )
        presence = chat.encode_presence(self.name, online=True)
        await self.send(
            encode(
                "PUBLISH",
                topic=chat.presence_topic(ROOM, self.client_id),
                payload=presence,
                qos=1,
                packet_id=2,
                retain=True,
            )
        )
        self.subscribed = asyncio.Event()
        self.task = asyncio.create_task(self._receive(web=web))
        await asyncio.wait_for(self.subscribed.wait(), 30)

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)

    async def _receive(self, *, web: bool) -> None:
        while True:
            data = await self.socket.recv() if web else await self.reader.read(65536)
            answers = b"".join(filter(None, map(self._take, self.splitter.feed(data))))
            if answers:
                await self.send(answers)

    def _take(self, raw: bytes) -> bytes:
        """One packet; the answer to it."""
        if raw[0] >> 4 == 9:
            self.subscribed.set()
        if raw[0] >> 4 != 3:
            return b""
        at = 2 if raw[1] < 128 else 3
        length = int.from_bytes(raw[at : at + 2], "big")
        if b"/message/" in raw[at : at + 2 + length]:
            self.delays.append(time.time() - float(raw[raw.index(b"sent at ") + 8 :].split(b'"')[0]))
        return b"\x40\x02" + raw[at + 2 + length : at + 4 + length] if raw[0] & 2 else b""

    async def send_line(self, payload: bytes, number: int) -> None:
        topic = chat.message_topic(ROOM, self.client_id)
        await self.send(encode("PUBLISH", topic=topic, payload=payload, qos=1, packet_id=10 + number))

    def leave(self) -> None:
        self.task.cancel()


class PahoPerson:
    """The same with paho: a thread and a socket of its own, as each notebook has."""

    def __init__(self, number: int) -> None:
        self.client_id = f"paho{number}"
        self.name = f"Paho {number}"
        self.delays: list[float] = []
        self.subscribed = threading.Event()
        self.paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, self.client_id)
        self.paho.on_message = self._on_message
        self.paho.on_connect = lambda client, *_: client.subscribe(
            [(f"chat/{ROOM}/message/+", 1), (f"chat/{ROOM}/presence/+", 1)]
        )
        self.paho.on_subscribe = lambda *_: self.subscribed.set()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        if "/message/" in message.topic:
            self.delays.append(time.time() - float(message.payload.split(b"sent at ")[1].split(b'"')[0]))

    async def connect(self, url: str, password: str) -> None:
        at = urlsplit(url)
        will = chat.presence_will(ROOM, self.client_id, self.name)
        self.paho.will_set(will.topic, will.payload, will.qos, will.retain)
        self.paho.username_pw_set(self.client_id, password)
        self.paho.connect(at.hostname, at.port)
        self.paho.loop_start()
        if not await asyncio.to_thread(self.subscribed.wait, 30):
            raise TimeoutError(self.client_id)
        presence = chat.encode_presence(self.name, online=True)
        self.paho.publish(chat.presence_topic(ROOM, self.client_id), presence, 1, retain=True)

    async def send_line(self, payload: bytes, _number: int) -> None:
        self.paho.publish(chat.message_topic(ROOM, self.client_id), payload, 1)

    def leave(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


async def talk(person: Person | PahoPerson, seconds: float, dice: random.Random) -> None:
    """Write the lines at random moments."""
    moments = sorted(dice.uniform(0, seconds) for _ in range(LINES))
    begin = time.monotonic()
    for number, moment in enumerate(moments):
        await asyncio.sleep(max(0, begin + moment - time.monotonic()))
        await person.send_line(json.dumps({"name": person.name, "text": f"sent at {time.time():.6f}"}).encode(), number)


async def hold_class(count: int, url: str, password: str, seconds: float, all_in: threading.Event) -> dict[str, float]:
    people = [PahoPerson(number) if number % 10 == 0 else Person(number) for number in range(count)]
    begin = time.monotonic()
    for number, person in enumerate(people):
        await (
            person.connect(url, password)
            if isinstance(person, PahoPerson)
            else person.connect(url, password, web=bool(number % 2))
        )
    joined = time.monotonic() - begin
    all_in.set()
    dice = random.Random(1)
    await asyncio.gather(*(talk(person, seconds, dice) for person in people))
    expected, end = count * count * LINES, time.monotonic() + 30
    while sum(len(person.delays) for person in people) < expected and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    for person in people:
        person.leave()
    delays = sorted(delay for person in people for delay in person.delays)
    return {"expected": expected, "delivered": len(delays), "joined": joined, "delays": delays}


def measure(count: int, seconds: float, engine: str) -> None:
    command = [sys.executable, "-m", "mqttkit", "classroom", "--room", ROOM, "--engine", engine]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(process.terminate)
        shown = ""
        while "Ctrl+C" not in shown:
            shown += process.stdout.readline()
        url = re.search(r"mqtt://\S+", shown)[0]
        password = re.search(r"Password: +(\S+)", shown)[1]
        browser = stack.enter_context(chromium())
        page = browser.new_page()
        page.goto(re.search(r"http://\S+/instructor", shown)[0])
        page.get_by_label("Instructor's key").fill(re.search(r"key that it asks for: +(\S+)", shown)[1])
        page.get_by_role("button", name="Open").click()
        page.locator("#desk").wait_for()
        watched = psutil.Process(process.pid)
        result: dict = {}
        all_in = threading.Event()
        thread = threading.Thread(
            target=lambda: result.update(asyncio.run(hold_class(count, url, password, seconds, all_in)))
        )
        before = begin = half = 0.0  # once all are in
        thread.start()
        phone: dict[str, float] = {}
        while thread.is_alive():
            page.wait_for_timeout(500)  # lets the page and its events go on
            if not begin and all_in.is_set():
                before, begin = cpu(watched), time.monotonic()
                half = begin + seconds / 2
            if begin and not phone and time.monotonic() > half:
                phone = join_by_phone(browser, url, password)
        used = cpu(watched) - before
        load = used / (time.monotonic() - begin)
        report(count, engine, result, page, phone, load=load, memory=watched.memory_info().rss / 2**20)


def join_by_phone(browser, url: str, password: str) -> dict[str, float]:
    """Seconds until a phone has loaded the page, and from the click on "Join" until it is in the room."""
    page = browser.new_context(**phone_options("Pixel 7")).new_page()
    begin = time.monotonic()
    page.goto(f"http://{urlsplit(url).netloc}/#p={password}")
    loaded = time.monotonic()
    with contextlib.suppress(PageTimeout):  # of a class that is too large for its engine: "inf" is the figure then
        enter(page, "A phone")
        return {"loaded": loaded - begin, "joined": time.monotonic() - loaded}
    return {"loaded": loaded - begin, "joined": math.inf}


def cpu(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def report(count: int, engine: str, result: dict, page, phone: dict[str, float], *, load: float, memory: float) -> None:
    delays = result["delays"]
    online = page.locator("#count").inner_text()
    print(
        f"{engine:9} {count:4} people  delivered / expected {result['delivered'] / result['expected']:.4f} of {result['expected']}"
        f"  delay median {statistics.median(delays) * 1000:.1f} ms  p99 {delays[int(len(delays) * 0.99)] * 1000:.0f} ms"
        f"  max {delays[-1] * 1000:.0f} ms  CPU {load:.2f} of a core  {memory:.0f} MiB  all joined in {result['joined']:.1f} s"
        f"  phone: page {phone['loaded']:.2f} s, joined {phone['joined']:.2f} s  instructor's page shows {online} online",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", nargs="+", type=int, default=[100, 300])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--engine", nargs="+", default=["amqtt"])
    options = parser.parse_args()
    for engine in options.engine:
        for count in options.people:
            measure(count, options.seconds, engine)


if __name__ == "__main__":
    main()
