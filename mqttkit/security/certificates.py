"""How broker and clients know each other: a lesson's certificate authority, and deliberately bad certificates."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import shutil
import socket
import ssl
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit._sockets import reachable_address
from mqttkit.errors import BrokerError

if TYPE_CHECKING:
    import trustme

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,50}")  # it becomes the name of a file and an address
_LEVEL = r"(?!-|..--)[A-Za-z0-9-]{1,63}(?<!-)"  # of a host name that a certificate may hold: no "_" (RFC 5280, 4.2.1.6)
_HOST = re.compile(rf"{_LEVEL}(\.{_LEVEL})*")
_HERE = ("localhost", "127.0.0.1", "::1")


def hosts_at(host: str) -> list[str]:
    """The names and addresses at which clients look for a listener on `host`, as far as a certificate may hold them."""
    more = [reachable_address(), socket.gethostname()] if host in ("", "0.0.0.0", "::") else [host]  # noqa: S104 - compared
    return list(dict.fromkeys([*_HERE, *filter(_can_hold, more)]))


def _can_hold(host: str) -> bool:
    """True for an address, and for a name that a certificate may hold."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return "%" not in host  # fe80::1%eth0 has a meaning on this machine only


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
        self._servers = 0  # certificates made, each in files of its own
        self.file = self.folder / "ca.pem"  # what a client gets to verify the broker with
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, *hosts: str, require_client_certificate: bool = False) -> Certificate:
        """A good certificate for a broker on this machine, or for `hosts`. Raises BrokerError for what is no name of a host."""
        for host in hosts:
            if not _can_hold(host):
                raise BrokerError(
                    f'A certificate is for host names of letters, digits, "-" and ".", or addresses, not {host!r}.'
                )
        self._servers += 1
        certificate = self._issue(f"server-{self._servers}" if self._servers > 1 else "server", hosts or _HERE)
        client_ca = self.file if require_client_certificate else None
        return Certificate(certificate.certificate, certificate.key, self.file, client_ca, self)

    def expired(self) -> Certificate:
        """A certificate that was good until yesterday: a client must refuse it."""
        now = dt.datetime.now(dt.timezone.utc)
        return self._issue(
            "expired", _HERE, not_before=now - dt.timedelta(days=30), not_after=now - dt.timedelta(days=1)
        )

    def wrong_host(self) -> Certificate:
        """A good certificate of somebody else, broker.example.org: a client must refuse it here."""
        return self._issue("wrong-host", ("broker.example.org",))

    def client(self, name: str) -> Certificate:
        """A certificate with which the client `name` can prove who it is; letters, digits, "-" and "_" only."""
        if not _PLAIN.fullmatch(name):
            raise BrokerError(
                f'A certificate is for a name of letters, digits, "-" and "_", such as "sensor-1", not {name!r}.'
            )
        return self._issue(f"client-{name}", (f"{name}@lesson.example",), common_name=name)

    def _issue(self, label: str, hosts: Sequence[str], **options: Any) -> Certificate:
        issued = self._ca.issue_cert(*hosts, **options)
        certificate, key = self.folder / f"{label}.pem", self.folder / f"{label}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(issued.private_key_pem.bytes())
        return Certificate(certificate, key, self.file, None, self)
