"""What a learner hands to `Broker`, checked and made into what an engine needs. One sentence for each mistake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit._words import did_you_mean
from mqttkit.broker.options import LOOPBACK_NAMES, is_loopback
from mqttkit.errors import BrokerError, InvalidArgument

if TYPE_CHECKING:
    from mqttkit.security import Access, Certificate, Users

EVENT_KINDS = (
    "connect", "refuse", "disconnect", "subscribe", "unsubscribe", "publish", "will", "queued", "dropped", "start",
    "stop", "error",
)  # fmt: skip
_HIGHEST_PORT = 65_535
_PACKET_IDS = 65_535


def check_ports(ports: Mapping[str, Any]) -> dict[str, int]:
    """The wanted TCP port by name of its argument, without those that are None."""
    wanted = {name: port for name, port in ports.items() if port is not None}
    for name, port in wanted.items():
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= _HIGHEST_PORT:
            raise BrokerError(f"{name} is a whole number from 0 to 65535, not {port!r}. 0 takes any free port.")
    return wanted


def check_host(host: Any, *, guarded: bool) -> str:
    """The address to listen on; others than those of this machine alone need users, or somebody who says open_=True."""
    if not isinstance(host, str) or not host.strip():
        raise BrokerError(f'host is the address to listen on, such as "{LOOPBACK_NAMES[0]}", not {host!r}.')
    if not guarded and not is_loopback(host):
        raise BrokerError(
            f"{host} can be reached by other machines, and without users anybody there could read and publish everything. "
            'Give users={"name": "password"}, or open_=True if that is what you want, or leave out host.'
        )
    return host


def check_max_inflight(number: Any) -> int:
    """How many deliveries may be under way to one client: there are 65535 packet identifiers [MQTT-2.3.1-1]."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _PACKET_IDS:
        raise BrokerError(f"max_inflight is a whole number from 1 to 65535, not {number!r}.")
    return number


def check_kind(kind: str | None) -> None:
    """A kind of event, or None for all of them."""
    if kind is not None and kind not in EVENT_KINDS:
        hint = did_you_mean(kind, EVENT_KINDS) or f" There are: {', '.join(EVENT_KINDS)}."
        raise InvalidArgument(f"There is no event of kind {kind!r}.{hint}")


# mqttkit.security is loaded only where it is used: the first broker of a lesson has none of it.
def certificate_of(tls: Any, host: str) -> Certificate:
    """The certificate of the TLS listeners at `host`; True or None makes a lesson CA with one."""
    from mqttkit.security import Certificate, LessonCA, hosts_at

    if isinstance(tls, Certificate):
        return tls
    if isinstance(tls, LessonCA):
        return tls.server(*hosts_at(host))
    if tls is True or tls is None:
        return LessonCA().server(*hosts_at(host))
    if not (isinstance(tls, tuple) and len(tls) == 2 and all(isinstance(part, (str, Path)) for part in tls)):  # noqa: PLR2004
        raise BrokerError("tls is True, a LessonCA, a Certificate or a pair of files (certificate, key).")
    files = Path(tls[0]), Path(tls[1])
    for file in files:
        if not file.is_file():
            raise BrokerError(f"There is no file {file}. tls=(certificate, key) names two PEM files.")
    return Certificate(*files)


def users_of(users: Any) -> Users:
    """Names with hashed passwords."""
    from mqttkit.security import Users

    if isinstance(users, Users):
        return users
    if isinstance(users, Iterable) and not isinstance(users, (str, bytes)):
        given = dict(users) if isinstance(users, Mapping) else list(users)
        texts = [text for pair in given.items() for text in pair] if isinstance(given, dict) else given
        if all(isinstance(text, str) and text for text in texts):
            return Users(given)
    raise BrokerError('users is a dict such as {"anna": "secret"}: names and passwords are texts that are not empty.')


def access_of(access: Any) -> Access:
    """The rules of who may do what, from a file, lines or a dict."""
    from mqttkit.security import Access

    if isinstance(access, Access):
        return access
    if isinstance(access, (str, Path)):
        return Access.load(access)
    deep = not isinstance(access, Mapping) or all(isinstance(rules, Mapping) for rules in access.values())
    if not isinstance(access, Iterable) or isinstance(access, bytes) or not deep:
        raise BrokerError(
            'access is a list of lines such as "anna publish,subscribe home/%u/#", a dict '
            '{"anna": {"publish": ["home/#"]}}, or the name of a file of such lines.'
        )
    return Access(access)
