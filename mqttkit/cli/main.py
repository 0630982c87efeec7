"""Run one command; whatever goes wrong becomes one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from mqttkit.cli.errors import CommandError
from mqttkit.cli.parser import build_parser, parse
from mqttkit.errors import InvalidArgument, MqttKitError

_INTERRUPTED = 130  # what shells report after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: those of this process).

    Returns:
        0 when all went well, 1 when the command failed, 2 when it was asked for something it cannot do.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a file in an old encoding of Windows gets "?" for an arrow
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except (CommandError, InvalidArgument) as error:
        return _fail(error, 2)
    except MqttKitError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; Python must not complain about it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("MQTTKIT_DEBUG"):
            raise
        return _fail(f"Something unexpected happened, {type(error).__name__}: {error}. {_DEBUG}", 1)


def _run(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.command is None:
        build_parser().print_help()
        return 0
    return int(options.run(options))


_DEBUG = "That is a mistake in mqttkit; with MQTTKIT_DEBUG=1 in the environment it shows where."


def _fail(error: object, code: int) -> int:
    print(f"mqttkit: {error}", file=sys.stderr)
    return code
