"""Scenes on brokers that are not everywhere: played live where they are installed, else shown from a recording.

A recording is a trace of the same scene, saved from a real run. To record anew, delete the file and run the scene where
the broker is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit.doctor.parts import part
from mqttkit.errors import InvalidArgument
from mqttkit.lab import Lab
from mqttkit.trace import Trace

if TYPE_CHECKING:
    from mqttkit.classroom.cluster import Cluster


def on_mosquitto(scene: Callable[[Lab], Trace], recording: str | Path, **options: Any) -> Trace:
    """`scene(lab)` on a fresh mosquitto with `options` as for Lab; where mosquitto is missing, the recording of it.

    Raises:
        InvalidArgument: mosquitto is missing, and so is the recording.
    """
    if part("mosquitto").find() is None:
        return _recorded(recording, "mosquitto is not installed here")
    with Lab(engine="mosquitto", **options) as lab:
        return _keep(scene(lab), recording)


def on_cluster(scene: Callable[[Cluster], Trace], recording: str | Path) -> Trace:
    """`scene(cluster)` on a fresh cluster of two brokers; where its parts are missing, the recording of it.

    Raises:
        InvalidArgument: a part of the cluster is missing, and so is the recording.
    """
    if not has_cluster():
        return _recorded(recording, "a part of the cluster is not installed here")
    from mqttkit.classroom.cluster import Cluster

    with Cluster() as cluster:
        return _keep(scene(cluster), recording)


def has_cluster() -> bool:
    """Are node, redis-server and the npm packages of the cluster here? Nothing is fetched."""
    from mqttkit.classroom.cluster.node import installed_root

    return all(part(name).find() for name in ("node", "redis")) and installed_root() is not None


def what_is_here() -> str:
    """One line for each optional part of lesson 10: live, or from a recording and how to get it."""
    mosquitto = part("mosquitto")
    lines = [
        "mosquitto  live" if mosquitto.find() else f"mosquitto  from a recording. To get it: {mosquitto.how_to_get()}",
        "cluster    live"
        if has_cluster()
        else "cluster    from a recording. To get it: install node, npm and "
        "redis-server, and run once in a terminal: python -m mqttkit.classroom.cluster",
    ]
    return "\n".join(lines)


def _recorded(recording: str | Path, why: str) -> Trace:
    if not Path(recording).is_file():
        name = Path(recording).name
        raise InvalidArgument(f"The recording {name!r} is not in its folder. Run this in the folder of the lessons.")
    trace = Trace.load(recording)
    trace.heading = f"From a recording of a real run, as {why}."
    return trace


def _keep(story: Trace, recording: str | Path) -> Trace:
    file = Path(recording)
    if not file.exists() and file.parent.is_dir():
        story.save(file)
    return story
