"""The course and the checks of its exercises run unchanged on a broker of another make: a cluster of two aedes nodes."""

from __future__ import annotations

import re

import pytest

from mqttkit.classroom.cluster import Cluster
from support import need
from support.notebooks import LESSONS, SOLUTIONS, is_loose, kernel_of, text_of

pytestmark = pytest.mark.slow

SAME = ("02", "06")
"""Lessons that show the same, but for packet identifiers: aedes numbers its deliveries from a random start. These two ask it
for most: wildcards, $SYS, retained messages and wills. (01, 03, 04, 08, 09 and 11 do, too.)

In 05, 07 and 12 aedes does some things its own way: it hands DUP on [MQTT-3.3.1-3], says no session present where there is no
subscription [MQTT-3.2.2-2], and sends an unacknowledged message again on the same connection [MQTT-4.4.0-1], when chance has it.
"""
SOLVED = ("1-topics", "4-temperature-monitor")
"""Solved exercises whose checks play on the cluster; the second has a lab of its own in the notebook, too. (The others do, too.)"""


@pytest.fixture(scope="module")
def cluster():
    for program in ("node", "npm", "redis"):
        need(program)
    with Cluster() as running:
        yield running


@pytest.fixture(autouse=True)
def all_parts_live(cluster):
    """A node that ended by itself is told as that, and not as a lesson that differs."""
    yield
    cluster.check()


def read(cell):
    """What a run cell shows, without packet identifiers and the widths of columns that depend on them."""
    text = re.sub(r"\bid \d+", "id #", "\n".join(text_of(cell)))
    return [" ".join(line.split()) for line in text.splitlines()]


def differing(path):
    """Run a notebook; the cells that show something else than before. Raises where a cell fails."""
    with kernel_of(path) as (kernel, cells):
        found = set()
        for index, cell in enumerate(cells):
            stored = read(cell)
            kernel.run(index, cell)
            if not is_loose(cell) and read(cell) != stored:
                found.add(index)
    return found


def lesson(number):
    return next(path for path in LESSONS if path.stem.startswith(number))


@pytest.mark.parametrize("number", SAME)
def test_a_lesson_shows_the_same_on_the_cluster(cluster, monkeypatch, number):
    monkeypatch.setenv("MQTTKIT_BROKER", cluster.urls["a"])
    assert differing(lesson(number)) == set()


@pytest.mark.parametrize("name", SOLVED)
def test_a_solved_exercise_shows_the_same_with_the_cluster_named(cluster, monkeypatch, name):
    monkeypatch.setenv("MQTTKIT_BROKER", cluster.urls["a"])
    assert differing(next(path for path in SOLUTIONS if path.stem == name)) == set()
