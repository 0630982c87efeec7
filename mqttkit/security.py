"""Who may connect (users), what they may do (access rules), and how they know each other (certificates).

The three are separate questions, and MQTT answers each at another moment: users and certificates at CONNECT,
access rules at every SUBSCRIBE, PUBLISH and delivery.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import os
import shutil
import ssl
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mqttkit.errors import BrokerError, MqttKitError
from mqttkit.topics import check_topic_filter, matches

if TYPE_CHECKING:
    import trustme

Action = Literal["publish", "subscribe", "receive"]
_WORDS: dict[str, tuple[Action, ...]] = {
    "publish": ("publish",),
    "subscribe": ("subscribe",),
    "receive": ("receive",),
    "write": ("publish",),
    "read": ("subscribe", "receive"),
    "all": ("publish", "subscribe", "receive"),
}


# --- users ---------------------------------------------------------------------------------------------------------
@functools.cache
def _hasher() -> Any:
    """Argon2 at a cost for a lesson: 4 ms a check. The library's default of 120 ms would freeze a class that logs in."""
    from pwdlib.hashers.argon2 import Argon2Hasher

    return Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1)


def hash_password(password: str) -> str:
    """The Argon2id hash of `password`, with its salt and cost, as one line of text."""
    return str(_hasher().hash(password))


def verify_password(password: str | bytes, hashed: str) -> bool:
    """True when `password` is the one `hashed` was made from."""
    return bool(_hasher().verify(password, hashed))


class Users:
    """Names and hashed passwords; the passwords themselves are forgotten at once.

    Args:
        passwords: a mapping of name to password, or lines "NAME:PASSWORD".
    """

    def __init__(self, passwords: Mapping[str, str] | Iterable[str]) -> None:
        pairs = dict(passwords) if isinstance(passwords, Mapping) else dict(map(_name_and_password, passwords))
        self._hashes = {name: hash_password(password) for name, password in pairs.items()}
        self._mosquitto = [f"{name}:{_mosquitto_hash(password)}" for name, password in pairs.items()]

    def __repr__(self) -> str:
        return f"Users({', '.join(sorted(self._hashes))})"

    def __iter__(self) -> Any:
        return iter(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes)

    def accept(self, name: str | None, password: bytes | None) -> bool:
        """True when a user of this name exists and has this password."""
        hashed = self._hashes.get(name or "")
        return hashed is not None and password is not None and verify_password(password, hashed)

    def mosquitto_file(self) -> str:
        """The same users as a password_file of mosquitto."""
        return "".join(f"{line}\n" for line in self._mosquitto)


def _mosquitto_hash(password: str) -> str:
    """PBKDF2 with SHA-512 as mosquitto_passwd writes it: $7$iterations$salt$hash."""
    salt, rounds = os.urandom(12), 10_000
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _name_and_password(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise BrokerError(
            "A user is written NAME:PASSWORD, such as anna:secret. One was given without name, colon or password."
        )
    return name, password


# --- access rules --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class AccessRule:
    """One line of who may do what where.

    Attributes:
        user: user name, or "*" for everyone.
        actions: of "publish", "subscribe" (be granted a SUBSCRIBE) and "receive" (be sent a message).
        topic_filter: where; `%u` stands for the user name and `%c` for the client id.
        allow: False for a rule that forbids. A rule that forbids wins over any that allows.
    """

    user: str
    actions: tuple[Action, ...]
    topic_filter: str
    allow: bool = True

    def __str__(self) -> str:
        return f"{'' if self.allow else 'deny '}{self.user} {','.join(self.actions)} {self.topic_filter}"

    def filter_for(self, user: str | None, client_id: str) -> str | None:
        """The topic filter with its patterns filled in; None where this rule is not about that user."""
        if self.user not in ("*", user):
            return None
        text = self.topic_filter
        for pattern, name in (("%u", user), ("%c", client_id)):
            if pattern in text:
                if not name:
                    return None
                if any(
                    wild in name for wild in "+#/"
                ):  # a name must not widen a rule that allows, nor evade one that forbids
                    return None if self.allow else "#"
                text = text.replace(pattern, name)
        return text


class Access:
    """Rules per user and topic; what no rule allows is refused.

    Args:
        rules: lines such as "anna publish,subscribe home/%u/#", "* read home/#", "deny * publish home/alarm";
            or AccessRule objects; or a mapping {user: {action: [topic filters]}}.
            Actions: publish, subscribe, receive; write = publish, read = subscribe and receive, all = the three.
    """

    def __init__(self, rules: Iterable[str | AccessRule] | Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        lines = _lines_of(rules) if isinstance(rules, Mapping) else rules
        self.rules = tuple(rule if isinstance(rule, AccessRule) else _parse_rule(rule) for rule in lines)

    def __repr__(self) -> str:
        return f"Access({[str(rule) for rule in self.rules]})"

    @classmethod
    def load(cls, path: str | Path) -> Access:
        """Rules from a text file: one a line, `#` at the start of a line begins a comment."""
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise BrokerError(f"The access file {path} cannot be read: {why}. Check its name.") from error
        numbered = [(number, line.strip()) for number, line in enumerate(lines, 1)]
        return cls([_rule_in(path, *one) for one in numbered if one[1] and not one[1].startswith("#")])

    def allows(self, action: Action, topic: str, *, user: str | None, client_id: str) -> bool:
        """True when `user` may publish to, be sent, or (with a filter) subscribe to `topic`."""
        fits = covers if action == "subscribe" else matches
        allowed = False
        for rule in self.rules:
            pattern = rule.filter_for(user, client_id) if action in rule.actions else None
            if pattern is not None and fits(pattern, topic):
                if not rule.allow:
                    return False
                allowed = True
        return allowed


def _lines_of(rules: Mapping[str, Mapping[str, Sequence[str]]]) -> list[AccessRule]:
    return [
        _make_rule(user, action, topic_filter)
        for user, actions in rules.items()
        for action, filters in actions.items()
        for topic_filter in ([filters] if isinstance(filters, str) else filters)
    ]


def _rule_in(path: str | Path, number: int, line: str) -> AccessRule:
    try:
        return _parse_rule(line)
    except MqttKitError as error:
        raise BrokerError(f"{path}, line {number}: {error}") from None


def _parse_rule(line: str) -> AccessRule:
    words = line.split(maxsplit=3)
    allow = words[:1] != ["deny"]
    words = line.split(maxsplit=2) if allow else words[1:]
    if len(words) != 3:  # noqa: PLR2004 - who, what, where
        raise BrokerError(f"An access rule is WHO ACTIONS FILTER, such as 'anna read,publish home/%u/#', not {line!r}.")
    return _make_rule(*words, allow=allow)


def _make_rule(user: str, actions: str, topic_filter: str, *, allow: bool = True) -> AccessRule:
    words = actions.split(",")
    unknown = [word for word in words if word not in _WORDS]
    if unknown:
        raise BrokerError(f"Unknown action {unknown[0]!r} in an access rule. Use {', '.join(_WORDS)}.")
    chosen = {action for word in words for action in _WORDS[word]}
    ordered = tuple(action for action in _WORDS["all"] if action in chosen)
    return AccessRule(user, ordered, check_topic_filter(topic_filter.strip()), allow)


def covers(wide: str, narrow: str) -> bool:
    """True when every topic that the filter `narrow` matches is matched by the filter `wide` too."""
    if wide[:1] in ("+", "#") and narrow.startswith("$"):
        return False  # [MQTT-4.7.2-1]
    outer, inner = wide.split("/"), narrow.split("/")
    for position, level in enumerate(outer):
        if level == "#":
            return True
        if position >= len(inner):
            return False
        if inner[position] == "#" or (level != "+" and level != inner[position]):
            return False
    return len(inner) == len(outer)


# --- certificates --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Certificate:
    """A certificate, its private key, and which authority a client of it must present.

    Attributes:
        certificate: PEM file with the certificate chain.
        key: PEM file with the private key.
        ca: PEM file of the authority that clients verify this certificate with; None when a public one signed it.
        client_ca: PEM file of the authority for client certificates; None asks for none.
    """

    certificate: Path
    key: Path
    ca: Path | None = None
    client_ca: Path | None = None
    _keep: Any = field(default=None, repr=False, compare=False)

    def server_context(self) -> ssl.SSLContext:
        """The TLS settings of a listener: TLS 1.2 or newer; a client certificate only where `client_ca` is set."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:
            raise BrokerError(
                f"The certificate {self.certificate} cannot be used: {error}. Check files and key."
            ) from error
        return context


class LessonCA:
    """A certificate authority for lessons: made on the spot, trusted by nobody else, gone with its folder.

    Args:
        name: shown as the issuer.
        folder: where the PEM files go; without it a temporary folder that is removed with this object.
    """

    def __init__(self, name: str = "mqttkit lesson CA", *, folder: str | Path | None = None) -> None:
        import trustme

        self.folder = Path(folder or tempfile.mkdtemp(prefix="mqttkit-ca-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._ca: trustme.CA = trustme.CA(organization_name=name)
        self.file = self.folder / "ca.pem"  # what a client gets to verify the broker with
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, *hosts: str, require_client_certificate: bool = False) -> Certificate:
        """A good certificate for a broker on this machine, or for `hosts`."""
        certificate = self._issue("server", hosts or ("localhost", "127.0.0.1", "::1"))
        client_ca = self.file if require_client_certificate else None
        return Certificate(certificate.certificate, certificate.key, self.file, client_ca, self)

    def expired(self) -> Certificate:
        """A certificate that was good until yesterday: a client must refuse it."""
        now = dt.datetime.now(dt.timezone.utc)
        hosts = ("localhost", "127.0.0.1", "::1")
        return self._issue(
            "expired", hosts, not_before=now - dt.timedelta(days=30), not_after=now - dt.timedelta(days=1)
        )

    def wrong_host(self) -> Certificate:
        """A good certificate of somebody else, broker.example.org: a client must refuse it here."""
        return self._issue("wrong-host", ("broker.example.org",))

    def client(self, name: str) -> Certificate:
        """A certificate with which the client `name` can prove who it is."""
        return self._issue(f"client-{name}", (f"{name}@lesson.example",), common_name=name)

    def _issue(self, label: str, hosts: Sequence[str], **options: Any) -> Certificate:
        issued = self._ca.issue_cert(*hosts, **options)
        certificate, key = self.folder / f"{label}.pem", self.folder / f"{label}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(issued.private_key_pem.bytes())
        return Certificate(certificate, key, self.file, None, self)
