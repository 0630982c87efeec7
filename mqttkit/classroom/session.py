"""Classroom: a broker, the gate before it and the page, with one lifetime."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mqttkit import chat
from mqttkit._lifetime import adopt
from mqttkit._sockets import reachable_address
from mqttkit.broker import Broker
from mqttkit.broker.arguments import check_ports
from mqttkit.broker.options import is_loopback
from mqttkit.classroom.addresses import listen_on, make_key, make_password, qr_image, terminal_qr
from mqttkit.classroom.front import Front
from mqttkit.classroom.gate import Gate
from mqttkit.classroom.host import Host
from mqttkit.classroom.link import Upstream
from mqttkit.classroom.pages import instructor_page, join_page
from mqttkit.classroom.ready import Ready
from mqttkit.classroom.recording import Recording
from mqttkit.classroom.rules import Rules
from mqttkit.classroom.upstream import host_client, leave, upstream_at
from mqttkit.classroom.web import Site, check_origin
from mqttkit.errors import BrokerError, InvalidArgument
from mqttkit.security import Certificate, LessonCA, hosts_at
from mqttkit.url import environment_url

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from mqttkit.client import Client

_REPORT_SECONDS = 0.5
_END_SECONDS = 60.0  # to take what a large class left off a broker that is far away
_IN_FLIGHT = 1000  # whoever comes late gets the presence of everybody at once, not twenty at a time


class Classroom:
    """One room that a class joins: page, MQTT over WebSocket and MQTT over TCP on one address.

    ```python
    with Classroom(room="physics") as classroom:
        print(classroom.join_url)          # opens the page on a phone, with the password in it
        print(classroom.url)               # for MQTT clients; their password is classroom.password
    ```

    Args:
        room: name of the room, 1 to 32 letters, digits, `-` or `_`.
        host: address to listen on; the default is reachable from this machine only.
        port: 0 takes any free one.
        password: what everybody must know to join. None makes one up; "" means none, allowed on loopback only.
        broker: a Broker, or the URL of one; None runs the embedded one (or what MQTTKIT_BROKER names).
        engine: of the broker that is run here, "amqtt" or "mosquitto".
        origins: further addresses (`https://host[:port]`) whose pages may connect, such as a proxy's.
        tls: a `Certificate` for this address: everything then goes over TLS, at https, wss and mqtts. True makes a lesson
            certificate, which nobody trusts until they say so; None is without TLS.
        record: folder for a trace and a chat log of the session; None records nothing.

    Attributes:
        password: the class password.
        instructor_key: password of the MQTT user `instructor`; opens the instructor's page.
        certificate: what the class shows over TLS, or None; its `ca` is what MQTT clients verify it with.
        host: the address it listens on.
        port: its port, while it runs.
    """

    def __init__(
        self,
        room: str = "class",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str | None = None,
        broker: Broker | str | None = None,
        engine: str = "amqtt",
        origins: tuple[str, ...] = (),
        tls: Certificate | bool | None = None,
        record: str | Path | None = None,
    ) -> None:
        self.room = chat.check_room(room)
        self.password = make_password() if password is None else password
        check_ports({"port": port})
        if not isinstance(self.password, str) or not isinstance(host, str):
            raise InvalidArgument("The password and the host of a class are texts.")
        if engine not in ("amqtt", "mosquitto"):
            raise InvalidArgument(f"There is no engine {engine!r} here. Use 'amqtt' or 'mosquitto'.")
        if isinstance(origins, str):
            raise InvalidArgument(f"origins is a tuple of addresses: ({origins!r},)")
        if not host:
            raise InvalidArgument("The address to listen on is empty. Use 127.0.0.1, or 0.0.0.0 for the whole network.")
        if not self.password and not is_loopback(host):
            raise InvalidArgument(
                f"Without a password the class may only listen on this machine, not on {host}. Give it a password."
            )
        self.instructor_key = make_key()
        self.host, self.port = host, port
        self.certificate = self._lesson_certificate() if tls is True else tls or None
        self._origins = tuple(map(check_origin, origins))
        self._broker, self._engine = broker, engine
        self._record = Path(record) if record is not None else None
        self._own_broker: Broker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._gate: Gate | None = None
        self._ready = Ready()

    # --- its life

    def start(self) -> Classroom:
        """Open the room; one that is open stays so. Raises BrokerError where the broker cannot run or the address is taken."""
        if self._thread is not None and self._thread.is_alive():
            return self
        adopt(self)
        try:
            upstream = self._start_broker()
            ready = self._ready = Ready()
            self._thread = threading.Thread(target=self._run, args=(upstream, ready), name="classroom", daemon=True)
            self._thread.start()
            ready.wait()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close the room: end all connections, the broker if it was started here, and the recording."""
        loop, stopping, thread = self._loop, self._stopping, self._thread
        if loop is not None and stopping is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop ended in this very moment
                loop.call_soon_threadsafe(stopping.set)
        if thread is not None and thread.is_alive():
            thread.join(_END_SECONDS)
        self._loop = self._stopping = self._thread = None
        if self._own_broker is not None:
            self._own_broker.close()
            self._own_broker = None

    def check(self) -> None:
        """Raises BrokerError when an open class has ended by itself."""
        if self._thread is not None and not self._thread.is_alive():
            raise BrokerError(
                f"The class has ended by itself: {self._ready.error or 'nothing says why'}. Start it again."
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Classroom {self.room!r}: {len(self.online())} online>"

    # --- where it is

    @property
    def address(self) -> str:
        """host:port as others reach it: for 0.0.0.0 the address of this machine in its network."""
        host = self._reachable_host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def _reachable_host(self) -> str:
        return reachable_address() if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound

    @property
    def url(self) -> str:
        """For MQTT clients over TCP."""
        return f"{'mqtts' if self.certificate else 'mqtt'}://{self.address}"

    @property
    def ws_url(self) -> str:
        """For MQTT clients over WebSocket."""
        return f"{'wss' if self.certificate else 'ws'}://{self.address}/mqtt"

    @property
    def page_url(self) -> str:
        """The join page, without the password."""
        return f"{'https' if self.certificate else 'http'}://{self.address}/"

    @property
    def join_url(self) -> str:
        """The join page with the password behind `#`, which browsers do not send anywhere."""
        return self._with_password(self.page_url)

    @property
    def instructor_url(self) -> str:
        """The instructor's page. It asks for `instructor_key`, so that the key stands in no browser history."""
        return f"{self.page_url}instructor"

    def qr_code(self) -> str:
        """The QR code of the join link, drawn with characters for a terminal."""
        return terminal_qr(self.join_url)

    def invitation(self, at: str = "") -> dict[str, str]:
        """What the instructor's page shows so that others can join: link, password, and the link as a QR code (an image).

        Args:
            at: address of the join page as the instructor's browser sees it, where a proxy changes it.
        """
        page = at if at.startswith(("http://", "https://")) and "#" not in at else self.page_url
        return {"link": page, "password": self.password, "qr": qr_image(self._with_password(page))}

    def online(self) -> list[str]:
        """Client ids of the members who are connected."""
        return sorted({link.client_id for link in list(self._gate.links)} if self._gate else ())

    # --- inside

    def _with_password(self, page: str) -> str:
        return f"{page}#p={quote(self.password)}" if self.password else page

    def _lesson_certificate(self) -> Certificate:
        return LessonCA().server(*hosts_at(self.host))

    def _start_broker(self) -> Upstream:
        """The broker to use, and an account on it that only this process knows."""
        given = self._broker or environment_url()
        if given is not None:
            return upstream_at(given)
        user, password = "class", secrets.token_urlsafe(18)
        self._own_broker = Broker(users={user: password}, engine=self._engine, max_inflight=_IN_FLIGHT).start()
        return Upstream(self._own_broker.host, self._own_broker.port, user, password)

    def _run(self, upstream: Upstream, ready: Ready) -> None:
        """The thread: an event loop for all connections."""
        try:
            # Also on Windows: the other kind cannot wait for a socket to become readable.
            loop = asyncio.SelectorEventLoop()
            try:
                loop.run_until_complete(self._serve(upstream, ready))
            finally:
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()
        except Exception as error:  # noqa: BLE001 - raised by start(), or later by check()
            ready.fail(error)

    async def _serve(self, upstream: Upstream, ready: Ready) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        with contextlib.ExitStack() as opened:
            recording = None if self._record is None else Recording(self._record, self.room)
            if recording is not None:
                opened.callback(recording.close)
            listening = opened.enter_context(listen_on(self.host, self.port))
            self.port = int(listening.getsockname()[1])
            tls = self.certificate.server_context() if self.certificate else None
            rules = Rules(self.room, self.password, self.instructor_key)
            gate = self._gate = Gate(rules, upstream)
            front = Front(gate, self._site(), tls)
            client = await loop.run_in_executor(None, host_client, upstream, self.room)
            try:
                front.listen(listening)
                await self._host(gate, client, recording, ready)
            finally:
                await front.close()
                if recording is not None:
                    recording.close()  # before what may take long
                left_behind = None if self._own_broker else rules.members.values()
                await loop.run_in_executor(None, leave, client, upstream, self.room, left_behind)

    def _site(self) -> Site:
        pages = {"/": join_page(self.room), "/instructor": instructor_page(self.room)}
        authority = self.certificate.ca.read_bytes() if self.certificate and self.certificate.ca else b""
        return Site(self.page_url, pages, self.invitation, self._origins, authority)

    async def _host(self, gate: Gate, client: Client, recording: Recording | None, ready: Ready) -> None:
        """Run the room until it is closed."""
        assert self._stopping is not None
        loop = asyncio.get_running_loop()
        host = Host(gate, lambda topic, payload, qos, retain: client.publish(topic, payload, qos, retain, wait=False))

        def connected(_client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if not reason.is_failure:
                loop.call_soon_threadsafe(host.back)

        client.paho.on_connect = connected  # from now on: again, after the link broke
        gate.control = host.control
        gate.observers += [host] if recording is None else [host, recording]
        host.announce(recorded=recording is not None)
        ready.ok()
        await _every(_REPORT_SECONDS, host.report, self._stopping)


async def _every(seconds: float, action: Callable[[], None], stopping: asyncio.Event) -> None:
    """Do `action` again and again until `stopping` is set."""
    while not stopping.is_set():
        action()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)
