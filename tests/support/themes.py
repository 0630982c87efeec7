"""Both themes of JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from support.browser import NotebookPage


def serious(page: NotebookPage, element: Locator) -> list[str]:
    """What axe-core finds serious or critical inside `element`, in the dark theme and in the light one."""
    found = []
    for theme in ("dark", "light"):
        page.theme(theme)
        found += [f"{theme}: {line}" for line in page.serious_violations(element)]
    return found
