"""A learner's laptop without mosquitto, node, php and redis: lesson 10 shows the same."""

from __future__ import annotations

import re

import nbformat

from support.notebooks import ROOT, is_loose, kernel_of, text_of

LESSON = ROOT / "notebooks" / "10-in-the-wild.ipynb"
HIDE = "from mqttkit.doctor import parts\nparts.find_program = lambda command: None\ndel parts"
HEADING = re.compile(r"From a recording of a real run, as .+ is not installed here\.\n")
LADDERS = 4  # hello, news, forbidden, cluster: what is shared among the workers is counted, not drawn


def test_lesson_10_shows_what_is_stored_where_no_optional_program_is_there():
    stored = nbformat.read(LESSON, as_version=4).cells
    with kernel_of(LESSON) as (kernel, cells):
        kernel.run(0, nbformat.v4.new_code_cell(HIDE))
        for index, cell in enumerate(cells):
            kernel.run(index, cell)
    said = []
    for index, (cell, before) in enumerate(zip(cells, stored, strict=True)):
        if not is_loose(cell):
            shown = text_of(cell)
            said += [text for text in shown if HEADING.match(text)]
            assert [HEADING.sub("", text) for text in shown] == text_of(before), f"cell {index}:\n{cell['source']}"
    assert len(said) == LADDERS  # each ladder itself says that it is a recording
    assert "is not installed here" in str([text_of(cell) for cell in cells])
