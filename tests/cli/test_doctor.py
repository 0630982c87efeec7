"""The doctor tells the truth about this computer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata

import pytest

from mqttkit import progress
from mqttkit.cli import main
from mqttkit.doctor import checks, doctor
from mqttkit.doctor.parts import Part
from mqttkit.errors import BrokerError


def test_a_ready_computer_gives_the_same_display_everywhere(monkeypatch):
    report = doctor()
    assert report.ready, str(report)
    shown = str(report) + report._repr_html_()
    assert metadata.version("paho-mqtt") not in shown
    assert sys.prefix not in shown
    monkeypatch.setattr(Part, "find", lambda _: None)
    assert str(doctor()) == str(report)


def test_the_terminal_names_versions_parts_and_how_to_get_them(capsys, monkeypatch):
    monkeypatch.setattr(Part, "find", lambda _: None)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert f"paho-mqtt {metadata.version('paho-mqtt')}" in shown
    assert "mosquitto" in shown
    assert "get it:" in shown
    assert shown.rstrip().endswith("This computer is ready.")


def test_a_broker_that_does_not_start_is_not_ready(capsys, monkeypatch):
    def broken(*_):
        raise BrokerError("no socket")

    monkeypatch.setattr("mqttkit.broker.Broker.start", broken)
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "not yet  the embedded broker does not work: no socket" in shown
    assert "firewall" in shown
    assert "not ready" in shown


@pytest.mark.parametrize(
    ("needs", "said"),
    [("no-such-package>=1", "no-such-package is missing"), ("paho-mqtt>=99", "paho-mqtt is .*, needed is >=99")],
)
def test_a_missing_or_old_package_is_named_with_the_command_that_helps(needs, said, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda _: [needs, "absent; extra == 'test'"])
    (wrong,) = [check for check in doctor().checks if not check.ok]
    assert re.search(said, wrong.text)
    assert "pip install -e ." in wrong.advice


@pytest.mark.parametrize("missing", ["amqtt", "jupyter_client", "platformdirs"])
def test_a_package_that_cannot_be_imported_stops_no_other_check(missing):
    """In a process of its own, where nothing has been imported yet."""
    program = f"import sys; sys.modules[{missing!r}] = None\nfrom mqttkit.cli import main\nsys.exit(main(['doctor']))"
    left_out = "MQTTKIT_HOME" if missing == "platformdirs" else ""  # where that is set nobody asks for the package
    environment = {name: value for name, value in os.environ.items() if name != left_out}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert re.search(rf"not yet  .* could not be tried: .*{missing}", done.stdout)
    assert "pip install -e ." in done.stdout
    assert done.stdout.rstrip().endswith("This computer is not ready yet: see what to do above.")


def test_a_clone_that_was_not_installed_says_so(monkeypatch):
    def unknown(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    check = checks.packages()
    assert (check.ok, check.text) == (False, "mqttkit itself is not installed")
    assert "pip install -e ." in check.advice


def test_the_broker_of_the_environment_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("MQTTKIT_BROKER", "mqtts://ann:secret@broker.example:8883")
    shown = str(doctor())
    assert "broker.example" in shown
    assert "secret" not in shown


def test_it_says_where_answers_cannot_be_kept(tmp_path, monkeypatch):
    """And recording one is no error: the lesson goes on."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path / "file" / "home"))
    (check,) = checks.memory()
    assert not check.ok
    assert "MQTTKIT_HOME" in check.advice
    progress.record("answers", "first", {"given": "1"})
    assert progress.load("answers", "first") is None
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path / "home"))
    assert checks.memory() == []


@pytest.mark.parametrize("url", ["mqtts://user:secret@host:8883", "user:secret@host:8883", "mqtt://user:secret@:1"])
def test_the_password_of_a_broker_elsewhere_is_not_shown(monkeypatch, url):
    monkeypatch.setenv("MQTTKIT_BROKER", url)
    (check,) = checks.elsewhere()
    assert "secret" not in repr(check)
    assert check.ok == url.endswith("host:8883")
