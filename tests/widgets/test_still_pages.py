"""Every widget as nbconvert, GitHub and mail show it: no kernel, no script, nothing from elsewhere."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter

from support.gallery import every_widget, names

SAID = {
    "panel": ["Client panel: not connected"],
    "console": ["client id", "house", "home/kitchen/temperature"],
    "tree": ["kitchen", "temperature = 21.5", "retained"],
    "chart": ["kitchen (home/kitchen/temperature): 1 readings, the last 21.5 above 20"],
    "chat": ["Room “lobby”. Online: Ada", "You are in “lobby” as Ada."],
    "quiz": ["Check yourself: Which port?", "( ) 1883", "( ) 8883"],
    "prediction": ["Before you run it: How many?", "____"],
    "measured": ["Measured: 2"],
    "grid": ["home/+", "home/kitchen", "?"],
    "measured grid": ["home/+", "home/kitchen", "yes", "no"],
    "progress": ["Lessons", "1 · Your first message"],
    "ladder": ["house", "CONNECT", "PUBLISH", "home/kitchen/temperature"],
}


@pytest.fixture(scope="module")
def bundles():
    """What a notebook with all of them stores, by name."""
    made = {}
    exec(every_widget(), made)  # as its cell does
    yield {name: one._repr_mimebundle_()[0] for name, one in zip(names(), made["widgets"], strict=True)}
    for one in made["widgets"]:
        one.close()
    made["lab"].close()


@pytest.mark.parametrize("name", names())
def test_a_still_page_says_what_there_was_to_see(bundles, name):
    outputs = [nbformat.v4.new_output("display_data", data=bundles[name])]
    page, _ = HTMLExporter().from_notebook_node(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])
    )
    body = page[page.index("<main") :]
    assert "widget-view" not in body  # which only a script could show
    assert "<script" not in body.removesuffix(body[body.rindex("</main>") :])
    read = re.sub(r"<style.*?</style>|<[^>]+>", " ", body, flags=re.DOTALL)
    for words in SAID[name]:
        assert words in read
        assert words in bundles[name]["text/plain"]
    assert "run this cell" in read
    assert not re.search(r"0x[0-9a-f]{6,}|127\.0\.0\.1", read)
