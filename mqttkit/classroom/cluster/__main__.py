"""`python -m mqttkit.classroom.cluster`: a two-node cluster until Enter is pressed; `kill a` and `start a` try it out."""

from __future__ import annotations

import sys

from mqttkit.classroom.cluster import Cluster
from mqttkit.errors import MqttKitError


def main() -> int:
    """Run the cluster; the exit code."""
    try:
        with Cluster() as cluster:
            for name in cluster.urls:
                sys.stdout.write(f"node {name}: {cluster.urls[name]}   {cluster.web_urls[name]}\n")
            sys.stdout.write('Type "kill a", "start a" (or b); an empty line ends both.\n')
            sys.stdout.flush()
            _obey(cluster)
    except MqttKitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0  # Ctrl+C ends it, too
    return 0


def _obey(cluster: Cluster) -> None:
    for line in sys.stdin:
        if not line.strip():
            return
        try:
            _do(cluster, line.split())
        except MqttKitError as error:
            sys.stderr.write(f"{error}\n")
        sys.stdout.write(f"{cluster}\n")
        sys.stdout.flush()


def _do(cluster: Cluster, words: list[str]) -> None:
    match words:
        case ["kill", ("a" | "b") as name]:
            cluster.kill(name)
        case ["start", ("a" | "b") as name]:
            cluster.start_node(name)
        case _:
            sys.stderr.write('"kill a", "start a", or an empty line\n')


if __name__ == "__main__":
    sys.exit(main())
