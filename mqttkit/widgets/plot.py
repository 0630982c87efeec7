"""A still line chart: one inline SVG with a text twin, for a notebook that is read without a kernel.

Bokeh needs a running page; this picture is there on GitHub, in a print and for nbval too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from mqttkit.errors import InvalidArgument
from mqttkit.widgets.arguments import check_list, check_number

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 28, 36
_BARS = "▁▂▃▄▅▆▇█"
_TICKS = 4

Point = tuple[float, float]


class Plot:
    """Points joined by a line.

    Args:
        points: (x, y) pairs in order of x.
        title: above the picture.
        x: what the horizontal axis shows, with its unit.
        y: the same of the vertical axis.
    """

    def __init__(self, points: Sequence[Point], *, title: str = "", x: str = "", y: str = "") -> None:
        self.points = [_point(one) for one in check_list("points", points)]
        if not self.points:
            raise InvalidArgument("There is nothing to draw: the list of points is empty.")
        self.title, self.x, self.y = title, x, y

    def __repr__(self) -> str:
        low, high = _ends([up for _, up in self.points])
        bars = "".join(_BARS[round((up - low) / (high - low) * (len(_BARS) - 1))] for _, up in self.points)
        return f"{self.title}\n{bars}\n{self._summary()}"

    def _summary(self) -> str:
        across, up = zip(*self.points, strict=True)
        return f"{len(up)} values over {self.x or 'x'} {min(across):g} to {max(across):g}: {min(up):g} to {max(up):g} {self.y}".rstrip()

    def _repr_html_(self) -> str:
        words = escape(f"{self.title}: {self._summary()}")
        return (
            f'<svg role="img" aria-label="{words}" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
            f'style="max-width:100%;color:var(--jp-ui-font-color1,currentColor)" font-family="sans-serif" font-size="12">'
            f"<title>{words}</title>{self._axes()}{self._line()}</svg>"
        )

    def _axes(self) -> str:
        ticks_x, ticks_y = _ticks([p[0] for p in self.points]), _ticks([p[1] for p in self.points])
        across = "".join(_text(self._at(t, None)[0], _HEIGHT - 18, f"{t:g}", "middle") for t in ticks_x)
        up = "".join(self._rule(t) for t in ticks_y)
        return (
            _text(_LEFT, 16, self.title, "start", bold=True)
            + up
            + across
            + _text(_WIDTH - _RIGHT, _HEIGHT - 4, self.x, "end")
            + _text(_LEFT - 6, _TOP - 10, self.y, "end")
        )

    def _rule(self, value: float) -> str:
        height = self._at(None, value)[1]
        line = f'<path d="M{_LEFT} {height:.1f}H{_WIDTH - _RIGHT}" stroke="currentColor" stroke-opacity=".2"/>'
        return line + _text(_LEFT - 6, height + 4, f"{value:g}", "end")

    def _line(self) -> str:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self._at(*point) for point in self.points))
        return f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/>'

    def _at(self, across: float | None, up: float | None) -> Point:
        """Where a value lies in the picture."""
        left, right = _ends([p[0] for p in self.points])
        low, high = _ends([p[1] for p in self.points])
        x = _LEFT + ((left if across is None else across) - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - ((low if up is None else up) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return x, y


def _point(pair: Any) -> Point:
    if isinstance(pair, (str, bytes)) or not isinstance(pair, Sequence) or len(pair) != 2:  # noqa: PLR2004 - a pair
        raise InvalidArgument(f"A point is a pair (x, y) of numbers, not {pair!r}.")
    return float(check_number("x", pair[0])), float(check_number("y", pair[1]))


def _ends(values: Sequence[float]) -> Point:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _ticks(values: Sequence[float]) -> list[float]:
    """About four round numbers between the ends of `values`."""
    low, high = _ends(values)
    rough = (high - low) / _TICKS
    exponent = math.floor(math.log10(rough))
    power = 10.0**exponent
    step = next((power * factor for factor in (1, 2, 5) if power * factor >= rough), 10 * power)
    digits = max(6, 2 - exponent)
    first = -(-low // step)
    return [round((first + n) * step, digits) for n in range(int((high - first * step) // step) + 1)]


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor"{weight}>{escape(words)}</text>'
