"""`mqttkit classroom`: open a room and keep it open until Ctrl+C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, TextIO

from mqttkit.classroom.session import Classroom

if TYPE_CHECKING:
    from types import FrameType

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
    out: TextIO | None = None,
) -> int:
    """Open a room, say how to join, and close it at Ctrl+C; the exit code.

    The password comes from `password`, else from the environment variable MQTTKIT_CLASS_PASSWORD, else one is made up.
    """
    if password is None:
        password = os.environ.get(PASSWORD_VARIABLE)
    out = out or sys.stdout
    stop = threading.Event()
    _stop_on_signals(stop)
    with Classroom(
        room,
        host=host,
        port=port,
        password=password,
        broker=broker,
        engine=engine,
        origins=tuple(origin or ()),
        record=record,
    ) as classroom:
        out.write(invitation(classroom))
        out.flush()
        _wait(stop)
    out.write("The room is closed.\n")
    return 0


def invitation(classroom: Classroom) -> str:
    """What the terminal shows: how to join, and the instructor's page."""
    local = (
        ""
        if classroom.address.startswith("127.") is False
        else ("Only this machine can join. For a class in one network add --host 0.0.0.0\n")
    )
    password = classroom.password or "(none)"
    first = classroom.address.partition(":")[0]
    return (
        f"{classroom.qr_code()}\n"
        f"Room {classroom.room}. Join with a browser:   {classroom.page_url}\n"
        f"Password:                          {password}\n"
        f"Join link with the password in it: {classroom.join_url}\n"
        f"From a notebook or program:        {classroom.url}   or   {classroom.ws_url}\n"
        f"From a terminal:                   mosquitto_sub -h {first} -p {classroom.port} -i sub1 -u me -P {password} "
        f"-t 'chat/{classroom.room}/message/+'\n"
        f"\nFor you alone, the instructor's page:\n  {classroom.instructor_url}\n\n{local}Ctrl+C closes the room.\n"
    )


def _stop_on_signals(stop: threading.Event) -> None:
    """Ctrl+C and a polite kill end the class in order; only the main thread may ask for that."""
    if threading.current_thread() is not threading.main_thread():
        return

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, asked)
    signal.signal(signal.SIGTERM, asked)


def _wait(stop: threading.Event) -> None:
    """In short steps, since on Windows a long wait hides Ctrl+C."""
    while not stop.wait(0.5):
        continue
