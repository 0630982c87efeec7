"""Several people on one machine, as on a JupyterHub: nobody reads the files of another, and nothing collides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mqttkit import Broker
from mqttkit.classroom import Classroom
from mqttkit.security import LessonCA
from support.needs import need

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of another kind")

ONE_USER = """
import json, sys
from mqttkit import Client, Lab
from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom

with Classroom("physics", record="rec") as classroom, Lab() as lab:
    alice = lab.client("alice")
    alice.subscribe("home/#")
    lab.client("bob").publish("home/t", "21")
    with ChatClient(classroom.url, "physics", "Ada", password=classroom.password) as ada:
        ada.say("mine")
        shown = {"text": alice.wait_for(1)[0].text, "line": ada.wait_for_lines(1)[0].text, "broker": classroom._own_broker.url, "lab": lab.url}
        print(json.dumps(shown), flush=True)
        sys.stdin.readline()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder in which temporary files are made, with a umask that hides nothing."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(0)
    yield tmp_path
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """What other users of this machine can read or enter, by the first name on the way to it."""
    return [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077]


def test_what_is_kept_on_disk_is_for_its_owner_only(temporary):
    need("mosquitto")
    with (
        Classroom("physics", record=temporary / "rec", tls=True),
        Broker(engine="mosquitto", users={"ada": "secret"}),
    ):
        LessonCA().server()
        assert len(list(temporary.iterdir())) >= 3
        assert open_to_others(temporary) == []
        assert open_to_others(temporary / "rec") == []


def runs_python(user: int) -> bool:
    """Whether another user can run this Python and read the kit."""
    command = [sys.executable, "-c", "import mqttkit.classroom"]
    try:
        return subprocess.run(command, user=user, group=user, capture_output=True, cwd="/", check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become other users")
def test_two_real_users_at_once(tmp_path_factory):
    users = (64001, 64002)  # need no entry in /etc/passwd
    if not runs_python(users[0]):
        pytest.skip("this Python stands where other users cannot read it")
    base = Path(tempfile.mkdtemp(prefix="mqttkit-users-", dir="/tmp"))
    base.chmod(0o755)
    running = []
    try:
        for user in users:
            home = base / str(user)
            home.mkdir(mode=0o755)
            os.chown(home, user, user)
            environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
            running.append(
                subprocess.Popen(
                    [sys.executable, "-c", ONE_USER],
                    user=user,
                    group=user,
                    cwd=home,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        shown = [json.loads(process.stdout.readline()) for process in running]
        assert [(one["text"], one["line"]) for one in shown] == [("21", "mine")] * 2
        assert len({one["broker"] for one in shown} | {one["lab"] for one in shown}) == 4
        (recording,) = (base / str(users[0])).glob("rec")
        spy = f"import os; print(os.access({str(recording)!r}, os.R_OK | os.X_OK))"
        seen = subprocess.run(
            [sys.executable, "-c", spy], user=users[1], group=users[1], capture_output=True, check=True, cwd="/"
        )
        assert seen.stdout.strip() == b"False"
    finally:
        for process in running:
            process.communicate("\n", timeout=20)
        subprocess.run(["rm", "-rf", str(base)], check=False)
