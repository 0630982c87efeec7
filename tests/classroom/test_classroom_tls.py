"""A member behind TLS who takes nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

from mqttkit.classroom.tls import Decrypter
from mqttkit.security import LessonCA


def test_who_takes_nothing_is_let_go(monkeypatch):
    """Else every such connection would hold a task and two sockets for as long as the class lasts."""
    monkeypatch.setattr("mqttkit.classroom.tls._PATIENCE", 0.3)
    with ThreadPoolExecutor(1) as thread:  # of its own: a browser's driver may occupy the event loop of this one
        thread.submit(asyncio.run, asyncio.wait_for(_send_to_somebody_who_reads_nothing(), 20)).result(30)


async def _send_to_somebody_who_reads_nothing() -> None:
    ca, loop = LessonCA(), asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        trusting = ssl.create_default_context(cafile=str(ca.file))
        member = asyncio.create_task(
            asyncio.open_connection(*door.getsockname(), ssl=trusting, server_hostname="localhost")
        )
        connection, _ = await loop.sock_accept(door)
        decrypter = await Decrypter.on(connection, ca.server().server_context(), 5)
        running = asyncio.create_task(decrypter.run())
        _, writer = await member
        sending = asyncio.create_task(loop.sock_sendall(decrypter.plain, bytes(64 << 20)))
        await running
        await asyncio.gather(sending, return_exceptions=True)
        while connection.fileno() != -1:  # noqa: ASYNC110 - asyncio tells nobody when it has closed a socket
            await asyncio.sleep(0.01)
        writer.transport.abort()
        decrypter.plain.close()
