"""The words of the command line. What they do is imported only when they are used."""

from __future__ import annotations

import argparse
from typing import NoReturn

from mqttkit import __version__
from mqttkit._words import nearest
from mqttkit.cli import commands
from mqttkit.cli.errors import CommandError

_DESCRIPTION = """\
Learn MQTT by watching every packet.

  mqttkit lab       opens the course in your browser: begin here
  mqttkit doctor    says whether this computer is ready for it
"""


class FriendlyParser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and names the nearest valid word."""

    def error(self, message: str) -> NoReturn:
        """Raise what `main` prints, in place of argparse's usage lines."""
        raise CommandError(f"{message[:1].upper()}{message[1:]}. `{self.prog} --help` explains the options.")


def build_parser() -> FriendlyParser:
    """The parser of `mqttkit` with all its commands."""
    parser = FriendlyParser(
        prog="mqttkit",
        description=_DESCRIPTION,
        epilog="`mqttkit COMMAND --help` explains one command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mqttkit {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", dest="command", title="commands")
    for add in commands.ALL:
        add(subparsers)
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line. Raises CommandError with one sentence where it makes no sense."""
    parser = build_parser()
    arguments, extra = _split(arguments)
    _check_command(arguments, commands.names())
    options, rest = parser.parse_known_args(arguments)
    if rest:
        _refuse(rest[0], options.command, vars(options))
    if extra and options.command != "lab":
        program = f"mqttkit {options.command or ''}".strip()
        raise CommandError(f"Only `mqttkit lab` hands on options after `--`, `{program}` does not.")
    options.extra = extra
    return options


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What is before and after a lone `--`."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def _check_command(arguments: list[str], known: list[str]) -> None:
    word = arguments[0] if arguments else ""
    if word and not word.startswith("-") and word not in known:
        raise CommandError(f"There is no `mqttkit {word}`.{_nearest(word, known)} `mqttkit --help` lists all commands.")


def _refuse(word: str, command: str | None, options: dict[str, object]) -> NoReturn:
    known = ["--" + name.rstrip("_").replace("_", "-") for name in options if name not in {"command", "run"}]
    program = f"mqttkit {command}" if command else "mqttkit"
    what = "has no option" if word.startswith("-") else "does not know what to do with"
    hint = _nearest(word.split("=", maxsplit=1)[0], known) if word.startswith("-") else ""
    raise CommandError(f"`{program}` {what} {word!r}.{hint} `{program} --help` explains the options.")


def _nearest(word: str, known: list[str]) -> str:
    near = nearest(word, known, cutoff=0.5)
    return f" Did you mean `{near}`?" if near else ""
