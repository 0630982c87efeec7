"""LiveChart: numbers from topics as lines over time, drawn by Bokeh, offline."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import traitlets

from mqttkit.errors import InvalidArgument
from mqttkit.topics import matches
from mqttkit.widgets.arguments import check_mapping, check_number, check_options, check_place, check_text
from mqttkit.widgets.assets import module, style
from mqttkit.widgets.base import KitWidget, News, guarded
from mqttkit.widgets.feed import Feed, direct, is_closed, where
from mqttkit.widgets.figure import VERSION, library, look, make_figure
from mqttkit.widgets.readings import Series, Source, drawable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mqttkit.message import Message


class LiveChart(KitWidget):
    """A chart that grows with each message.

        LiveChart(lab, {"kitchen": "home/kitchen/climate#temperature", "outside": "garden/temperature"}, unit="°C", high=30)
        LiveChart("mqtt://test.example:1883", {"all": "home/+/temperature"})

    Args:
        place: a Lab, a Broker or a URL.
        series: name of each line and its topic filter; `#field.inner` after it is the path into a JSON payload.
        title: above the chart.
        unit: of the values, beside the axis.
        low: below this it is an alarm.
        high: above this it is an alarm.
        thresholds: more lines, by name.
        stale_after: seconds without a reading after which a sensor is marked as silent; None never does.
        keep: readings kept for each line.
        height: in pixels.
        options: for the client: username, password, tls, protocol.
    """

    _esm = module("chart.js")
    _css = style("chart.css")
    title = "Live chart"
    every = 0.1
    _feed: Feed | None = None
    _version = traitlets.Unicode(VERSION).tag(sync=True)

    def __init__(
        self,
        place: Any,
        series: Mapping[str, str],
        *,
        title: str = "",
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        stale_after: float | None = None,
        keep: int = 2000,
        height: int = 300,
        **options: Any,
    ) -> None:
        _check(series, thresholds or {}, low=low, high=high, stale_after=stale_after, keep=keep, height=height)
        check_options(options)
        self.sources = {name: Source.parse(text) for name, text in series.items()}
        self.series = {name: Series(keep) for name in series}
        self.unit, self.low, self.high, self.stale_after = unit, low, high, stale_after
        self.heading = title
        self.keep = keep
        self.unreadable = 0
        self._reason = ""
        self._was_stale: list[str] = []
        self._item = make_figure(
            list(series), title=title, unit=unit, band=(low, high), thresholds=thresholds or {}, height=height
        )
        self._place = check_place(place)
        self._where = where(place)
        self._options = options
        super().__init__()

    def begin(self) -> None:
        filters = sorted({source.topic_filter for source in self.sources.values()})
        take = guarded(self, self.take)
        self._feed = Feed(direct(self._place), "live-chart", filters, take, self.touch, **self._options)

    def take(self, message: Message) -> None:
        """A message has arrived: each series that wants it gets its number."""
        for name, source in self.sources.items():
            if source.topic_filter == message.topic or matches(source.topic_filter, message.topic):
                try:
                    self.add(name, source.value(message.payload))
                except InvalidArgument as error:
                    self._refuse(f"{message.topic}: {error}")

    def _refuse(self, reason: str) -> None:
        with self.lock:
            self.unreadable += 1
            self._reason = reason
        self.touch()

    def add(self, name: str, value: float) -> None:
        """Add a reading of one's own to the series `name`.

        Raises:
            InvalidArgument: there is no such series, or `value` cannot be drawn.
        """
        if name not in self.series:
            raise InvalidArgument(f"There is no series {name!r}. There are: {', '.join(self.series)}.")
        number = drawable(value)
        with self.lock:
            self.series[name].add(_local_milliseconds(), number, time.monotonic())
        self.touch()

    def _received(self, widget: Any, message: Any, buffers: Any) -> None:
        if message.get("type") == "library":
            self.send({"type": "library", "version": VERSION}, [library()])
        else:
            super()._received(widget, message, buffers)

    def status(self) -> list[dict[str, Any]]:
        """Of each series: its name, last value, and whether it is in alarm or silent."""
        now = time.monotonic()
        return [
            {**self._status(name, series, now), "look": look(number)}
            for number, (name, series) in enumerate(self.series.items())
        ]

    def _status(self, name: str, series: Series, now: float) -> dict[str, Any]:
        value = series.values[-1] if series.values else None
        silent = self.stale_after is not None and series.total > 0 and now - series.at > self.stale_after
        alarm = ""
        if value is not None and self.high is not None and value > self.high:
            alarm = f"above {self.high:g}"
        elif value is not None and self.low is not None and value < self.low:
            alarm = f"below {self.low:g}"
        return {
            "name": name,
            "value": value,
            "unit": self.unit,
            "total": series.total,
            "silent": silent,
            "alarm": alarm,
        }

    def _news(self, counts: Mapping[str, int], extra: dict[str, Any]) -> News:
        buffers = [part for name, series in self.series.items() for part in series.part(counts[name])]
        head = {
            "status": self.status(),
            "where": self._where,
            "connected": self._feed is not None and self._feed.connected,
            "keep": self.keep,
            "unreadable": self.unreadable,
            "reason": self._reason,
        }
        return News({**head, **extra}, buffers)

    def state(self) -> News:
        return self._news({name: len(series.times) for name, series in self.series.items()}, {"figure": self._item})

    def changes(self) -> News | None:
        return self._news({name: series.unsent for name, series in self.series.items()}, {})

    def beat(self) -> None:
        super().beat()
        silent = [one["name"] for one in self.status() if one["silent"]]
        if silent != self._was_stale:
            self._was_stale = silent
            self.touch()

    def is_over(self) -> bool:
        return is_closed(self._place) and self._feed is not None and not self._feed.connected

    def settle(self) -> None:
        if self._feed is not None:
            self._feed.settle()

    def text(self) -> str:
        with self.lock:
            lines = [self._line(one) for one in self.status()]
        return "\n".join([self.heading or "Live chart", *lines])

    def _line(self, one: dict[str, Any]) -> str:
        source = self.sources[one["name"]]
        path = f", field {'.'.join(source.path)}" if source.path else ""
        last = (
            "no reading yet"
            if one["value"] is None
            else f"{one['total']} readings, the last {one['value']:g} {self.unit}".rstrip()
        )
        return f"  {one['name']} ({source.topic_filter}{path}): {last}{' ' + one['alarm'] if one['alarm'] else ''}"

    def release(self) -> None:
        if self._feed is not None:
            self._feed.close()


def _check(series: Any, thresholds: Any, **numbers: Any) -> None:
    """Refuse what no chart can be made of, each in one sentence."""
    for name, topic in check_mapping("series", series, '{"kitchen": "home/kitchen/temperature"}').items():
        check_text("The name of a series", name)
        check_text(f"The topic filter of {name!r}", topic)
    for name, value in check_mapping("thresholds", thresholds, '{"comfort": 21}', empty=True).items():
        check_number(f"The threshold {check_text('The name of a threshold', name)!r}", value)
    for name, value in numbers.items():
        if value is not None:
            check_number(name, value, above=0 if name in ("stale_after", "keep", "height") else None)
    for name in ("keep", "height"):
        if not isinstance(numbers[name], int):
            raise InvalidArgument(f"{name} is a whole number, not {numbers[name]}.")
    low, high = numbers["low"], numbers["high"]
    if low is not None and high is not None and low >= high:
        raise InvalidArgument(f"low is less than high, not {low:g} and {high:g}.")


def _local_milliseconds() -> float:
    """Now, as Bokeh counts it: milliseconds of a clock on the wall, since its axes know no time zone."""
    now = datetime.now().astimezone()
    offset = now.utcoffset() or timedelta()
    return (now.timestamp() + offset.total_seconds()) * 1000
