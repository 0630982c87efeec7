"""What the doctor found, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from mqttkit.doctor.checks import Check, all_checks
from mqttkit.doctor.parts import PARTS, Part

_MARKS = {True: "ok", False: "not yet"}


class Parts(list[tuple[Part, bool]]):
    """The optional parts, each with whether it is installed; displays as a table."""

    def __init__(self) -> None:
        super().__init__((part, part.find() is not None) for part in PARTS)

    def __str__(self) -> str:
        width = max(len(part.name) for part, _ in self)
        lines = []
        for part, here in self:
            lines.append(f"  {'here' if here else '-':6}{part.name:{width}}  to {part.purpose}")
            if not here:
                lines.append(f"{'':{width + 10}}get it: {part.how_to_get()}")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        rows = [
            (part.name, "here" if here else f"not here. Get it: {part.how_to_get()}", part.purpose)
            for part, here in self
        ]
        head = ("optional part", "on this computer", "it is there to")
        return _table("Optional parts: the course works without them", head, rows)


@dataclass(frozen=True)
class Report:
    """What the doctor found.

    The display in a notebook names no version and no place, so it is the same on every computer that is ready.

    Attributes:
        checks: what the course needs.
        ready: True when every check is ok.
    """

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """True when the course will work here."""
        return all(check.ok for check in self.checks)

    @property
    def parts(self) -> Parts:
        """The optional programs: which are here, what each is for, how to get it."""
        return Parts()

    @property
    def verdict(self) -> str:
        """One sentence for the person in front of it."""
        return "This computer is ready." if self.ready else "This computer is not ready yet: see what to do above."

    def __str__(self) -> str:
        lines = []
        for check in self.checks:
            lines.append(f"{_MARKS[check.ok]:9}{check.text}")
            if check.advice:
                lines.append(f"{'':9}{check.advice}")
        return "\n".join([*lines, self.verdict])

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        rows = [(_MARKS[check.ok], check.text + (f". {check.advice}" if check.advice else "")) for check in self.checks]
        return _table(self.verdict.replace(" above", ""), ("result", "what was looked at"), rows)


def doctor() -> Report:
    """Look at this computer; about a second, for the broker is really started and used."""
    return Report(tuple(all_checks()))


def _table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{_cell(text)}</td>" for text in row) + "</tr>" for row in rows)
    titles = "".join(f'<th scope="col">{_cell(text)}</th>' for text in head)
    caption = f'<caption style="text-align:left;caption-side:top;color:inherit"><b>{escape(caption)}</b></caption>'
    return f"<table>{caption}<thead><tr>{titles}</tr></thead><tbody>{cells}</tbody></table>"


def _cell(text: str) -> str:
    return f'<div style="text-align:left">{escape(text)}</div>'
