"""A broker elsewhere, known by its URL only."""

from __future__ import annotations

import os
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from mqttkit.broker.events import EventFeed
from mqttkit.broker.facade import Broker
from mqttkit.broker.options import KINDS, USUAL_PORTS
from mqttkit.errors import BrokerError

VARIABLE = "MQTTKIT_BROKER"


class RemoteEngine:
    """Runs elsewhere: nothing to start, nothing to ask."""

    name = "remote"

    def __init__(self, kind: str, port: int) -> None:
        self._ports = {kind: port}

    def start(self) -> dict[str, int]:
        """The port of the URL."""
        return self._ports

    def stop(self) -> None:
        """Leave it running: it is not ours."""

    def alive(self) -> bool:
        """True: nobody here can know otherwise."""
        return True

    def _cannot_tell(self) -> NoReturn:
        raise BrokerError(
            "A broker elsewhere does not tell who is connected or what it stores. "
            "Subscribe to $SYS/# (where it allows that), or use Broker() to look inside."
        )

    clients = subscriptions = retained = sessions = _cannot_tell


class NoFeed(EventFeed):
    """The event feed that a broker elsewhere does not have."""

    def _cannot_tell(self, *_: object, **__: object) -> NoReturn:
        raise BrokerError(
            "A broker elsewhere does not tell what happens in it. Look at lab.trace, where all packets of a lab's clients "
            "are, or use Broker() to look inside."
        )

    listen = events = wait_for = _cannot_tell


class RemoteBroker(Broker):
    """A broker at a URL. Its password is never shown: `repr` has kind, host and port only.

    Args:
        url: mqtt, mqtts, ws or wss; user, password, port and path are optional.
    """

    def __init__(self, url: str) -> None:
        parts = _parse(url)
        engine = RemoteEngine(parts.scheme, parts.port or USUAL_PORTS[parts.scheme])
        self._adopt_engine(engine, parts.hostname or "", NoFeed())
        self._ports, self._running = self._engine.start(), True
        self._url = url

    @property
    def url(self) -> str:
        """The URL as it was given, with user and password: do not print it."""
        return self._url

    @property
    def urls(self) -> dict[str, str]:
        """The URL by its kind."""
        return {next(iter(self._ports)): self._url}

    def start(self) -> Broker:
        """Nothing: it runs already, or not, without us."""
        return self

    def stop(self) -> None:
        """Nothing: it is not ours."""

    close = stop

    def restart(self) -> NoReturn:
        """It is not ours to restart."""
        raise BrokerError(
            'A broker elsewhere cannot be restarted from here. Use Broker() or engine="mosquitto" for one that can.'
        )

    def __repr__(self) -> str:
        return f"<Broker at {super().urls[next(iter(self._ports))]}>"


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        problem = _problem(parts)
    except (ValueError, AttributeError, TypeError):
        problem = "it cannot be read"
    if problem:
        raise BrokerError(
            f'This is not the URL of a broker: {problem}. One looks like "mqtts://user:password@host:8883".'
        )
    return parts


def _problem(parts: SplitResult) -> str:
    """What is wrong with a URL; "" for nothing. Neither user nor password is in it."""
    if parts.scheme not in KINDS:
        return f"it must begin with {', '.join(f'{kind}://' for kind in KINDS)}"
    if not parts.hostname or any(letter.isspace() for letter in parts.hostname):
        return "the host is missing" if not parts.hostname else "there is a space in the host"
    try:
        usable = parts.port != 0
    except ValueError:
        usable = False
    return "" if usable else "the port is not a number from 1 to 65535"


def from_environment() -> Broker | None:
    """The broker named by MQTTKIT_BROKER; None where that is not set."""
    url = os.environ.get(VARIABLE)
    return RemoteBroker(url) if url else None
