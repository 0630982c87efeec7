"""The mosquitto engine: the real binary as a process of its own, with a configuration made for these options."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mqttkit._lifetime import Child
from mqttkit._programs import find_program
from mqttkit.broker.mosquitto_access import access_lines
from mqttkit.broker.mosquitto_log import LogReader
from mqttkit.broker.options import NOT_RUNNING, cannot_listen, local_address
from mqttkit.errors import BrokerError

if TYPE_CHECKING:
    from mqttkit.broker.options import Options
    from mqttkit.broker.state import ConnectedClient, SessionState, Subscription

_PATIENCE = 5.0  # seconds to start or stop
_KNOCK = 1.0  # seconds for the log to tell what has happened
_TRIES = 5  # a free port may be taken by somebody else before mosquitto opens it
_HOW_TO_INSTALL = (
    "mosquitto is not installed. Debian, Ubuntu: sudo apt install mosquitto. macOS: brew install mosquitto. "
    "Windows and others: https://mosquitto.org/download. Or use the embedded engine: Broker()."
)


def find_mosquitto() -> str:
    """Path of the mosquitto binary. Raises BrokerError, with how to install it, where there is none."""
    found = find_program("mosquitto")
    if found is None:
        raise BrokerError(_HOW_TO_INSTALL)
    return str(found)


class MosquittoEngine:
    """Starts and stops a mosquitto process, and follows its log.

    Args:
        options: listeners, users, access rules.
        emit: called, from the thread that reads the log, with everything the log tells.
    """

    name = "mosquitto"

    def __init__(self, options: Options, emit: Callable[..., None]) -> None:
        self._options, self._emit = options, emit
        self._binary = find_mosquitto()
        self._ports: dict[str, int] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="mqttkit-mosquitto-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._child: Child | None = None
        self._stopping = False
        self._log = LogReader(emit, self._has_ended)

    def start(self) -> dict[str, int]:
        """Start; the port of each listener. A second start has the ports and persistent state of the first."""
        for tries_left in reversed(range(_TRIES)):
            ports = self._ports or {kind: port or self._free_port() for kind, port in self._options.ports.items()}
            problem = self._launch(ports)
            if problem is None:
                self._ports = ports
                return ports
            taken = "Address already in use" in problem
            if not taken or not tries_left or self._ports or all(self._options.ports.values()):
                taken_by = cannot_listen(self._options.host, ports)
                raise BrokerError(taken_by if taken else f"mosquitto did not start: {problem}")
        raise AssertionError  # the last try has raised or returned

    def stop(self, then: Callable[[], None]) -> None:
        """Stop; mosquitto writes its persistent state into the temporary folder for the next start.

        Its last events tell of the stop: whoever hears them, or is told by `then`, can still ask.
        """
        self._stopping = True
        try:
            self._end_process()
            then()
        finally:
            self._stopping = False

    def _end_process(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end(_PATIENCE)
            self._log.join(_PATIENCE)

    def _has_ended(self) -> None:
        """Let its number go, also where it ended by itself: the number may be another process's soon."""
        child = self._child
        if child is not None:
            child.end(_PATIENCE)

    # --- questions
    def alive(self) -> bool:
        """True while the process runs."""
        return self._child is not None and self._child.process.poll() is None

    def clients(self) -> list[ConnectedClient]:
        """The connected clients, as the log tells."""
        return self._caught_up().clients()

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions, as the log tells."""
        return self._caught_up().subscriptions()

    def sessions(self) -> list[SessionState]:
        """The sessions, as the log tells: mosquitto does not say what waits in them."""
        return self._caught_up().sessions()

    def retained(self) -> NoReturn:
        """Mosquitto does not tell."""
        raise BrokerError("mosquitto does not list its retained messages. Subscribe to # to get them, or use Broker().")

    def _caught_up(self) -> LogReader:
        """The log, once it has told all that happened so far: mosquitto writes down our knock at its door after that."""
        if self._stopping or self._log.is_telling():
            return self._log
        if self._child is None:
            raise BrokerError(NOT_RUNNING)
        if not self.alive():
            raise BrokerError(
                f"mosquitto has ended by itself: {self._log.last_words()} Start it with broker.restart()."
            )
        port = next((self._ports[kind] for kind in ("mqtt", "mqtts") if kind in self._ports), None)
        if port is not None:
            place = (local_address(self._options.host), port)
            with suppress(OSError), socket.create_connection(place, _KNOCK) as knock:
                host, own = knock.getsockname()[:2]
                self._log.wait_for_peer(f"{host}:{own}", _KNOCK)
        return self._log

    # --- the process
    def _free_port(self) -> int:
        family = socket.AF_INET6 if ":" in self._options.host else socket.AF_INET
        with socket.socket(family) as probe:
            try:
                probe.bind((self._options.host, 0))
            except OSError as error:
                raise BrokerError(cannot_listen(self._options.host, self._options.ports, error)) from error
            return int(probe.getsockname()[1])

    def _launch(self, ports: dict[str, int]) -> str | None:
        """Start the process; None when it runs, else what it said."""
        configuration = self._write("mosquitto.conf", "\n".join(self._configuration(ports)) + "\n")
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        try:
            self._child = Child([self._binary, "-c", str(configuration)], folder=self._folder, **streams)
        except OSError as error:
            raise BrokerError(
                f"{self._binary} cannot be started: {error.strerror}. Use the embedded engine: Broker()."
            ) from error
        assert self._child.process.stderr is not None
        self._log.follow(self._child.process.stderr, ports)
        try:
            running = self._log.wait_until_running(_PATIENCE)
        except BaseException:  # also the stop button of a notebook
            self._end_process()
            raise
        if running:
            return None
        self._end_process()
        return self._log.last_words()

    def _configuration(self, ports: dict[str, int]) -> list[str]:
        lines = ["log_dest stderr", "log_type all", "log_timestamp false", "set_tcp_nodelay true", "sys_interval 1"]
        lines += ["persistence true", f"persistence_location {self._folder}{os.sep}"]
        lines.append(f"max_inflight_messages {self._options.max_inflight}")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            lines.append("user root")  # else mosquitto becomes a user who cannot read its own configuration
        lines += self._user_lines()
        for kind, port in ports.items():
            lines += [f"listener {port} {self._options.host}", *self._listener_lines(kind)]
        return lines

    def _user_lines(self) -> list[str]:
        users, access = self._options.users, self._options.access
        lines = ["allow_anonymous true"]
        if users is not None:
            lines = ["allow_anonymous false", f"password_file {self._write('passwords', users.mosquitto_file())}"]
        if access is not None:
            lines.append(f"acl_file {self._write('access', access_lines(access, users))}")
        return lines

    def _listener_lines(self, kind: str) -> list[str]:
        lines = ["protocol websockets"] if kind in ("ws", "wss") else []
        certificate = self._options.certificate
        if kind in ("mqtts", "wss") and certificate is not None:
            lines += [f"certfile {certificate.certificate}", f"keyfile {certificate.key}"]
            if certificate.client_ca is not None:
                lines += [f"cafile {certificate.client_ca}", "require_certificate true"]
        return lines

    def _write(self, name: str, text: str) -> Path:
        """A file that only this user can read."""
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path
