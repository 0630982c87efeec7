"""A broker elsewhere, known by its URL only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from mqttkit.broker.events import EventFeed
from mqttkit.broker.facade import Broker
from mqttkit.errors import BrokerError
from mqttkit.url import environment_url, parse_url


class RemoteEngine:
    """Runs elsewhere: nothing to start, nothing to ask."""

    name = "remote"

    def __init__(self, kind: str, port: int) -> None:
        self._ports = {kind: port}

    def start(self) -> dict[str, int]:
        """The port of the URL."""
        return self._ports

    def stop(self, _then: Callable[[], None]) -> None:
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
        address = parse_url(url)
        self._adopt_engine(RemoteEngine(address.scheme, address.port), address.host, NoFeed())
        self._ports, self._running = self._engine.start(), True
        self._url = url if "://" in url else f"mqtt://{url}"

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


def from_environment() -> Broker | None:
    """The broker named by MQTTKIT_BROKER; None where that is not set."""
    url = environment_url()
    return RemoteBroker(url) if url else None
