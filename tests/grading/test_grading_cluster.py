"""Grading through a real dask scheduler with two worker processes, one of which is killed half-way."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading

import nbformat
import pytest
from submissions_for_tests import untouched, with_cells

from mqttkit.grading import cluster
from mqttkit.grading.commands import grade
from support import need

NAME = "1-topics"


@pytest.fixture
def scheduler(tmp_path):
    """(address, worker processes) of a real cluster on this machine."""
    need("distributed")
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    head = subprocess.Popen(
        [
            *_command("dask_scheduler"),
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(file),
        ],
        **quiet,
    )
    _until(head, "Scheduler at")
    workers = [
        subprocess.Popen(
            [
                *_command("dask_worker"),
                "--scheduler-file",
                str(file),
                "--no-nanny",
                "--nthreads",
                "1",
                "--no-dashboard",
                "--local-directory",
                str(tmp_path),
            ],
            **quiet,
        )
        for _ in range(2)
    ]
    for worker in workers:
        _until(worker, "Registered to")
    yield json.loads(file.read_text())["address"], workers
    for process in (*workers, head):
        process.kill()
        process.wait()
        process.stderr.close()


def _command(name):
    return [sys.executable, "-c", f"from distributed.cli.{name} import main; main()"]


def _until(process, words):
    for line in process.stderr:
        if words in line:
            break
    threading.Thread(
        target=lambda: [None for _ in process.stderr] if not process.stderr.closed else None, daemon=True
    ).start()


@pytest.mark.slow
def test_every_submission_is_graded_once_although_a_worker_dies(scheduler, tmp_path, capsys):
    address, workers = scheduler
    for number in range(6):
        notebook = with_cells(untouched(NAME), name="def topic_of(*a): return 'museum/' + '/'.join(map(str, a))")
        path = tmp_path / "in" / f"student-{number}" / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(notebook), "utf-8")
    killed = threading.Event()

    def kill_one():
        workers[0].kill()
        killed.set()

    threading.Thread(target=_when_first_report, args=(tmp_path / "out", kill_one), daemon=True).start()
    assert grade(NAME, tmp_path / "in", out=tmp_path / "out", sandbox="none", scheduler=address) == 0
    assert killed.is_set()
    with (tmp_path / "out" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["student_id"] for row in rows] == [f"student-{number}" for number in range(6)]
    assert {(row["status"], row["score"]) for row in rows} == {("graded", "1")}


def _when_first_report(out, then):
    gate = threading.Event()
    while not list(out.glob("*/report.json")):
        gate.wait(0.05)
    then()


def test_no_scheduler_is_explained(tmp_path, capsys, monkeypatch):
    need("distributed")
    path = tmp_path / "in" / "ada" / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(untouched(NAME)), "utf-8")
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    assert grade(NAME, tmp_path / "in", out=tmp_path / "out", sandbox="none", scheduler="tcp://127.0.0.1:1") == 2
    assert "No scheduler answers" in capsys.readouterr().err
