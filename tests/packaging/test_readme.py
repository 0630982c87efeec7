"""What the README promises is true: its code is run, its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mqttkit.cli import commands

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_five_lines_show_what_the_readme_shows():
    (code,) = blocks("python")
    *statements, last = code.splitlines()
    assert len(statements) == 4
    names: dict[str, object] = {}
    exec("\n".join(statements), names)
    with names["lab"]:
        shown = eval(last, names)
        shown.settle()  # a cell is drawn when it has ended; here nothing has waited yet
        assert str(shown).rstrip() == blocks("text")[0].rstrip()


def test_there_are_exactly_two_set_up_commands():
    assert blocks("sh") == [
        "python -m pip install -e . && mqttkit lab\n",
        'python -m pip install -e ".[test]" && pytest\n',
    ]


def test_every_link_into_the_repository_leads_to_a_file():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert len(targets) > 15
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_lesson_is_listed():
    listed = set(re.findall(r"notebooks/(\d\d-[a-z-]+)\.ipynb\)", TEXT))
    assert {path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb")} <= listed


@pytest.mark.parametrize(
    "word", sorted(set(re.findall(r"(?<!from )mqttkit ([a-z]+)", "\n".join(re.findall(r"`+[^`]+`+", TEXT)))))
)
def test_every_command_exists(word):
    assert word in commands.names()


def test_the_binder_badge_opens_the_first_page():
    assert "urlpath=lab%2Ftree%2Fnotebooks%2F00-start-here.ipynb" in TEXT
