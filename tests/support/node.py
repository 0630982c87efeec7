"""Node for tests: the packages of the cluster, and a broker (aedes) of another make with a WebSocket listener."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

from mqttkit.classroom.cluster.node import HERE, node_root
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
    command = [need("node"), str(HERE / "broker.js")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=node_environment()) as process:
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        process.wait(5)


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
