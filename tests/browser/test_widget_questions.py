"""Predictions, a quiz, a grid and the map of the course, as a learner answers them."""

import pytest

from support.themes import serious

pytestmark = pytest.mark.browser

CELLS = [
    """
from mqttkit import Progress, Quiz, match_grid, predict, reveal
predict("copies", "The PUBACK gets lost. How many copies does Alice get?", {"0": "Nothing is lost here.", "1": "It is sent again.", "2": "?"})
""",
    "reveal('copies', 2, because='QoS 1 means at least once.')",
    "Quiz('meter', 'A water meter, once a day: which QoS?', {'0': 'A whole day is missing.', '1': True, '2': 'You pay for nothing.'})",
    "grid = match_grid('wild', ['home/+', 'home/#'], ['home', 'home/kitchen'])\ngrid",
    "grid.reveal({'home/+': ['home/kitchen'], 'home/#': ['home', 'home/kitchen']})",
    "Quiz('port', 'Which port has MQTT over TLS?', answer=8883)",
    "Progress()",
]


def test_a_learner_answers(page_of):
    page = page_of(*CELLS, height=2600)
    page.run_cell(0)
    asked = page.output(0)
    asked.get_by_role("button", name="Answer").click()
    asked.get_by_text("Choose an answer first.").wait_for()
    asked.get_by_role("radio", name="1").press("Space")  # the keyboard alone
    asked.get_by_role("radio", name="1").press("Enter")
    asked.get_by_text("Noted. Go on to the next cell with Shift + Enter, and see.").wait_for()

    page.run_cell(1)
    page.output(1).get_by_text("You predicted “1”. It was “2”. It is sent again.").wait_for()
    page.output(1).get_by_text("QoS 1 means at least once.").wait_for()
    assert asked.locator("label[data-right='measured']").inner_text() == "2"
    assert asked.locator("label[data-right='false']").inner_text() == "1"
    assert serious(page, page.output(1)) == []

    for cell in (2, 3, 5):
        page.run_cell(cell)
    quiz = page.output(2)
    quiz.get_by_role("radio", name="0").check()
    quiz.get_by_role("button", name="Answer").click()
    quiz.get_by_text("Not quite. A whole day is missing.").wait_for()
    page.screenshot("quiz", quiz)
    assert serious(page, quiz) == []
    assert quiz.get_by_role("button", name="Answered").is_visible()
    quiz.get_by_role("radio", name="1").check()
    quiz.get_by_role("button", name="Change my answer").click()
    quiz.get_by_text("Right.").wait_for()
    assert asked.get_by_role("radio", name="1").is_checked()  # another question has its own group of buttons

    grid = page.output(3)
    grid.get_by_role("checkbox", name="home/+ matches home/kitchen", exact=True).check()
    grid.get_by_role("checkbox", name="home/# matches home/kitchen", exact=True).check()
    grid.get_by_role("button", name="Answer").click()
    grid.get_by_text("Noted").wait_for()
    page.run_cell(4)
    page.output(4).get_by_text("3 of your 4 answers are right.").wait_for()
    page.screenshot("grid", page.output(4))
    assert serious(page, grid) == []
    assert serious(page, page.output(4)) == []

    page.output(5).get_by_role("textbox").fill("8883")
    page.output(5).get_by_role("textbox").press("Enter")
    page.output(5).get_by_text("Right.").wait_for()
    page.screenshot("predict", asked)
    assert (serious(page, asked), asked.get_by_role("radio", name="1").is_checked()) == ([], True)  # in either theme

    page.run_cell(6)
    page.output(6).get_by_text("Quality of service").wait_for()
    page.screenshot("progress", page.output(6))
    assert serious(page, page.output(6)) == []

    # remembered when the notebook is opened again
    page.reload()
    page.run_cell(0)
    page.output(0).get_by_text("Noted. Go on to the next cell with Shift + Enter, and see.").wait_for()
    assert page.output(0).get_by_role("radio", name="1").is_checked()
    page.assert_clean()


ASKED = [
    "from mqttkit import Quiz, match_grid, predict\npredict('go-on', 'How many?', ['1', '2'])",
    "Quiz('go-on-typed', 'Which port?', answer=8883)",
    "match_grid('go-on-grid', ['home/+'], ['home'])",
]


def test_after_an_answer_shift_enter_goes_on(page_of):
    """With mouse and keyboard as a learner has them: the answer is clicked, and the keys go to whatever has the focus."""
    page = page_of(*(cell for asked in ASKED for cell in (asked, "print('went on')")), height=1500)
    for index in range(0, 2 * len(ASKED), 2):
        page.run_cell(index)
        asked = page.output(index)
        asked.locator("input").first.wait_for()
        for choice in asked.get_by_role("radio").all()[:1] + asked.get_by_role("checkbox").all()[:1]:
            choice.check()
        for line in asked.get_by_role("textbox").all():
            line.fill("8883")
        asked.get_by_role("button", name="Answer", exact=True).click()
        asked.get_by_role("button", name="Answered").wait_for()
        page.page.keyboard.press("Shift+Enter")  # the question itself, again
        active = "(index) => window.jupyterapp.shell.currentWidget.content.activeCellIndex === index"
        page.page.wait_for_function(active, arg=index + 1)
        page.page.keyboard.press("Shift+Enter")
        page.output(index + 1).get_by_text("went on").wait_for()
    assert page.errors() == []
