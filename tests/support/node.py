"""Node for tests: the packages of the cluster, and a broker (aedes) of another make with a WebSocket listener."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

from mqttkit.classroom.cluster.node import HERE, node_root
from mqttkit.classroom.cluster.part import Part
from support.needs import need

PAGE = Path(__file__).parents[2] / "mqttkit" / "classroom" / "page"


def node_environment(**more: str) -> dict[str, str]:
    """Environment in which test scripts find the npm packages and the page's modules."""
    need("node")
    need("npm")
    return {**os.environ, "NODE_ROOT": str(node_root()), "PAGE": PAGE.as_uri(), **more}


@contextlib.contextmanager
def aedes():
    """A running aedes broker: its ports as {"port", "ws_port"}."""
    broker = Part([need("node"), str(HERE / "broker.js")], env=node_environment())
    try:
        yield json.loads(broker.line_with('{"id"', 20))
    finally:
        broker.end()


def run_node(
    script: Path, question: str = "", timeout: float = 40, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script with node to its end; `question` is its standard input."""
    command = [need("node"), str(script)]
    return subprocess.run(
        command,
        env=node_environment(**environment),
        input=question,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
