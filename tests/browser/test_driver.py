"""The driver sees what a person sees, and what went wrong behind the page."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def test_cells_run_and_their_output_is_on_the_page(page_of):
    page = page_of("md:# Title", "print('answer', 6 * 7)", "x = 5")
    page.run_all()
    assert page.output(1).inner_text().strip() == "answer 42"
    assert page.execute("print(x)") == "5\n"
    page.reload()
    assert page.execute("print(x)") == "5\n"  # the kernel went on
    page.assert_clean()


def test_both_themes_are_photographed(page_of, tmp_path):
    page = page_of("print('hello')")
    page.run_all()
    paths = page.screenshot("hello", folder=tmp_path)
    assert sorted(path.name for path in paths) == ["hello-dark.png", "hello-light.png"]
    assert paths[0].read_bytes() != paths[1].read_bytes()


def test_errors_in_the_console_are_seen(page_of):
    page = page_of("")
    page.page.evaluate("console.error('broken')")
    with pytest.raises(AssertionError, match="the console shows"):
        page.assert_clean()


def test_requests_to_another_host_are_seen(page_of):
    page = page_of("")
    page.page.evaluate("fetch('http://192.0.2.1/x.js', {signal: AbortSignal.timeout(1)}).catch(() => {})")
    with pytest.raises(AssertionError, match="other hosts"):
        page.assert_clean()


def test_what_keeps_people_out_is_seen(page_of):
    page = page_of("from IPython.display import HTML\nHTML('<button></button><p style=\"color:#eee\">pale</p>')")
    page.run_all()
    found = "\n".join(page.serious_violations(page.output(0)))
    assert "button-name" in found
    assert "color-contrast" in found
