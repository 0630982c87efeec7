"""`mqttkit lab` as a person meets it: what it prints, what it opens, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from websocket import create_connection

from mqttkit.cli.contents import SHIPPED
from support.jupyter import LabServer, clean_environment, lab_server

ROOT = Path(__file__).parents[2]
# What a cell may be doing when the end comes: nothing, or waiting with a broker running, or never answering again.
CELLS = {
    "idle": "print('begun')",
    "broker": "from mqttkit import Broker\nbroker = Broker().start()\nprint('begun')\nimport time\ntime.sleep(600)",
    "deaf": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('begun', flush=True)\nwhile True: pass",
}


def made_folder(parent):
    """A folder as learners have them: with a space and letters of other languages."""
    place = parent / "Übung für Zoë 课程"
    place.mkdir()
    (place / "page.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return place


@pytest.fixture
def folder(tmp_path):
    """One for each test."""
    return made_folder(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A server for the tests that only ask it something."""
    parent = tmp_path_factory.mktemp("running")
    place = made_folder(parent)
    with lab_server(place, "--folder", str(place), "page.ipynb", home=parent / "home") as server:
        yield server


def ask(server, path: str, body: object = None, method: str | None = None):
    """One request to the server's own interface; the JSON it answers."""
    request = urllib.request.Request(
        f"{server.origin}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {server.token}"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def run_in_new_kernel(server, code: str) -> None:
    """Start a kernel and run `code` in it, until it has printed "begun"."""
    kernel = ask(server, "api/kernels", {"name": "python3"})["id"]
    address = f"{server.origin.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={server.token}"
    with closing(create_connection(address, timeout=60)) as channels:
        request = {
            "header": {"msg_id": "1", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.4"},
            "content": {"code": code, "silent": False},
            "parent_header": {},
            "metadata": {},
            "channel": "shell",
        }
        channels.send(json.dumps(request))
        while "begun" not in json.loads(channels.recv())["content"].get("text", ""):
            pass
        if code == CELLS["idle"]:
            while json.loads(channels.recv())["content"].get("execution_state") != "idle":
                pass


@contextmanager
def all_gone(server, cell: str = "idle"):
    """Fail when a process that the server started is still there afterwards."""
    run_in_new_kernel(server, CELLS[cell])
    ask(server, "api/terminals", {})
    family = psutil.Process(server.process.pid).children(recursive=True)
    assert len(family) >= 2, family
    yield
    _, alive = psutil.wait_procs([server.process, *family], timeout=15)
    assert alive == []


@pytest.mark.parametrize("cell", CELLS)
def test_ctrl_c_ends_it_at_once_with_everything_it_started(folder, tmp_path, cell):
    with lab_server(folder, "--folder", str(folder), "page.ipynb", home=tmp_path / "home") as server:
        port = int(server.origin.rpartition(":")[2])
        with all_gone(server, cell):
            seconds = server.interrupt()
        assert server.process.returncode == 0
    assert seconds < 15
    print(f"{cell}: gone after {seconds:.1f} s")
    text = "".join(server.output)
    assert "127.0.0.1" in server.url
    assert "/tree/page.ipynb?token=" in server.url
    assert "Ctrl-C here ends everything" in text
    assert "y/[n]" not in text
    assert len(server.output) < 14, text  # no log, no warning, no traceback
    assert "JupyterLab has ended" in server.output[-1]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither signal")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_no_way_to_end_it_leaves_a_kernel_behind(folder, tmp_path, name):
    with lab_server(folder, "--folder", str(folder), "page.ipynb", home=tmp_path / "home") as server, all_gone(server):
        server.process.send_signal(getattr(signal, name))


def test_no_news_no_updates_no_package_index(running):
    with urllib.request.urlopen(f"{running.origin}/lab?token={running.token}", timeout=60) as reply:
        page = reply.read().decode()
    settings = json.loads(page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0])
    assert settings["news"] == {"disabled": True}
    assert ask(running, "lab/api/news") == {"news": []}
    assert ask(running, "lab/api/update") == {"notification": None}
    assert settings["extensionManager"]["can_install"] is False


def test_a_busy_port_is_one_sentence(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_lab("--folder", str(folder), "page.ipynb", "--no-browser", "--port", str(port), home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mqttkit: Port {port} cannot be used")
    assert done.stderr.count("\n") == 1


def test_an_occupied_usual_port_is_passed_by(folder, tmp_path):
    busy = []
    for port in range(8888, 8890):  # other programs may have them already: all the better
        with suppress(OSError):
            busy.append(socket.create_server(("127.0.0.1", port)))
    command = [sys.executable, "-m", "mqttkit", "lab", "--folder", str(folder), "page.ipynb", "--no-browser"]
    process = subprocess.Popen(command, env=clean_environment(tmp_path), stdout=subprocess.PIPE, text=True)
    try:
        server = LabServer(folder, process)
        assert int(server.origin.rpartition(":")[2]) > 8889
        server.close()
    finally:
        for one in busy:
            one.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows opens its browser in another way")
def test_a_browser_is_opened_on_the_page(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        script = tmp_path / "browser.py"
        script.write_text(
            "import socket, sys\n"
            f"with socket.create_connection({listener.getsockname()}) as s: s.sendall(sys.argv[1].encode())\n"
        )
        command = [sys.executable, "-m", "mqttkit", "lab", "--folder", str(folder), "page.ipynb", "--port", "0"]
        environment = clean_environment(tmp_path) | {
            "BROWSER": f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} %s"
        }
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            connection, _ = listener.accept()
            with connection:
                address = connection.makefile().read()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    assert address.startswith("file:")
    assert "token" not in address  # it would show in the list of processes


def test_from_any_folder_it_opens_the_first_page(tmp_path):
    with lab_server(ROOT, home=tmp_path / "home", cwd=tmp_path) as server:
        assert "/tree/notebooks/00-start-here.ipynb" in server.url


def test_started_in_a_copy_of_the_course_it_opens_that_copy(tmp_path):
    """Not the clone that the package was installed from: a learner's work is in the copy."""
    page = tmp_path / "copy" / "notebooks" / "00-start-here.ipynb"
    page.parent.mkdir(parents=True)
    page.write_text('{"cells": [], "metadata": {"copy": true}, "nbformat": 4, "nbformat_minor": 5}')
    with lab_server(tmp_path, home=tmp_path / "home", cwd=page.parent) as server:
        assert ask(server, "api/contents/notebooks/00-start-here.ipynb")["content"]["metadata"]["copy"]


def test_a_home_that_cannot_be_written_is_no_hindrance(folder, tmp_path):
    """As on a school's machine: settings go into a folder that ends with the server."""
    (tmp_path / "file").write_text("")
    home = tmp_path / "file" / "home"  # cannot be made: its parent is no folder
    with lab_server(folder, "--folder", str(folder), "page.ipynb", home=home, TMPDIR=str(tmp_path)) as server:
        ask(server, "api/status")
        ask(server, "api/terminals", {})
        assert "settings of JupyterLab are forgotten" in server.output[0]
        assert list(tmp_path.glob("mqttkit-lab-*"))
        server.interrupt()
    assert not list(tmp_path.glob("mqttkit-lab-*"))


def stored(count: int) -> dict[str, object]:
    """A code cell that was run, with its output."""
    output = {"output_type": "stream", "name": "stdout", "text": f"{count}\n"}
    source = f"print({count})"
    return {
        "cell_type": "code",
        "id": f"c{count}",
        "source": source,
        "metadata": {},
        "execution_count": count,
        "outputs": [output],
    }


def put(folder: Path, name: str, *cells: dict[str, object], **metadata: object) -> str:
    """Write a notebook; its text."""
    text = json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    (folder / name).write_text(text)
    return text


def test_a_lesson_as_shipped_opens_without_its_outputs_and_keeps_those_of_the_learner(running):
    """Else the answer stands below each question before it is asked."""
    text = put(running.folder, "lesson.ipynb", stored(1), stored(2), mqttkit=SHIPPED)
    model = ask(running, "api/contents/lesson.ipynb")
    assert [cell["outputs"] for cell in model["content"]["cells"]] == [[], []]
    assert [cell["execution_count"] for cell in model["content"]["cells"]] == [None, None]
    assert (running.folder / "lesson.ipynb").read_text() == text  # to look at it changes nothing
    model["content"]["cells"][0] |= {"outputs": stored(1)["outputs"], "execution_count": 1}
    ask(running, "api/contents/lesson.ipynb", model, method="PUT")
    again = ask(running, "api/contents/lesson.ipynb")["content"]["cells"]
    assert [len(cell["outputs"]) for cell in again] == [1, 0]


def test_other_notebooks_open_as_they_are(running):
    put(running.folder, "mine.ipynb", stored(1))
    assert ask(running, "api/contents/mine.ipynb")["content"]["cells"][0]["outputs"]


def test_every_lesson_bears_the_mark():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert json.loads(path.read_text("utf-8"))["metadata"]["mqttkit"] == SHIPPED, path.name


def run_lab(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """`mqttkit lab` to its end, which is expected soon."""
    command = [sys.executable, "-m", "mqttkit", "lab", *arguments]
    return subprocess.run(command, env=clean_environment(home), capture_output=True, text=True, timeout=60)
