"""A grid of topic filters and topic names: which filter matches which name? Predicted first, then measured."""

from __future__ import annotations

import html
import weakref
from typing import TYPE_CHECKING, Any

from mqttkit import progress
from mqttkit.errors import InvalidArgument
from mqttkit.topics import check_topic_filter, check_topic_name, explain
from mqttkit.widgets.arguments import check_list, check_mapping
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class MatchGrid(KitWidget):
    """The grid a learner fills in; `reveal` sets what was measured beside it.

    Args:
        name: under which the answer is remembered.
        filters: topic filters, one row each.
        topics: topic names, one column each.
    """

    _esm = module("grid.js")
    _css = style("question.css")
    title = "Predict the match"
    actions = ("answer",)

    def __init__(self, name: str, filters: Sequence[str], topics: Sequence[str]) -> None:
        self.name = progress.check_name(name)
        self.filters = [check_topic_filter(one) for one in check_list("filters", filters)]
        self.topics = [check_topic_name(one) for one in check_list("topics", topics)]
        self.measured: dict[str, set[str]] | None = None
        self.given: set[tuple[str, str]] | None = None
        self.followers: weakref.WeakSet[GridReveal] = weakref.WeakSet()
        earlier = progress.load("answers", name) or {}
        if "pairs" in earlier:
            self.given = self._known(earlier["pairs"])
        super().__init__()

    def _known(self, pairs: Iterable[Any]) -> set[tuple[str, str]]:
        """Those of `pairs` that are in this grid."""
        wanted = {tuple(pair) for pair in pairs}
        return {(row, column) for row in self.filters for column in self.topics if (row, column) in wanted}

    def answer(self, pairs: list[list[str]]) -> None:
        """Say which pairs [filter, topic name] match, as a click does, and remember it."""
        with self.lock:
            self.given = self._known(pairs)
        self._remember()
        self.touch()
        for shown in list(self.followers):
            shown.touch()

    def reveal(self, measured: Mapping[str, Iterable[str]]) -> GridReveal:
        """Compare with what was measured: for each filter the topic names whose messages arrived.

        Raises:
            InvalidArgument: a filter of the grid was not measured.
        """
        check_mapping("What was measured", measured, "{filter: topics that arrived}", empty=True)
        missing = [row for row in self.filters if row not in measured]
        if missing:
            raise InvalidArgument(
                f"Nothing was measured for {', '.join(missing)}. Give {{filter: topics that arrived}}."
            )
        with self.lock:
            self.measured = {row: set(measured[row]) for row in self.filters}
        self._remember()
        self.touch()
        shown = GridReveal(self)
        self.followers.add(shown)
        return shown

    def wrong(self) -> list[tuple[str, str]]:
        """The pairs that were predicted otherwise than measured, row by row; empty while either is missing."""
        if self.measured is None or self.given is None:
            return []
        pairs = ((row, column) for row in self.filters for column in self.topics)
        return [pair for pair in pairs if (pair in self.given) != (pair[1] in self.measured[pair[0]])]

    def _remember(self) -> None:
        if self.given is None:
            return
        right = None if self.measured is None else not self.wrong()
        content = {"given": "grid", "pairs": sorted(map(list, self.given)), "right": right}
        progress.record("answers", self.name, content)

    def state(self) -> News:
        measured = self.measured
        verdict = (
            ""
            if self.given is None
            else "Noted. Go on to the next cell with Shift + Enter, and see."
            if measured is None
            else "Compared below."
        )
        return News(
            {
                "filters": self.filters,
                "topics": self.topics,
                "given": None if self.given is None else sorted(map(list, self.given)),
                "measured": None if measured is None else {row: sorted(found) for row, found in measured.items()},
                "verdict": verdict,
            }
        )

    def text(self) -> str:
        return table(self.filters, self.topics, None)

    def html(self) -> str:
        return html_table(self.filters, self.topics, None)


class GridReveal(KitWidget):
    """The measured grid, what was predicted otherwise, and why the rule says so."""

    _esm = module("grid.js")
    _css = style("question.css")
    title = "Measured"

    def __init__(self, grid: MatchGrid) -> None:
        self.grid = grid
        super().__init__()

    def state(self) -> News:
        content = self.grid.state().content | {"verdict": self.verdict(), "reasons": self.reasons()}
        return News(content | {"final": True})

    def verdict(self) -> str:
        """One sentence about the whole grid."""
        if self.grid.given is None:
            return "You made no prediction this time; this is what was measured."
        wrong, all_pairs = len(self.grid.wrong()), len(self.grid.filters) * len(self.grid.topics)
        return (
            f"All {all_pairs} of your answers are right."
            if not wrong
            else f"{all_pairs - wrong} of your {all_pairs} answers are right."
        )

    def reasons(self) -> list[str]:
        """Why it is so, for each pair that was predicted otherwise."""
        return [explain(row, column) for row, column in self.grid.wrong()]

    def text(self) -> str:
        return table(self.grid.filters, self.grid.topics, self.grid.measured)

    def html(self) -> str:
        return html_table(self.grid.filters, self.grid.topics, self.grid.measured)


def match_grid(name: str, filters: Sequence[str], topics: Sequence[str]) -> MatchGrid:
    """Ask which of `filters` match which of `topics`; `.reveal({filter: topics that arrived})` compares."""
    return MatchGrid(name, filters, topics)


def _cell(measured: Mapping[str, set[str]] | None, row: str, column: str) -> str:
    return "?" if measured is None else "yes" if column in measured[row] else "no"


def table(filters: Sequence[str], topics: Sequence[str], measured: Mapping[str, set[str]] | None) -> str:
    """The grid as text: filters down, topic names across."""
    first = max(len(row) for row in ["filter", *filters])
    lines = ["  ".join(["filter".ljust(first), *topics])]
    for row in filters:
        cells = [_cell(measured, row, column).ljust(len(column)) for column in topics]
        lines.append("  ".join([row.ljust(first), *cells]).rstrip())
    return "\n".join(lines)


def html_table(filters: Sequence[str], topics: Sequence[str], measured: Mapping[str, set[str]] | None) -> str:
    """The grid as an HTML table."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in topics)
    rows = [
        f"<tr><th><code>{html.escape(row)}</code></th>"
        + "".join(f"<td>{_cell(measured, row, column)}</td>" for column in topics)
        + "</tr>"
        for row in filters
    ]
    return f"<table><thead><tr><th>filter</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
