"""A class of 100 and of 300 people. Run: python tests/benchmarks/bench_classroom.py [--people 100 300] [--seconds 60]

`mqttkit classroom` runs in a process of its own, with the instructor's page open in Chromium (where there is one). Half of the
people come over TCP, half over WebSocket; each writes five lines at random moments and receives everybody's. Printed are lines
delivered / expected, the delay from sending to receiving, and the CPU time of the classroom's process. The people share one
process here, so at 300 the delay holds their own work, too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import websockets

sys.path.insert(0, str(Path(__file__).parents[1]))

from mqttkit import chat
from mqttkit.packets import Splitter, encode
from support.browser import chromium

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

    async def talk(self, seconds: float, dice: random.Random) -> None:
        moments = sorted(dice.uniform(0, seconds) for _ in range(LINES))
        begin = time.monotonic()
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0, begin + moment - time.monotonic()))
            payload = json.dumps({"name": self.name, "text": f"sent at {time.time():.6f}"}).encode()
            await self.send(
                encode(
                    "PUBLISH",
                    topic=chat.message_topic(ROOM, self.client_id),
                    payload=payload,
                    qos=1,
                    packet_id=10 + number,
                )
            )


async def hold_class(count: int, url: str, password: str, seconds: float) -> dict[str, float]:
    people = [Person(number) for number in range(count)]
    begin = time.monotonic()
    for number, person in enumerate(people):
        await person.connect(url, password, web=bool(number % 2))
    joined = time.monotonic() - begin
    dice = random.Random(1)
    await asyncio.gather(*(person.talk(seconds, dice) for person in people))
    expected, end = count * count * LINES, time.monotonic() + 30
    while sum(len(person.delays) for person in people) < expected and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    for person in people:
        person.task.cancel()
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
        page = stack.enter_context(chromium()).new_page()
        page.goto(re.search(r"http://\S+/instructor", shown)[0])
        page.get_by_label("Instructor's key").fill(re.search(r"key that it asks for: +(\S+)", shown)[1])
        page.get_by_role("button", name="Open").click()
        page.locator("#desk").wait_for()
        watched = psutil.Process(process.pid)
        result: dict = {}
        thread = threading.Thread(target=lambda: result.update(asyncio.run(hold_class(count, url, password, seconds))))
        before, begin = cpu(watched), time.monotonic()
        thread.start()
        while thread.is_alive():
            page.wait_for_timeout(500)  # lets the page and its events go on
        used = cpu(watched) - before
        load = used / (time.monotonic() - begin)
        report(count, engine, result, page, load=load, memory=watched.memory_info().rss / 2**20)


def cpu(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def report(count: int, engine: str, result: dict, page, *, load: float, memory: float) -> None:
    delays = result["delays"]
    online = page.locator("#count").inner_text()
    print(
        f"{engine:9} {count:4} people  delivered / expected {result['delivered'] / result['expected']:.4f} of {result['expected']}"
        f"  delay median {statistics.median(delays) * 1000:.1f} ms  p99 {delays[int(len(delays) * 0.99)] * 1000:.0f} ms"
        f"  max {delays[-1] * 1000:.0f} ms  CPU {load:.2f} of a core  {memory:.0f} MiB  all joined in {result['joined']:.1f} s"
        f"  instructor's page shows {online} online",
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
