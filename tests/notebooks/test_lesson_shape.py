"""Every lesson has the same shape: short text, short cells, predictions, a quiz, living links."""

from __future__ import annotations

import ast
import builtins
import re
from itertools import groupby
from urllib.parse import unquote

import nbformat
import pytest

from support.notebooks import ROOT

PATHS = sorted((ROOT / "notebooks").glob("[01][0-9]-*.ipynb"))
CELLS = {path.stem: nbformat.read(path, as_version=4).cells for path in PATHS}
LESSONS = [name for name in CELLS if not name.startswith("00")]

WORDS_BETWEEN_CODE = 120
LINES_OF_CODE = 15
IGNORED_OUTPUTS = 2
LINE = 92  # characters
BYTES = 300_000
HEADINGS = ("Change it", "Check yourself", "Take away")
VISIBLE_WITHIN = 3  # cells

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?P<text>[^]]*)\]\((?P<target>[^)\s]+)\)")
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
MACHINE = re.compile(r"/(Users|root|tmp|work|private|var)/\w|site-packages|[A-Z]:\\\\?Users|127\.0\.0\.1:[1-9]")

every_notebook = pytest.mark.parametrize("name", list(CELLS))
every_lesson = pytest.mark.parametrize("name", LESSONS)


def code(name):
    return [cell for cell in CELLS[name] if cell.cell_type == "code"]


def prose(name):
    return "\n\n".join(COMMENT.sub("", cell.source) for cell in CELLS[name] if cell.cell_type == "markdown")


def words(text):
    """What is read aloud: no comments, no addresses, no rules of tables."""
    read = LINK.sub(lambda found: found["text"], COMMENT.sub("", text))
    return [word for word in read.split() if re.search(r"\w", word)]


def glossary():
    """The rows: (words, links)."""
    text = (ROOT / "notebooks" / "glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+?) \| .+? \| (\[.+?) \|$", text, re.MULTILINE)
    return [([word.strip(" `").lower() for word in words.split(",")], links) for words, links in rows]


def test_all_lessons_of_the_course_are_there():
    assert [name[:2] for name in CELLS] == [f"{number:02d}" for number in range(13)]


@every_notebook
def test_no_more_than_120_words_stand_between_two_code_cells(name):
    for is_text, run in groupby(CELLS[name], key=lambda cell: cell.cell_type == "markdown"):
        if is_text:
            text = "\n".join(cell.source for cell in run)
            # The map in lesson 0 and the take-away at the end are lists to look things up in.
            if not name.startswith("00") and "## Take away" not in text:
                assert len(words(text)) <= WORDS_BETWEEN_CODE, f"{len(words(text))} words:\n{text[:300]}"


@every_notebook
def test_a_code_cell_has_at_most_15_lines(name):
    for cell in code(name):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= LINES_OF_CODE, f"{len(lines)} lines:\n{cell.source}"


@every_notebook
def test_every_code_cell_has_been_run_from_top_to_bottom_without_an_error(name):
    assert [cell.execution_count for cell in code(name)] == list(range(1, len(code(name)) + 1))
    failed = [output for cell in code(name) for output in cell.outputs if output.output_type == "error"]
    assert failed == []


@every_lesson
def test_it_begins_with_number_minutes_and_goals_and_shows_something_at_once(name):
    first = CELLS[name][0].source
    assert re.match(rf"# {int(name[:2])} · \w", first)
    assert re.search(r"\d+ minutes", first)
    assert 3 <= len(re.findall(r"^- ", first, re.MULTILINE)) <= 5, "three to five goals"
    assert any(cell.cell_type == "code" and cell.outputs for cell in CELLS[name][:VISIBLE_WITHIN])


@every_lesson
def test_at_least_two_predictions_are_compared_with_what_was_measured(name):
    sources = [cell.source for cell in code(name)]
    asked = [
        found[1] for source in sources for found in re.finditer(r'\b(?:predict|match_grid)\(\s*"([\w-]+)"', source)
    ]
    assert len(asked) >= 2, asked
    assert len(set(asked)) == len(asked), asked
    answers = dict(re.findall(r'^\s*reveal\("([\w-]+)", (.+)\)', "\n".join(sources), re.MULTILINE))
    grids = sum(".reveal(" in source for source in sources)
    missing = [key for key in asked if key not in answers]
    assert len(missing) <= grids, f"asked and never compared: {missing}"
    typed = [key for key, answer in answers.items() if re.fullmatch(r'"[^"]*"|\d+|True|False', answer)]
    assert typed == [], "the measured answer is computed, not typed"


@every_lesson
def test_a_quiz_explains_every_wrong_answer(name):
    quizzes = [cell.source for cell in code(name) if "Quiz(" in cell.source]
    assert quizzes
    for quiz in quizzes:
        answers = re.findall(r'^\s{8}"[^"]*": ?(.+),$', quiz, re.MULTILINE)
        assert "True" in answers
        assert all(answer == "True" or len(answer) > 20 for answer in answers)


@every_lesson
def test_it_has_the_headings_that_a_learner_looks_for(name):
    there = re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)
    assert [heading for heading in HEADINGS if heading not in there] == []


@every_lesson
def test_it_ends_with_links_to_the_next_lesson_and_an_exercise(name):
    targets = [found["target"] for found in LINK.finditer(CELLS[name][-1].source)]
    number = int(name[:2])
    following = [other for other in CELLS if other.startswith(f"{number + 1:02d}")]
    assert all(f"{other}.ipynb" in targets for other in following)
    assert number == 1 or any(target.startswith("../exercises/") for target in targets)


@every_notebook
def test_every_link_leads_to_a_file_that_is_there(name):
    for found in LINK.finditer(prose(name)):
        target = unquote(found["target"].partition("#")[0])
        if "://" in target or not target:
            continue
        assert (ROOT / "notebooks" / target).resolve().exists(), target


@every_notebook
def test_pictures_have_a_text_for_those_who_do_not_see_them(name):
    assert re.findall(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")", prose(name)) == []


@every_notebook
def test_it_is_small_and_knows_no_machine(name):
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8")
    assert len(text.encode()) <= BYTES
    shown = "\n".join(cell.source + str(cell.get("outputs", "")) for cell in CELLS[name])
    assert (found := MACHINE.search(shown)) is None, shown[max(0, found.start() - 60) : found.end() + 60]


@every_notebook
def test_at_most_two_outputs_are_ignored_and_each_says_why(name):
    """The mark and the reason are metadata: they are for maintainers, not for learners."""
    loose = [cell for cell in code(name) if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    assert len(loose) <= IGNORED_OUTPUTS
    assert all(len(cell.metadata["mqttkit"]["output differs"].split()) > 2 for cell in loose)
    assert [cell.source for cell in code(name) if "NBVAL" in cell.source] == []


@every_notebook
def test_a_question_is_folded_so_that_its_code_does_not_tell_the_answer(name):
    for cell in code(name):
        asks = re.search(r"^(grid = )?(predict|Quiz|match_grid)\(", cell.source, re.MULTILINE)
        assert bool(asks) == cell.source.startswith("# A question: run this cell"), cell.source
        assert bool(asks) == cell.metadata.get("jupyter", {}).get("source_hidden", False), cell.source


@every_lesson
def test_every_wrong_prediction_gets_an_explanation(name):
    for cell in code(name):
        if re.search(r"^predict\(", cell.source, re.MULTILINE):
            options = ast.literal_eval(re.search(r"^    (\{$.+^    \}),$", cell.source, re.MULTILINE | re.DOTALL)[1])
            assert sum(not why for why in options.values()) <= 1, cell.source


@every_notebook
def test_no_line_of_code_is_cut_off_at_the_right_edge(name):
    """A laptop's screen, 1280 pixels wide, with the list of files open, shows about so many characters."""
    shown = [cell for cell in code(name) if not cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert [line for cell in shown for line in cell.source.splitlines() if len(line) > LINE] == []


@every_notebook
def test_no_name_hides_one_that_python_or_ipython_already_has(name):
    """A cell that is run too early would find the other one, and speak of "function" in place of giving advice."""
    trees = [ast.parse(cell.source) for cell in code(name)]
    made = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name) and _is_made(node)}
    assert made & {*dir(builtins), "display", "In", "Out", "exit", "quit"} == set()


def _is_made(node):
    return isinstance(node.ctx, ast.Store)


@every_lesson
def test_each_word_that_is_introduced_in_bold_is_in_the_glossary(name):
    """Bold is kept for three things.

    A new word (up to three words, small or all capitals), a sentence to remember (it ends in a full stop, a question mark
    or a quotation), and what is on a key or a button (begins with one capital). Stress is set in italics.
    """
    known = {word for words, _ in glossary() for word in words}
    for bold in BOLD.findall(prose(name)):
        word = " ".join(bold.strip("`,;:").split())
        if len(word.split()) > 3 or word[-1] in '.?"”' or not (word[0].islower() or word.split()[0].isupper()):
            continue
        forms = {word.lower(), word.lower().rstrip("s"), word.lower() + "s"}
        assert forms & known, f"**{word}** is not in glossary.md; for stress use *{word}*"


def test_the_glossary_is_sorted_and_its_links_lead_to_lessons():
    rows = glossary()
    firsts = [words[0].strip("$") for words, _ in rows]
    assert len(firsts) > 40
    assert firsts == sorted(firsts)
    targets = {found["target"] for _, links in rows for found in LINK.finditer(links)}
    assert targets <= {path.name for path in PATHS}
