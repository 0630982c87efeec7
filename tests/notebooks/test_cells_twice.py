"""Learners press Shift + Enter again: every cell may be run twice in a row."""

from __future__ import annotations

import pytest

from support.notebooks import LESSONS, SOLUTIONS, kernel_of


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=lambda path: path.stem)
def test_every_cell_runs_twice_in_a_row(path):
    with kernel_of(path) as (kernel, cells):
        for index, cell in enumerate(cells):
            kernel.run(index, cell)
            kernel.run(index, cell)
