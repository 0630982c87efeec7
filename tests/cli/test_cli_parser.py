"""A beginner's slips get one clear sentence, and exit code 2."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

import mqttkit
from mqttkit.cli import commands, main
from mqttkit.errors import BrokerError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gade", "There is no `mqttkit gade`. Did you mean `grade`?"),
        ("xyzzy", "There is no `mqttkit xyzzy`. `mqttkit --help` lists all commands."),
        ("lab --prt 4", "`mqttkit lab` has no option '--prt'. Did you mean `--port`?"),
        ("lab --no-brwser=1", "Did you mean `--no-browser`?"),
        ("doctor now", "`mqttkit doctor` does not know what to do with 'now'."),
        ("broker --port mqtt", "'mqtt' is not a port; a port is a number from 0 to 65535"),
        ("lab --port 70000", "'70000' is not a port"),
        ("grade", "exercise, submissions"),
        ("grade a b --sandbox x", "invalid choice: 'x'"),
        ("exercises", "ACTION"),
        ("doctor -- --x", "Only `mqttkit lab` hands on options"),
        ("lab notebooks/99-no.ipynb", "There is no notebooks/99-no.ipynb in"),
        ("lab --folder no-such-folder", "There is no"),
    ],
)
def test_usage_errors_are_one_sentence_and_exit_2(line, said, capsys):
    assert main(line.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("mqttkit: ")
    assert said in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("name", ["", *commands.names()])
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as ending:
        main([*name.split(), "--help"])
    assert ending.value.code == 0
    assert "usage: mqttkit" in capsys.readouterr().out


def test_without_a_command_the_help_names_all(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name}" in shown for name in commands.names())


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"mqttkit {mqttkit.__version__}\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BrokerError("port busy, try another"), 1, "mqttkit: port busy, try another\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (ZeroDivisionError("oops"), 1, "ZeroDivisionError: oops. That is a mistake in mqttkit"),
    ],
)
def test_a_failure_is_a_sentence_and_never_a_traceback(error, code, said, capsys, monkeypatch):
    def fail(**_):
        raise error

    monkeypatch.setattr("mqttkit.doctor.run_doctor", fail)
    assert main(["doctor"]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


def test_the_parser_imports_nothing_slow():
    code = "import sys, mqttkit.cli; print([m for m in ('jupyterlab', 'amqtt', 'paho', 'asyncio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_python_m_mqttkit_is_the_same():
    done = subprocess.run([sys.executable, "-m", "mqttkit", "gade"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Did you mean `grade`?" in done.stderr


def test_an_old_encoding_of_the_terminal_is_no_error(monkeypatch):
    """Windows writes cp1252 into a file: what it lacks becomes a question mark."""
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding="cp1252"))
    main([])
    print("alice → broker", flush=True)
    assert file.getvalue().endswith(b"alice ? broker" + os.linesep.encode())


def test_options_after_two_dashes_without_a_command_are_refused(capsys):
    assert main(["--", "x"]) == 2
    assert "Only `mqttkit lab` hands on options after `--`, `mqttkit` does not." in capsys.readouterr().err
