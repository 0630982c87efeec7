"""Where other programs are: on PATH, and in the usual places that a notebook's PATH often lacks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Programs that installers put where PATH does not lead: Debian's mosquitto, Homebrew's, and those of Windows and macOS.
_PROGRAM_FILES = [Path(os.environ[name]) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)") if name in os.environ]
_ELSEWHERE: tuple[Path, ...] = (
    Path("/usr/sbin"),
    Path("/usr/local/sbin"),
    Path("/opt/homebrew/sbin"),
    Path("/opt/homebrew/bin"),
    Path("/Applications/Chromium.app/Contents/MacOS"),
    Path("/Applications/Google Chrome.app/Contents/MacOS"),
    Path("/Applications/Wireshark.app/Contents/MacOS"),
    *(base / folder for base in _PROGRAM_FILES for folder in ("mosquitto", "Wireshark", r"Google\Chrome\Application")),
)


def find_program(command: str) -> Path | None:
    """Where the program `command` is, looked for on PATH and in the usual other places; None when nowhere."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *(str(place) for place in _ELSEWHERE)])
    found = shutil.which(command, path=path)
    return Path(found) if found else None
