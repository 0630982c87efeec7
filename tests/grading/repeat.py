"""Plays every solution and every known wrong answer again and again, and counts the marks that differ.

    python tests/grading/repeat.py [--times 50] [--workers 12] [--busy 1] [--only 5-chat-room:leave] [--engine mosquitto]

A play mostly waits, so many run at the same time, each in a process of its own; `--busy` keeps that many cores at work beside
them. With `--engine` all play on one broker, as learners do whose MQTTKIT_BROKER names the same. Prints a line for every question
and a line for each play that was judged otherwise; the exit code is their number, at most 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gc
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

from submissions_for_tests import NAMES, asked, earned, names_of, solved
from test_grading_wrong_answers import WRONG, beginnings, names_with

from mqttkit import Broker
from mqttkit.grading.rubric import load
from mqttkit.url import VARIABLE

Task = tuple[str, str, int]  # exercise, question, line of wrong_answers.jsonl (-1: the solution)


def main() -> int:
    """Play, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--only", default="", help="EXERCISE or EXERCISE:QUESTION")
    parser.add_argument("--engine", default="", choices=["", "amqtt", "mosquitto"])
    options = parser.parse_args()
    tasks = [task for task in _tasks() if f"{task[0]}:{task[1]}".startswith(options.only)] * options.times
    # gc.freeze: each check looks for clients among all objects, and these are not the modules'
    begun, played, wrong = time.monotonic(), collections.Counter[tuple[str, str]](), 0
    with (
        _busy(options.busy),
        _broker(options.engine),
        multiprocessing.get_context("spawn").Pool(options.workers, gc.freeze, maxtasksperchild=60) as pool,
    ):
        for task, fault in pool.imap_unordered(play, tasks):
            played[task[:2]] += 1
            if sum(played.values()) % 500 == 0:
                print(f"{sum(played.values())} of {len(tasks)} played", file=sys.stderr)
            if fault:
                wrong += 1
                print(*task, fault, flush=True)
    for (exercise, question), count in sorted(played.items()):
        print(f"{exercise} {question}: {count}")
    print(f"{sum(played.values())} plays in {time.monotonic() - begun:.0f} s, {wrong} judged otherwise")
    return min(wrong, 1)


def _tasks() -> list[Task]:
    right = [(name, question, -1) for name in NAMES for question in load(name).questions]
    return right + [(row["exercise"], row["question"], number) for number, row in enumerate(WRONG)]


def play(task: Task) -> tuple[Task, str]:
    """Play once; what was judged otherwise than it should be, "" when nothing was."""
    exercise, question, number = task
    row = WRONG[number] if number >= 0 else None
    sys.unraisablehook = lambda _: None  # sockets that students' code leaves open
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        names = names_with(exercise, row["change"]) if row else names_of(solved(exercise))
        result = asked(exercise, question, names)
    told = [result.note, *(verdict.saw for verdict in result.verdicts if not verdict.ok)]
    wanted = set(row["earned"]) if row else {item.id for item in load(exercise)[question].rubric}
    said = row is None or any(text.startswith(beginnings(row)) for text in told)
    return task, "" if result.state == "played" and earned(result) == wanted and said else f"{earned(result)} {told}"


@contextlib.contextmanager
def _broker(engine: str) -> Any:
    """Name a broker of this engine to the processes that play."""
    if not engine:
        yield
        return
    with Broker(engine=engine) as broker:
        os.environ[VARIABLE] = broker.url
        yield


@contextlib.contextmanager
def _busy(cores: int) -> Any:
    """Keep `cores` cores at work."""
    loops = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(cores)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()


def _spin() -> None:
    while True:
        json.dumps(list(range(1000)))


if __name__ == "__main__":
    sys.exit(main())
