"""Every command: its options, and where the code is that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[Any]  # noqa: SLF001 - argparse has no public name for it

_LOOPBACK = "127.0.0.1"
_HOST_HELP = "address to listen on; the default is this machine only"


def names() -> list[str]:
    """The names of all commands, in the order of `mqttkit --help`."""
    return [add.__name__.removeprefix("_add_") for add in ALL]


def _add_lab(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "lab", "open the course in JupyterLab", _run_lab)
    parser.add_argument("notebook", nargs="?", default="notebooks/00-start-here.ipynb", help="another page to open")
    parser.add_argument("--port", type=_port, help="default: a free one from 8888 on")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--folder", type=Path, help="folder with the notebooks; default: that of the course")
    parser.add_argument("--verbose", action="store_true", help="show JupyterLab's own log")
    parser.epilog = "What follows a lone `--` is handed to JupyterLab."


def _run_lab(options: argparse.Namespace) -> int:
    from mqttkit.cli.lab import run_lab

    return run_lab(
        notebook=options.notebook,
        port=options.port,
        browser=not options.no_browser,
        folder=options.folder,
        verbose=options.verbose,
        extra=options.extra,
    )


def _add_doctor(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "doctor", "say what is installed, and prove that the broker works", _run_doctor)
    parser.add_argument("--broker", metavar="URL", help="find out what the broker at this address can do")


def _run_doctor(options: argparse.Namespace) -> int:
    from mqttkit.doctor import run_doctor

    return run_doctor(broker=options.broker)


def _add_broker(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "broker", "run a broker in this terminal", _run_broker)
    parser.add_argument("--host", default=_LOOPBACK, help=_HOST_HELP)
    parser.add_argument("--port", type=_port, default=1883, help="for MQTT (default: 1883; 0: any free one)")
    parser.add_argument("--tls-port", type=_port, metavar="PORT", help="for MQTT over TLS, usually 8883")
    parser.add_argument("--ws-port", type=_port, metavar="PORT", help="for WebSocket, usually 9001")
    parser.add_argument("--wss-port", type=_port, metavar="PORT", help="for WebSocket over TLS, usually 9443")
    parser.add_argument(
        "--user",
        dest="users",
        action="append",
        default=[],
        metavar="NAME:PASSWORD",
        help="who may connect; may be given several times. The list of processes shows it: the environment variable "
        "MQTTKIT_USERS, one NAME:PASSWORD a line, hides it",
    )
    parser.add_argument(
        "--access", dest="access_file", type=Path, metavar="FILE", help="rules: who may use which topic"
    )
    parser.add_argument("--engine", choices=["amqtt", "mosquitto"], default="amqtt", help="default: amqtt")
    parser.add_argument("--open", dest="open_", action="store_true", help="other machines may connect without password")


def _run_broker(options: argparse.Namespace) -> int:
    from mqttkit.broker.terminal import run_broker

    return run_broker(**_given(options))


def _add_trace(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "trace", "show every packet between any client and any broker", _run_trace)
    parser.add_argument("--listen", default="1884", metavar="[HOST:]PORT", help="clients connect here (default: 1884)")
    parser.add_argument("--broker", default="mqtt://127.0.0.1:1883", metavar="URL", help="default: one on this machine")
    parser.add_argument("--lose", action="append", default=[], metavar="TYPE", help="lose packets of this type")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the packets: .pcapng for Wireshark, or .jsonl")


def _run_trace(options: argparse.Namespace) -> int:
    from mqttkit.network.terminal import run_trace

    return run_trace(**_given(options))


def _add_check(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "check", "check your answers to an exercise", _run_check)
    parser.add_argument("exercise", help="its name, such as 2-qos")
    parser.add_argument("notebook", nargs="?", type=Path, help="default: exercises/EXERCISE.ipynb")


def _run_check(options: argparse.Namespace) -> int:
    from mqttkit.grading.commands import check

    return check(**_given(options))


def _add_grade(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "grade", "grade a class's notebooks (instructors)", _run_grade)
    parser.add_argument("exercise", help="its name, such as 2-qos")
    parser.add_argument("submissions", type=Path, help="a folder or a zip file")
    parser.add_argument(
        "--out", type=Path, default=Path("grades"), metavar="DIR", help="for the reports (default: grades)"
    )
    parser.add_argument("--jobs", type=int, default=None, metavar="N", help="submissions graded at the same time")
    parser.add_argument("--timeout", type=float, default=None, metavar="S", help="seconds for one question")
    parser.add_argument("--total", type=float, default=None, metavar="S", help="seconds for one submission")
    parser.add_argument("--sandbox", choices=["auto", "bwrap", "none"], default="auto", help="default: auto")
    parser.add_argument("--names", default="plain", help="plain, moodle, canvas or a regular expression")
    parser.add_argument("--roster", type=Path, metavar="CSV", help="who is in the class")
    parser.add_argument("--due", metavar="TIME", help="such as 2026-03-01T23:59")
    parser.add_argument("--late", metavar="RULE", help="such as 10%%/day")
    parser.add_argument("--student", metavar="ID", help="grade this one only")
    parser.add_argument("--regrade", action="store_true", help="also those that have not changed")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a dask scheduler, such as tcp://host:8786")


def _run_grade(options: argparse.Namespace) -> int:
    from mqttkit.grading.commands import grade

    return grade(**_given(options))


def _add_exercises(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "exercises", "list the exercises, or begin one anew", _run_exercises)
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    actions.add_parser("list", help="all exercises, with what is done")
    reset = actions.add_parser("reset", help="a fresh copy of one exercise; yours is kept beside it")
    reset.add_argument("exercise", help="its name, such as 2-qos")
    reset.add_argument("--from", dest="source", type=Path, metavar="FILE", help="the notebook to make it from")
    build = actions.add_parser("build", help="make exercises/ from solutions/ (maintainers)")
    build.add_argument("--check", action="store_true", help="only say whether they are up to date")
    pack = actions.add_parser("pack", help="the course as a zip file for students, without solutions (instructors)")
    pack.add_argument("target", type=Path, metavar="FILE", help="the zip file to write, such as students.zip")


def _run_exercises(options: argparse.Namespace) -> int:
    from mqttkit.grading import commands

    return commands.exercises(**_given(options))


def _add_classroom(subparsers: Subparsers) -> None:
    parser = _command(subparsers, "classroom", "open a chat room for a class (instructors)", _run_classroom)
    parser.add_argument("--room", default="class", help="name of the room (default: class)")
    parser.add_argument("--host", default=_LOOPBACK, help=_HOST_HELP)
    parser.add_argument(
        "--port", type=_port, default=0, help="for everything: page, WebSocket, MQTT (default: a free one)"
    )
    parser.add_argument(
        "--password",
        help="default: one is made up and shown. Others on this machine can see it in the list of processes; the "
        "environment variable MQTTKIT_CLASS_PASSWORD hides it",
    )
    parser.add_argument("--broker", metavar="URL", help="use this broker instead of an embedded one")
    parser.add_argument(
        "--engine", choices=("amqtt", "mosquitto"), default="amqtt", help="broker to run (default: amqtt)"
    )
    parser.add_argument("--origin", action="append", metavar="URL", help="address of a proxy whose pages may connect")
    parser.add_argument(
        "--tls", action="store_true", help="https, wss and mqtts, with a lesson certificate: browsers will warn once"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="the same with your own certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="and its private key (PEM)")
    parser.add_argument(
        "--record", metavar="FOLDER", help="keep a trace and a log of the chat there; everybody is told"
    )


def _run_classroom(options: argparse.Namespace) -> int:
    from mqttkit.classroom.commands import run_classroom

    return run_classroom(**_given(options))


ALL: tuple[Callable[[Subparsers], None], ...] = (
    _add_lab,
    _add_doctor,
    _add_check,
    _add_exercises,
    _add_broker,
    _add_trace,
    _add_classroom,
    _add_grade,
)


def _command(subparsers: Subparsers, name: str, summary: str, run: Callable[[argparse.Namespace], int]) -> Any:
    parser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The options of one command, as keyword arguments."""
    return {name: value for name, value in vars(options).items() if name not in {"command", "run", "extra"}}


def _port(text: str) -> int:
    highest = 65535
    if not (text.isascii() and text.isdigit() and int(text) <= highest):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; a port is a number from 0 to {highest}")
    return int(text)
