"""The command line: `mqttkit lab`, `mqttkit doctor` and the others."""

from mqttkit.cli.main import main

__all__ = ["main"]
