"""Late work: what `--due` and `--late` mean. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from mqttkit.errors import GradingError

_HOURS = {"hour": 1, "day": 24, "week": 168}


@dataclass(frozen=True)
class Late:
    """Points lost for each begun period after `due`.

    Attributes:
        due: the moment from which work is late; None: nothing is late.
        share: part of the points lost in each begun period, 0 to 1.
        hours: length of a period.
    """

    due: datetime | None = None
    share: float = 0.0
    hours: int = 24

    def by(self, submitted: datetime | None) -> timedelta | None:
        """How late work is; None when it is not."""
        if self.due is None or submitted is None or submitted <= self.due:
            return None
        return submitted - self.due

    def penalty(self, score: float, submitted: datetime | None) -> float:
        """Points lost, at most `score`."""
        by = self.by(submitted)
        if by is None:
            return 0.0
        periods = math.ceil(by.total_seconds() / 3600 / self.hours)
        return round(min(score, score * self.share * periods), 4)


def told(late: list[tuple[str, timedelta]], everybody: int) -> list[str]:
    """Who is late, as lines for the terminal. File times are easily lost, so that they are the source is said each time."""
    if not late:
        return []
    verb = "is" if len(late) == 1 else "are"
    lines = [f"{len(late)} of {everybody} {verb} late, by the times of their files:"]
    lines += [f"  {student}: {_span(by)}" for student, by in sorted(late)]
    if len(late) == everybody > 1:
        lines.append("  Everybody? Perhaps the times of the files were lost when they were unpacked or downloaded.")
    return lines


def _span(by: timedelta) -> str:
    days, hours, minutes = by.days, by.seconds // 3600, by.seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{max(1, minutes)} min"


def read(due: str | None, late: str | None) -> Late:
    """The rule of `--due 2026-03-01T23:59 --late 10%/day`.

    Raises:
        GradingError: one of them cannot be read, or `--late` stands alone.
    """
    if late and not due:
        raise GradingError("--late needs --due: late after when?")
    moment = None
    try:
        moment = datetime.fromisoformat(due) if due else None
    except ValueError:
        raise GradingError(f"--due {due!r}: write it like 2026-03-01T23:59.") from None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*/\s*(hour|day|week)\s*", late or "0%/day")
    if match is None:
        raise GradingError(f"--late {late!r}: write it like 10%/day (or hour, week).")
    if float(match[1]) > 100:  # noqa: PLR2004 - percent
        raise GradingError(f"--late {late!r}: nobody can lose more than 100% of the points.")
    return Late(moment.astimezone() if moment else None, float(match[1]) / 100, _HOURS[match[2]])
