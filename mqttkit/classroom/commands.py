"""`mqttkit classroom`: open a room and keep it open until Ctrl+C."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
from pathlib import Path
from typing import TextIO

from mqttkit._signals import stop_on_signals
from mqttkit.broker.options import is_loopback
from mqttkit.classroom.session import Classroom
from mqttkit.errors import InvalidArgument
from mqttkit.security import Certificate

_FILES = 4096
PASSWORD_VARIABLE = "MQTTKIT_CLASS_PASSWORD"  # noqa: S105 - the name of a variable


def run_classroom(
    *,
    room: str = "class",
    host: str = "127.0.0.1",
    port: int = 0,
    password: str | None = None,
    broker: str | None = None,
    engine: str = "amqtt",
    origin: list[str] | None = None,
    record: str | None = None,
    tls: bool = False,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    out: TextIO | None = None,
) -> int:
    """Open a room, say how to join, and close it at Ctrl+C; the exit code.

    The password comes from `password`, else from the environment variable MQTTKIT_CLASS_PASSWORD, else one is made up.
    """
    if password is None:
        password = os.environ.get(PASSWORD_VARIABLE)
    out = out or sys.stdout
    _allow_many_connections()
    asked: queue.SimpleQueue[None] = queue.SimpleQueue()  # an Event's lock could be held by whom the signal interrupts
    with (
        stop_on_signals(lambda: asked.put(None)),
        Classroom(
            room,
            host=host,
            port=port,
            password=password,
            broker=broker,
            engine=engine,
            origins=tuple(origin or ()),
            record=record,
            tls=_certificate(tls, tls_cert, tls_key),
        ) as classroom,
    ):
        out.write(invitation(classroom))
        out.flush()
        _wait(asked, classroom)
    out.write("The room is closed.\n")
    return 0


def _certificate(tls: bool, file: Path | None, key: Path | None) -> Certificate | bool:
    if file is None and key is None:
        return tls
    if file is None or key is None:
        raise InvalidArgument("A certificate has two files: give both --tls-cert and --tls-key.")
    return Certificate(file, key)


def _allow_many_connections() -> None:
    """Each person takes up to three of the files this process may open, and macOS allows 256 at first."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def invitation(classroom: Classroom) -> str:
    """What the terminal shows: how to join, and the instructor's page."""
    alone = "Only this machine can join. For a class in one network add --host 0.0.0.0\n"
    local = alone if is_loopback(classroom.host) else ""
    password = classroom.password or "(none)"
    return (
        f"{classroom.qr_code()}\n"
        f"Room {classroom.room}. Join with a browser:   {classroom.page_url}\n"
        f"Password:                          {password}\n"
        f"Join link with the password in it: {classroom.join_url}\n"
        f"From a notebook or program:        {classroom.url}   or   {classroom.ws_url}\n"
        f"From a terminal:                   {_for_mosquitto(classroom)}\n"
        f"{_about_tls(classroom)}"
        f"\nFor you alone (do not show this terminal to the class), the instructor's page:\n  {classroom.instructor_url}\n"
        f"and the key that it asks for: {classroom.instructor_key}\n\n{local}Ctrl+C closes the room.\n"
    )


def _for_mosquitto(classroom: Classroom) -> str:
    host = classroom.address.rpartition(":")[0].strip("[]")
    login = f"-i NAME -u SECRET -P {classroom.password}" if classroom.password else "-i NAME"
    certificate = classroom.certificate
    # Without an authority of its own the certificate is signed by one that this machine knows.
    tls = "" if certificate is None else " --cafile ca.pem" if certificate.ca else " --tls-use-os-certs"
    return f"mosquitto_sub -h {host} -p {classroom.port}{tls} {login} -t 'chat/{classroom.room}/message/+'"


def _about_tls(classroom: Classroom) -> str:
    certificate = classroom.certificate
    if certificate is None or certificate.ca is None:
        return ""
    return (
        f"Browsers warn, as nobody knows the lesson's authority. Programs verify it with {classroom.page_url}ca.pem\n"
    )


def _wait(asked: queue.SimpleQueue[None], classroom: Classroom) -> None:
    """In short steps, since on Windows a long wait hides Ctrl+C. Raises BrokerError when the class ends by itself."""
    while True:
        classroom.check()
        with contextlib.suppress(queue.Empty):
            asked.get(timeout=0.5)
            return
