"""A story as a picture. No I/O."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mqttkit.trace.text import as_text

if TYPE_CHECKING:
    from mqttkit.trace.story import Story


def as_html(story: Story, *, dropped: int = 0) -> str:
    """The ladder as HTML."""
    return f"<pre>{html.escape(as_text(story, dropped=dropped))}</pre>"
