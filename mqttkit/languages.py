"""Run the clients of lesson 10 that are written in other languages, each as a process of its own.

```python
with Lab() as lab:
    print(run_client("php", lab))     # php received hello/python Hello from Python
```
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mqttkit.doctor.parts import part
from mqttkit.errors import InvalidArgument

if TYPE_CHECKING:
    from mqttkit.lab import Lab

_SECONDS = 20.0
_FILES = {
    "javascript": ("node", "javascript.mjs"),
    "shell": ("mosquitto_pub", "mosquitto.sh"),
    "php": ("php", "plain_socket.php"),
    "microcontroller": ("", "microcontroller.py"),  # runs on the Python that is here
}
LANGUAGES: tuple[str, ...] = tuple(_FILES)


@dataclass(frozen=True)
class Ran:
    """What came of running one client.

    Attributes:
        language: its name.
        ok: True when it ran and ended well.
        text: what it printed, or why it did not run and what to do.
    """

    language: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return self.text if self.ok else f"{self.language}: {self.text}"


def run_client(language: str, lab: Lab, folder: str | Path = "clients") -> Ran:
    """Run one of the programs in `folder` against `lab`, through its network, up to 20 s.

    Where its language is not installed nothing runs, and the result says what to install.

    Raises:
        InvalidArgument: no such language, or the folder does not hold its file.
    """
    if language not in _FILES:
        raise InvalidArgument(f"There is no client in {language!r}. There are: {', '.join(LANGUAGES)}.")
    needed, name = _FILES[language]
    file = Path(folder) / name
    if not file.is_file():
        raise InvalidArgument(
            f"{name} is not in the folder {Path(folder).name!r}. Run this in the folder of the lessons."
        )
    missing = _missing(language, needed)
    return Ran(language, ok=False, text=missing) if missing else _run(language, _command(language, file, lab))


def _missing(language: str, needed: str) -> str:
    """Why it cannot run here, "" when it can."""
    if needed and part(needed).find() is None:
        return f"not run: {needed} is not installed here. To get it: {part(needed).how_to_get()}"
    if language == "shell" and os.name == "nt":
        return "not run: Windows has no sh. The two commands in the file also work by hand."
    if language == "javascript" and _node_packages() is None:
        return "not run: its library is not fetched yet. To fetch it, once, in a terminal with internet: python -m mqttkit.classroom.cluster"
    return ""


def _node_packages() -> Path | None:
    from mqttkit.classroom.cluster.node import installed_root

    return installed_root()


def _command(language: str, file: Path, lab: Lab) -> list[str]:
    place = [lab.host, str(lab.port)]
    if language == "javascript":
        return [str(part("node").find()), str(file), lab.url]
    if language == "shell":
        return ["sh", str(file), *place]
    if language == "php":
        return [str(part("php").find()), str(file), *place]
    return [sys.executable, str(file), *place]


def _run(language: str, command: list[str]) -> Ran:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    if root := _node_packages():
        environment["NODE_ROOT"] = str(root)
    try:
        done = subprocess.run(  # noqa: S603 - our own file, run by a program found by the doctor
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            env=environment, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ran(
            language, ok=False, text=f"did not end within {_SECONDS:.0f} s. Does somebody answer on hello/python?"
        )
    if done.returncode:
        return Ran(language, ok=False, text=f"failed: {_last_line(done.stderr) or 'it said nothing'}")
    return Ran(language, ok=True, text=done.stdout.strip())


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
