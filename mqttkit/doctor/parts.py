"""The optional parts: programs that mqttkit uses where they are there, and does without where they are not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from mqttkit._programs import find_program


@dataclass(frozen=True, slots=True)
class Part:
    """One optional part.

    Attributes:
        name: what people call it.
        commands: names its program may have; the first one found is used.
        purpose: what mqttkit does with it, as the end of the sentence "It is there to ...".
        linux: Debian package, or "" where Linux has none.
        macos: Homebrew package (with options), or "".
        windows: winget package, or "".
    """

    name: str
    commands: tuple[str, ...]
    purpose: str
    linux: str = ""
    macos: str = ""
    windows: str = ""

    def find(self) -> Path | None:
        """Where its program is; None when it is not installed."""
        return next((found for command in self.commands if (found := find_program(command))), None)

    def how_to_get(self) -> str:
        """The command that installs it on this system, or a sentence saying that there is none."""
        installers = {
            "linux": (self.linux, "sudo apt install"),
            "darwin": (self.macos, "brew install"),
            "win32": (self.windows, "winget install"),
        }
        package, command = installers.get(sys.platform, (self.linux, "your package manager:"))
        return f"{command} {package}" if package else f"not available on {sys.platform}"


PARTS: tuple[Part, ...] = (
    Part(
        "mosquitto",
        ("mosquitto",),
        "run the lessons on a second broker (engine='mosquitto')",
        "mosquitto",
        "mosquitto",
        "EclipseFoundation.Mosquitto",
    ),
    Part(
        "mosquitto_pub",
        ("mosquitto_pub",),
        "publish and subscribe from a terminal, without Python (lesson 10)",
        "mosquitto-clients",
        "mosquitto",
        "EclipseFoundation.Mosquitto",
    ),
    Part(
        "chromium",
        ("chromium", "chromium-browser", "google-chrome", "chrome", "Chromium", "Google Chrome"),
        "test the widgets as a person sees them (tests only)",
        "chromium",
        "--cask chromium",
        "Google.Chrome",
    ),
    Part(
        "tshark",
        ("tshark",),
        "compare our reading of packets with Wireshark's; Wireshark opens a saved trace",
        "tshark",
        "wireshark",
        "WiresharkFoundation.Wireshark",
    ),
    Part(
        "bubblewrap",
        ("bwrap",),
        "shut a submission off from files and network while `mqttkit grade` runs it (Linux)",
        "bubblewrap",
    ),
    Part("node", ("node",), "run the client written in JavaScript (lesson 10)", "nodejs", "node", "OpenJS.NodeJS"),
    Part("npm", ("npm",), "fetch the JavaScript clients and brokers (lesson 10)", "npm", "node", "OpenJS.NodeJS"),
    Part("php", ("php",), "run the client written in PHP (lesson 10)", "php-cli", "php", "PHP.PHP"),
    Part("redis", ("redis-server",), "join two brokers to a cluster (lesson 10)", "redis-server", "redis"),
)


def part(name: str) -> Part:
    """The part called `name`. Raises KeyError for a name that is not in PARTS."""
    for candidate in PARTS:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no part {name!r}; there are: {', '.join(p.name for p in PARTS)}")
