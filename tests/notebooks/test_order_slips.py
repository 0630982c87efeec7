"""A cell that is run before the one it needs says what to do."""

from __future__ import annotations

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from support.notebooks import ROOT, kernel_of

FIRST = ROOT / "notebooks" / "01-first-message.ipynb"


def failure(kernel, source):
    cell = nbformat.v4.new_code_cell(source)
    with pytest.raises(CellExecutionError) as caught:
        kernel.run(0, cell)
    [shown] = [output for output in cell.outputs if output.output_type == "error"]
    assert shown.evalue in str(caught.value)
    return shown


def test_a_name_that_an_earlier_cell_makes_leads_to_advice():
    with kernel_of(FIRST) as (kernel, _):
        kernel.run(0, nbformat.v4.new_code_cell("from mqttkit import Lab"))
        shown = failure(kernel, "alice.publish('home/x', '1')")
        assert shown.ename == "NameError"
        assert shown.evalue.startswith("name 'alice' is not defined. A cell above makes it")
        assert "Run All Above" in "".join(shown.traceback)
        kernel.run(0, nbformat.v4.new_code_cell("alice = 1"))
        kernel.run(0, nbformat.v4.new_code_cell("assert alice == 1"))


def test_other_errors_stay_as_they_are_or_get_advice_of_their_own():
    with kernel_of(FIRST) as (kernel, _):
        kernel.run(0, nbformat.v4.new_code_cell("import mqttkit"))
        assert failure(kernel, "1 / 0").evalue == "division by zero"
        own = failure(kernel, "total = 0\ndef add():\n    total += 1\nadd()")
        assert (own.ename, "cell above" in own.evalue) == ("UnboundLocalError", False)
        assert "begin the function with: global total" in own.evalue


def test_a_lab_that_was_closed_at_the_end_of_the_lesson_says_so():
    with kernel_of(FIRST) as (kernel, _):
        kernel.run(
            0, nbformat.v4.new_code_cell("from mqttkit import Lab\nlab = Lab()\nbob = lab.client('bob')\nlab.close()")
        )
        assert "lab = Lab()" in failure(kernel, "lab.client('bob')").evalue
        assert "connect()" in failure(kernel, "bob.publish('a', 'b')").evalue
        assert "lab = Lab()" in failure(kernel, "with lab.record() as story:\n    pass").evalue
