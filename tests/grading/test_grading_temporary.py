"""Folders for temporary files: those of dead runs go, all others stay; nothing in them is too deep to be removed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mqttkit.grading import temporary
from mqttkit.grading.temporary import Folder, clear, empty, fits, place

MAKES_ONE = "from mqttkit.grading.temporary import Folder\nprint(Folder().path, flush=True)\ninput()"


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(short, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    other = subprocess.Popen(
        [sys.executable, "-c", MAKES_ONE],
        env=os.environ | {"TMPDIR": str(short), "TEMP": str(short), "TMP": str(short)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        left = Path(other.stdout.readline().strip())
        (left / "home").mkdir()
        with Folder() as mine:
            clear(str(short))
            assert {*short.iterdir()} == {left, mine.path}
            other.kill()
            other.wait()
            clear(str(short))
            assert {*short.iterdir()} == {mine.path}
    finally:
        other.kill()
        other.communicate()
    assert not [*short.iterdir()]


def test_what_has_no_lock_is_somebody_elses_or_just_being_made(short):
    foreign, born, link = (short / f"{temporary.PREFIX}{name}" for name in ("foreign", "born", "link"))
    foreign.mkdir()
    born.mkdir()
    (born / ".alive").touch()
    outside = short / "outside"
    outside.mkdir()
    (outside / ".alive").write_text("1")
    if os.name == "posix":
        link.symlink_to(outside)
    before = {*short.iterdir()}
    clear(str(short))
    assert {*short.iterdir()} == before
    assert (outside / ".alive").exists()


@pytest.mark.skipif(os.name != "posix", reason="owners of POSIX")
def test_the_folder_of_another_user_stays(short, monkeypatch):
    theirs = short / f"{temporary.PREFIX}theirs"
    theirs.mkdir()
    (theirs / ".alive").write_text("1")
    monkeypatch.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
    clear(str(short))
    assert theirs.exists()


@pytest.mark.skipif(os.name != "posix", reason="paths of any length")
def test_nothing_is_too_deep_to_be_removed(short):
    """Deeper than Python's stack, and than any path: what a student's code may leave."""
    make = "import os\nfor _ in range(1500):\n    os.mkdir('d' * 99)\n    os.chdir('d' * 99)\nopen('x', 'w').close()\nos.chmod('.', 0)"
    subprocess.run([sys.executable, "-c", make], cwd=short, check=True)
    (short / "link").symlink_to(short.parent)
    empty(short)
    assert not [*short.iterdir()]


@pytest.mark.skipif(sys.platform != "linux", reason="boxes are for Linux")
def test_the_sockets_of_a_box_have_a_short_path(short, monkeypatch):
    long = short / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert place(1) == "/tmp"
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    assert place(temporary.LEVELS) == str(short)
    longest = "x" * (107 - len("/run/check") - 2 * len(f"/{temporary.PREFIX}12345678"))
    assert fits(longest, 2)
    assert not fits(longest + "x", 2)
