"""Ctrl-C, vanishing folders, and a grader process that is ended: grading stops at once, and says where it is."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from submissions_for_tests import ROOT, untouched, wait_until, with_first_cell

from mqttkit.grading import commands, gradebook, kernel, usage
from mqttkit.grading.job import Job
from mqttkit.grading.pool import Worker
from mqttkit.grading.temporary import empty

NAME = "1-topics"
LOOP = "while True: pass"


def put(path, notebook):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), "utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process")
@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_stops_at_once_and_says_how_to_go_on(presses, tmp_path, short):
    for student in "abcd":
        put(
            tmp_path / "in" / student / f"{NAME}.ipynb",
            untouched(NAME) if student == "a" else with_first_cell(NAME, LOOP),
        )
    options = ["--out", str(tmp_path / "out"), "--jobs", "1", "--timeout", "90", "--sandbox", "none"]
    command = [sys.executable, "-m", "mqttkit", "grade", NAME, str(tmp_path / "in"), *options]
    environment = {**os.environ, "TMPDIR": str(short)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert "1/4" in process.stderr.readline()
        family = wait_until(lambda: psutil.Process(process.pid).children(recursive=True))
        begun = time.monotonic()
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 45, "a second process would take 90 s"
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "Stopped: 1 of 4 graded. Call the same again to go on."
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert not list(short.iterdir()), "what students wrote is gone, too"
    with (tmp_path / "out" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert [row["status"] for row in rows.values()] == ["graded", *["not_graded"] * 3]
    assert {rows[s][column] for s in "bcd" for column in ("raw_score", "late_submission_penalty", "score")} == {""}
    assert {rows[s]["notes"] for s in "bcd"} == {"Not graded yet: call the same again to go on."}
    assert not (tmp_path / "out" / "b" / "report.json").exists()


def test_ctrl_c_while_archives_are_unpacked_leaves_the_marks_of_before(tmp_path, monkeypatch, capsys):
    def pressed(*args, **options):
        raise KeyboardInterrupt

    put(tmp_path / "in" / "ada" / f"{NAME}.ipynb", with_first_cell(NAME, "1"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "grades.csv").write_text("the marks of before")
    monkeypatch.setattr(gradebook, "collect", pressed)
    assert commands.grade(NAME, tmp_path / "in", out=tmp_path / "out") == 130
    assert (tmp_path / "out" / "grades.csv").read_text() == "the marks of before"
    assert "as they were" in capsys.readouterr().err


def test_only_the_first_press_is_heard():
    """Three presses may come as one, so the test above cannot know."""
    heard = []
    with commands.one_interrupt():
        for press in range(3):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                heard.append(press)
    assert heard == [0]


def test_a_worker_that_is_stopped_starts_no_second_process(tmp_path):
    put(tmp_path / f"{NAME}.ipynb", with_first_cell(NAME, LOOP))
    master = str(ROOT / "solutions" / f"{NAME}.ipynb")
    job = Job(NAME, master, "ada", str(tmp_path / f"{NAME}.ipynb"), str(tmp_path / "out"), timeout=90.0)
    worker, reports = Worker(), []
    thread = threading.Thread(target=lambda: reports.append(worker.grade(job)))
    thread.start()
    process = wait_until(lambda: worker._process)
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert not process.alive()
    assert worker._process is None
    assert [report["status"] for report in reports] == ["not_graded"]
    assert worker.grade(job)["status"] == "not_graded", "nor afterwards"
    assert not (tmp_path / "out").exists()


def test_folders_that_vanish_do_not_blind_the_watch(tmp_path, monkeypatch):
    """Each folder is gone in the moment in which the look comes to it."""
    (tmp_path / "z").write_bytes(b"0" * 5000)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    scandir = os.scandir

    def too_late(path):
        if Path(path) != tmp_path:
            Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", too_late)
    assert usage.disk(tmp_path) >= 5000
    assert [path.name for path in tmp_path.iterdir()] == ["z"]


@pytest.mark.skipif(os.name != "posix", reason="paths of any length")
def test_neither_depth_nor_number_nor_a_lock_hides_files_from_the_watch(short):
    for number in range(100):
        (short / f"{number}").touch()
    assert usage.disk(short) >= 100 * 4096
    make = "import os, sys\nfor _ in range(int(sys.argv[1])):\n    os.mkdir('d' * 99)\n    os.chdir('d' * 99)"
    for levels in ("12", "1500"):  # a little deeper, and a file has no path by which its size can be asked for
        subprocess.run([sys.executable, "-c", make, levels], cwd=short, check=True)
        assert usage.disk(short) == math.inf
        empty(short)
    (short / "locked").mkdir(mode=0o300)
    if os.geteuid() != 0:  # nothing is locked for root
        assert usage.disk(short) == math.inf


def test_the_watch_goes_on_after_a_look_that_fails(monkeypatch):
    looks = iter([FileNotFoundError("gone"), RuntimeError("odd"), "it wrote too much"])

    def look(*_):
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(kernel, "excess", look)
    killed = []
    watched = SimpleNamespace(
        _quiet=SimpleNamespace(wait=lambda seconds: False),
        _process=None,
        _caps=None,
        _box=SimpleNamespace(folder=None),
        _memory=0,
        _kill=lambda: killed.append(1),
    )
    kernel.Kernel._watch(watched)
    assert (watched.ended_for, killed) == ("it wrote too much", [1])
