"""The settings of a client, as a form has them: read from a form, and made into what `Client` takes. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mqttkit.errors import InvalidArgument
from mqttkit.message import Will

_LONGEST = 1000  # characters of one field


@dataclass(frozen=True)
class Settings:
    """One filled-in form. `password` is never shown, sent to a page or written into code.

    Attributes:
        ca_file: path of the certificate of the authority to trust; "" trusts what this computer trusts, and for a broker
            in this notebook its own authority.
    """

    client_id: str
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""
    clean_session: bool = True
    will_topic: str = ""
    will_payload: str = ""
    will_qos: int = 0
    will_retain: bool = False
    keep_alive: int = 60
    protocol: int = 4

    @property
    def will(self) -> Will | None:
        """The will message; None where no topic is given."""
        if not self.will_topic:
            return None
        return Will(self.will_topic, self.will_payload, qos=self.will_qos, retain=self.will_retain)

    def shown(self) -> dict[str, Any]:
        """What a page may know."""
        return {**asdict(self), "password": ""}

    def filled_in(self, values: dict[str, Any]) -> Settings:
        """These settings with what somebody typed, each value as the type it has.

        Raises:
            InvalidArgument: there is no such setting, or a number is none.
        """
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InvalidArgument(f"There is no setting {', '.join(unknown)}. There are: {', '.join(known)}.")
        changed = {name: _as_type(known[name], value, name) for name, value in values.items()}
        if not changed.get("password"):  # the page is never told the password, so it cannot send it back
            changed.pop("password", None)
        return _checked(replace(self, **changed))


def first_settings(client_id: str, url: str, tls: Any, given: dict[str, Any]) -> Settings:
    """What the form begins with; `tls` may be a CA file, too."""
    ca_file = str(tls) if isinstance(tls, (str, Path)) else ""
    start = Settings(client_id, tls=bool(tls), ca_file=ca_file)
    return with_url(start, url)[0].filled_in(given)


def with_url(settings: Settings, url: str) -> tuple[Settings, str]:
    """Take user, password and TLS over from `url`; the URL without user and password, which may be shown."""
    scheme, mark, rest = url.strip().rpartition("://")
    login, at, place = rest.rpartition("@")
    encrypted = settings.tls or scheme in ("mqtts", "wss")
    settings = replace(settings, tls=encrypted)
    if at:
        username, _, password = login.partition(":")
        settings = replace(settings, username=unquote(username), password=unquote(password))
    return settings, f"{scheme}{mark}{place}"


# How to do in the form what an error of Client advises to write in code.
_IN_THE_FORM = {
    'try Client(..., username="...", password="...")': "fill in User and Password",
    "give the right CA file with tls=...": "name the right CA file",
    "Try tls=ca.client(...)": "Give ClientPanel one with tls=ca.client(...)",
    "Try protocol=4 (MQTT 3.1.1)": "Choose MQTT 3.1.1 as the version",
    "Try protocol=5 (MQTT 5)": "Choose MQTT 5 as the version",
    "Try protocol=4": "Choose MQTT 3.1.1 as the version",
    "Try a URL that begins with mqtts://, or tls=...,": "Tick TLS,",
    "(leave out tls=...)": "without the tick at TLS",
}


def in_the_form(advice: str) -> str:
    """An error of `Client` in the words of the form."""
    for code, words in _IN_THE_FORM.items():
        advice = advice.replace(code, words)
    return advice


_ALLOWED = {
    "protocol": ("4 or 5", (4, 5)),
    "will_qos": ("0, 1 or 2", (0, 1, 2)),
    "keep_alive": ("0 to 65535", range(65536)),
}


def _checked(settings: Settings) -> Settings:
    for name, (words, allowed) in _ALLOWED.items():
        if getattr(settings, name) not in allowed:
            raise InvalidArgument(f"{name.replace('_', ' ')} is {words}, not {getattr(settings, name)}.")
    return settings


def _as_type(now: Any, value: Any, name: str) -> Any:
    """`value` from the page as the type the setting has."""
    if isinstance(now, bool):
        return bool(value)
    if isinstance(now, int):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InvalidArgument(f"{name.replace('_', ' ')} is a number, not {str(value)[:40]!r}.") from None
    return str(value)[:_LONGEST]
