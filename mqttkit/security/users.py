"""Who may connect: names and hashed passwords."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from mqttkit.errors import BrokerError


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
