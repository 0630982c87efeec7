"""The Bokeh figure of a live chart, without its data."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bokeh
from bokeh.embed import json_item
from bokeh.models import BoxAnnotation, ColumnDataSource, DatetimeTickFormatter, HoverTool, Label, Span
from bokeh.plotting import figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION: str = bokeh.__version__
# Seen on white and on black (contrast at least 3 : 1); the dashes tell them apart without colour.
_COLOURS = ["#2b7fc3", "#d2691e", "#2a8f57", "#a35fc0", "#d0475a", "#8a7a1f"]
_DASHES: list[list[int]] = [[], [6], [2, 4], [2, 4, 6, 4], [6, 4, 2, 4], [2, 2]]
_ALARM = "#d0475a"
# The time of day at each mark; Bokeh would write "500ms" and the rest of the time below some of them.
_CLOCK: dict[str, Any] = {
    "microseconds": "%S.%f",
    "milliseconds": "%H:%M:%S.%3N",
    "seconds": "%H:%M:%S",
    "minsec": "%H:%M:%S",
    "minutes": "%H:%M",
    "hourmin": "%H:%M",
    "hours": "%H:%M",
    "days": "%d %b",
    "context": None,
}


@functools.lru_cache(1)
def library() -> bytes:
    """BokehJS as the bokeh package ships it, compressed: about 350 kB that a page gets once, without a CDN."""
    script = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    return gzip.compress(script.read_bytes(), 6, mtime=0)


def make_figure(
    names: Sequence[str],
    *,
    title: str,
    unit: str,
    band: tuple[float | None, float | None],
    thresholds: Mapping[str, float],
    height: int,
) -> dict[str, Any]:
    """The figure as JSON that BokehJS draws; its data sources are called "mqttkit-0" and so on, by the number of the series.

    It has no legend: the table below it names the lines, hides none of them, and can be used with the keyboard.
    """
    plot = figure(
        title=title or None,
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        tools="pan,wheel_zoom,box_zoom,reset,save",
        active_scroll=None,
    )
    plot.yaxis.axis_label = unit or None
    plot.xaxis.formatter = DatetimeTickFormatter(**_CLOCK)
    lines = [_add_line(plot, name, number) for number, name in enumerate(names)]
    # Without labels: those of Bokeh are too pale to read.
    hover = HoverTool(renderers=lines, tooltips=[("", "$name"), ("", "@x{%H:%M:%S}"), ("", f"@y{{0.[00]}} {unit}")])
    hover.formatters = {"@x": "datetime"}
    plot.add_tools(hover)
    _add_band(plot, *band)
    for name, value in thresholds.items():
        _add_threshold(plot, name, value)
    plot.toolbar.logo = None
    plot.grid.grid_line_alpha = 0.5
    return dict(json_item(plot))


def _add_line(plot: Any, name: str, number: int) -> Any:
    source = ColumnDataSource({"x": [], "y": []}, name=f"mqttkit-{number}")
    colour, dash = look(number)
    return plot.line("x", "y", source=source, name=name, color=colour, line_width=2, line_dash=dash)


def look(number: int) -> tuple[str, list[int]]:
    """Colour and dashes of the series with this number."""
    return _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]


def _add_band(plot: Any, low: float | None, high: float | None) -> None:
    """Shade what is below `low` and above `high`: there it is an alarm."""
    for edges in ({"top": low}, {"bottom": high}):
        if next(iter(edges.values())) is not None:
            plot.add_layout(
                BoxAnnotation(**edges, fill_color=_ALARM, fill_alpha=0.15, line_color=_ALARM, line_alpha=0.6)
            )


def _add_threshold(plot: Any, name: str, value: float) -> None:
    plot.add_layout(Span(location=value, dimension="width", line_color=_ALARM, line_dash="dashed", line_width=1.5))
    plot.add_layout(Label(x=6, y=value, x_units="screen", text=name, text_font_size="11px", text_baseline="bottom"))
