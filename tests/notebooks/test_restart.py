"""A learner restarts the kernel in the middle and begins again: everything is as at the first time."""

from __future__ import annotations

import nbformat
import pytest

from support.notebooks import LESSONS, is_loose, kernel_of, text_of


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_after_a_restart_in_the_middle_it_shows_what_is_stored(path):
    stored = nbformat.read(path, as_version=4).cells
    with kernel_of(path) as (kernel, cells):
        for index in range(len(cells) // 2):
            kernel.run(index, cells[index])
        kernel.restart()
        for index, cell in enumerate(cells):
            kernel.run(index, cell)
    for index, (cell, before) in enumerate(zip(cells, stored, strict=True)):
        if not is_loose(cell):
            assert text_of(cell) == text_of(before), f"cell {index}:\n{cell['source']}"
