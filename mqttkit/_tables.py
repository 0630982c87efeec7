"""How the kit writes a table: in plain text, and in HTML where every cell is text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "(none)"  # in place of rows


def table_text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The columns' names and the rows below them, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (columns, *rows)]
    return "\n".join(lines if rows else [*lines, NOTHING])


def table_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as an HTML table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    empty = "" if rows else f'<tr><td colspan="{len(columns)}">{NOTHING}</td></tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{empty}</tbody></table>"
