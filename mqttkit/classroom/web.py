"""What the port of the class serves over HTTP: two pages, the invitation for the instructor's page, MQTT over WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from tornado import web, websocket

from mqttkit.classroom import link as links
from mqttkit.classroom.rules import INSTRUCTOR, Bucket
from mqttkit.errors import InvalidArgument, MqttKitError

if TYPE_CHECKING:
    from mqttkit.classroom.gate import Gate
    from mqttkit.classroom.pages import Page

KEY_HEADER = "X-Instructor-Key"
_PINGS = 20  # at once, then one a second

log = logging.getLogger("mqttkit.classroom")


@dataclass(frozen=True)
class Site:
    """What is served.

    Attributes:
        home: address of the join page.
        pages: page by path.
        invite: makes what the instructor's page shows so that others can join: link, password, QR code. Its argument is the
            address at which that page was opened, which is another one behind a proxy.
        authority: the lesson's certificate authority (PEM), for programs that want to verify the class; empty where there is none.
        origins: further addresses (`https://host[:port]`) whose pages may open the WebSocket, such as a proxy's.
    """

    home: str
    pages: dict[str, Page]
    invite: Callable[[str], dict[str, str]]
    origins: tuple[str, ...] = ()
    authority: bytes = b""


def application(gate: Gate, site: Site) -> web.Application:
    """The tornado application of a class."""
    routes: list[Any] = [(path, _PageHandler, {"page": page}) for path, page in site.pages.items()]
    if site.authority:
        routes.append((r"/ca.pem", _AuthorityHandler, {"authority": site.authority}))
    routes.append((r"/invitation", _InvitationHandler, {"gate": gate, "site": site}))
    routes.append((r"/mqtt", _MqttHandler, {"gate": gate, "origins": site.origins}))
    return web.Application(
        routes,
        default_handler_class=_NotFound,
        log_function=_quiet,
        websocket_max_message_size=2 * links.MAX_PACKET,
        websocket_ping_interval=0,
    )


class _MqttHandler(websocket.WebSocketHandler):
    """MQTT over WebSocket [MQTT-6.0.0-1 to 4]."""

    _link: links.Link | None = None

    def initialize(self, gate: Gate, origins: tuple[str, ...]) -> None:
        self._gate, self._origins = gate, origins
        self._timer: asyncio.TimerHandle | None = None
        self._pings = Bucket(_PINGS, 1)
        self._place: Any = getattr(self.request.connection, "stream").place  # noqa: B009 - tornado does not type it

    def check_origin(self, origin: str) -> bool:
        return origin.rstrip("/").lower() in self._origins or same_origin(origin, self.request.host)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return next((name for name in subprotocols if name in ("mqtt", "mqttv3.1")), None)

    def open(self, *_: str, **__: str) -> None:
        if self.selected_subprotocol is None:
            self.close(1002, "the sub-protocol must be mqtt")
            return
        self._link = self._gate.link(self._send, self.close, self._place.address, self._place.entered)
        self._timer = asyncio.get_running_loop().call_later(links.CONNECT_SECONDS, self._link.end_if_nobody)

    async def on_message(self, message: str | bytes) -> None:
        if self._link is None or isinstance(message, str):
            self.close(1003, "MQTT is binary")
            return
        try:
            await self._link.feed(message)
        except (MqttKitError, OSError, asyncio.TimeoutError) as error:
            log.info("connection %d ended: %s", self._link.number, error)
            self.close()

    def on_ping(self, data: bytes) -> None:  # noqa: ARG002 - what it carries does not matter
        """A ping of the WebSocket below MQTT: allowed, but each costs an answer, so a flood of them ends the connection."""
        if not self._pings.take():
            self.close(1008, "too many pings")

    def on_close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            task = asyncio.get_running_loop().create_task(self._link.end())
            self._gate.ending.add(task)
            task.add_done_callback(self._gate.ending.discard)

    async def _send(self, data: bytes) -> None:
        with contextlib.suppress(websocket.WebSocketClosedError):
            await self.write_message(data, binary=True)


def check_origin(origin: str) -> str:
    """An origin as browsers write it [RFC 6454]; raises InvalidArgument where it can never match one."""
    parts = _parts(origin)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise InvalidArgument(
            f"{origin!r} is not the origin of a page: write https://its.name, with :port if it has one."
        )
    return origin.rstrip("/").lower()


def same_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may open a WebSocket to `host`: only one that this very server sent.

    The name must also be an address, `localhost`, this machine's name or end in `.local`: a stranger's domain that is made to
    point here (DNS rebinding) has equal origin and host too.
    """
    parts = _parts(origin)
    return parts is not None and parts.netloc.lower() == host.lower() and _is_here(parts.hostname or "")


def _parts(origin: object) -> SplitResult | None:
    try:
        return urlsplit(str(origin))
    except ValueError:  # such as "http://[x"
        return None


def _is_here(name: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return name == "localhost" or name.endswith((".local", ".localhost")) or name == socket.gethostname().lower()


class _Answer(web.RequestHandler):
    """Every answer carries headers that keep it to itself."""

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)


class _PageHandler(_Answer):
    """One page, the same for everybody: it holds no secret."""

    def initialize(self, page: Page) -> None:
        self._page = page

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", self._page.policy)
        self.finish(self._page.body)

    head = get


class _AuthorityHandler(_Answer):
    """The certificate of the lesson's authority; it is no secret."""

    def initialize(self, authority: bytes) -> None:
        self._authority = authority

    def get(self) -> None:
        self.set_header("Content-Type", "application/x-pem-file")
        self.finish(self._authority)


class _InvitationHandler(_Answer):
    """Link, password and QR code, for whoever has the instructor's key. A header cannot be sent by another site's page."""

    def initialize(self, gate: Gate, site: Site) -> None:
        self._rules, self._site = gate.rules, site

    async def get(self) -> None:
        address = self.request.remote_ip or ""
        key = self.request.headers.get(KEY_HEADER, "").encode()
        if not (self._rules.may_try(address) and self._rules.is_instructor(INSTRUCTOR, key)):
            self._rules.note_wrong(address)
            self.set_status(403)
            return
        self.finish(self._site.invite(self.get_query_argument("at", "")))


class _NotFound(_Answer):
    def prepare(self) -> None:
        self.set_status(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("There is nothing here. The page of the class is at the address without anything behind it.\n")


def _quiet(handler: web.RequestHandler) -> None:
    """No access log: it would hold addresses of people and of links."""
    log.debug("%s %d", handler.request.method, handler.get_status())


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "mqttkit",
}
