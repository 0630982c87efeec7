"""Learners press Shift + Enter again, and restart the kernel in the middle: every cell may be run twice in a row, and after a
restart everything is as at the first time."""

from __future__ import annotations

import nbformat
import pytest

from support.notebooks import LESSONS, SOLUTIONS, is_loose, kernel_of, text_of


def run_twice(kernel, cells, indices):
    for index in indices:
        kernel.run(index, cells[index])
        kernel.run(index, cells[index])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_cell_runs_twice_and_after_a_restart_in_the_middle_it_shows_what_is_stored(path):
    stored = nbformat.read(path, as_version=4).cells
    with kernel_of(path) as (kernel, cells):
        middle = len(cells) // 2
        run_twice(kernel, cells, range(middle))
        kernel.restart()  # nothing of the lab, its clients and its widgets is closed before
        for index in range(middle):
            kernel.run(index, cells[index])
            if not is_loose(cells[index]):
                assert text_of(cells[index]) == text_of(stored[index]), f"cell {index}:\n{cells[index]['source']}"
        run_twice(kernel, cells, range(middle, len(cells)))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_cell_of_a_solved_exercise_runs_twice_in_a_row(path):
    with kernel_of(path) as (kernel, cells):
        run_twice(kernel, cells, range(len(cells)))
