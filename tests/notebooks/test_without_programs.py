"""A learner's laptop without mosquitto, node, php and redis: lesson 10 shows the same."""

from __future__ import annotations

import nbformat

from support.notebooks import ROOT, is_loose, kernel_of, text_of

LESSON = ROOT / "notebooks" / "10-in-the-wild.ipynb"
HIDE = "from mqttkit.doctor import parts\nparts.find_program = lambda command: None\ndel parts"


def test_lesson_10_shows_what_is_stored_where_no_optional_program_is_there():
    stored = nbformat.read(LESSON, as_version=4).cells
    with kernel_of(LESSON) as (kernel, cells):
        kernel.run(0, nbformat.v4.new_code_cell(HIDE))
        for index, cell in enumerate(cells):
            kernel.run(index, cell)
    for index, (cell, before) in enumerate(zip(cells, stored, strict=True)):
        if not is_loose(cell):
            assert text_of(cell) == text_of(before), f"cell {index}:\n{cell['source']}"
    assert "is not installed here" in str([text_of(cell) for cell in cells])
