"""What the course needs: each check says what it found, and what to do where something is missing."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from mqttkit import progress
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.url import VARIABLE, environment_url, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable

_OLDEST = (3, 10)
_WAIT = 5.0
_INSTALL = "In the folder of the course run: python -m pip install -e ."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        ok: True when it is as it should be.
        text: what was found, the same on every computer where it is ok.
        advice: what to do; "" when it is ok.
        detail: versions and places, for the terminal only.
    """

    ok: bool
    text: str
    advice: str = ""
    detail: str = ""


def python() -> Check:
    """Is this Python new enough?"""
    oldest = ".".join(map(str, _OLDEST))
    found = f"Python {platform.python_version()}, {sys.executable}"
    if sys.version_info >= _OLDEST:
        return Check(ok=True, text=f"Python is new enough ({oldest} or later)", detail=found)
    return Check(
        ok=False, text=f"Python {platform.python_version()} is too old", advice=f"Install Python {oldest} or later."
    )


def packages() -> Check:
    """Is every package there that mqttkit needs, in a version that fits?"""
    try:
        wrong, versions = _installed(metadata.requires("mqttkit") or [])
    except metadata.PackageNotFoundError:  # as in a fresh clone
        wrong, versions = ["mqttkit itself is not installed"], []
    if not wrong:
        return Check(ok=True, text="every Python package that the course needs is there", detail=", ".join(versions))
    return Check(ok=False, text="; ".join(wrong), advice=_INSTALL)


def _installed(requirements: list[str]) -> tuple[list[str], list[str]]:
    """(what does not fit, "name version" of all), for requirements that are not part of an extra."""
    from packaging.requirements import Requirement  # brought by JupyterLab

    wrong, versions = [], []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        versions.append(f"{requirement.name} {version}")
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, needed is {requirement.specifier}")
    return wrong, versions


def kernel() -> Check:
    """Will notebooks run in this very environment?"""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # as `mqttkit lab` does
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        program = ""
    # Jupyter puts the Python it runs in where only "python" is written.
    if program in {"python", "python3", "python.exe"} or Path(program).parent == Path(sys.executable).parent:
        return Check(ok=True, text="notebooks run in this environment", detail=sys.prefix)
    return Check(
        ok=False,
        text=f"notebooks would run in another environment ({program or 'none'})",
        advice=f"Run: {sys.executable} -m pip install --force-reinstall ipykernel",
    )


def broker() -> Check:
    """Does a message cross the embedded broker? A real one, at QoS 1, over real sockets."""
    from mqttkit.broker import Broker
    from mqttkit.client import Client

    topic, payload = "doctor/pulse", b"beat"
    try:
        with Broker() as here, Client(here, "doctor-listens") as listener, Client(here, "doctor-speaks") as speaker:
            listener.subscribe(topic, qos=1)
            speaker.publish(topic, payload, qos=1, timeout=_WAIT)  # returns when PUBACK is there
            (message,) = listener.wait_for(1, timeout=_WAIT)
    except (MqttKitError, OSError) as error:
        return Check(
            ok=False,
            text=f"the embedded broker does not work: {error}",
            advice="A firewall or virus scanner may block connections of this computer to itself (127.0.0.1): allow them.",
        )
    right = (message.topic, message.payload, message.qos) == (topic, payload, 1)
    return Check(
        ok=right,
        text="a message at QoS 1 went from one client through the embedded broker to another, and was acknowledged"
        if right
        else f"the embedded broker delivered {message!r} in place of what was sent",
        advice="" if right else "Please report this.",
        detail="amqtt on a free port of 127.0.0.1",
    )


def memory() -> list[Check]:
    """A word about answers and results, where they cannot be kept."""
    if progress.writable(progress.home()):
        return []
    return [
        Check(
            ok=False,
            text=f"your answers and results cannot be kept: nothing can be written in {progress.home()}",
            advice="The course works all the same. To keep them, name a folder of yours in the environment as MQTTKIT_HOME.",
        )
    ]


def elsewhere() -> list[Check]:
    """A word about MQTTKIT_BROKER, where it is set: lessons and the checks of the exercises then use that broker."""
    try:
        url = environment_url()
    except InvalidArgument as error:
        return [Check(ok=False, text=str(error), advice="Correct it, or remove it from the environment.")]
    if url is None:
        return []
    host = parse_url(url).host
    return [
        Check(ok=True, text=f"{VARIABLE} is set: lessons and checks use the broker at {host}, not the embedded one")
    ]


def all_checks() -> list[Check]:
    """Every check, in the order of a start from nothing."""
    return [
        python(),
        *_tried("the Python packages", lambda: [packages()]),
        *_tried("the kernel of the notebooks", lambda: [kernel()]),
        *_tried("the embedded broker", lambda: [broker()]),
        *_tried("the folder for your answers", memory),
        *elsewhere(),
    ]


def _tried(what: str, look: Callable[[], list[Check]]) -> list[Check]:
    """What `look` finds; also where a package that it needs is missing, or is another than the one we know."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - the others are looked at all the same
        reason = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        return [Check(ok=False, text=f"{what} could not be tried: {reason}", advice=_INSTALL)]
