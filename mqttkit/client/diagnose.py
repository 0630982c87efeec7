"""Why a connection failed, in one sentence, and what to try.

Where paho only knows that "the connection was lost", a second short connection of our own finds out what answers there.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import traceback

from mqttkit.client.address import Address
from mqttkit.errors import ConnectError, MqttKitError

PROBE_SECONDS = 1.0
# CONNECT of MQTT 3.1.1: clean session, keep alive 15 s, a client id that tells in a ladder who it is; then DISCONNECT.
_CONNECT = b"\x10\x15\x00\x04MQTT\x04\x02\x00\x0f\x00\x09diagnosis"
_DISCONNECT = b"\xe0\x00"
_GET = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

# MQTT 3.1.1, table 3.1 [MQTT-3.2.2-4]; paho gives the codes of MQTT 5 for both.
RETURN_CODES = {132: 1, 133: 2, 136: 3, 134: 4, 135: 5}
_REFUSALS = {
    128: "The broker refused the connection without saying why. Look at the broker's log.",
    132: "The broker does not speak this version of MQTT. Try {other}.",
    133: "The broker refused the client id: it may be too long, or hold characters the broker does not take. Try another.",
    134: "The broker refused user name or password. Check both; they are case-sensitive.",
    135: "The broker refused to let this client in: {login}.",
    136: "The broker is there, but its service is unavailable now. Try again later.",
    138: "The broker has banned this client. Ask who runs it.",
    151: "The broker's quota is exceeded: too many clients or messages. Try again later.",
    159: "The broker refuses so many connections in so short a time. Wait a moment.",
}


def refused(code: int, name: str, *, protocol: int, username: str | None) -> ConnectError:
    """A CONNACK that says no. `code` and `name` are those of MQTT 5 in both protocols."""
    login = f'check the password of user "{username}", and whether the broker knows this user'
    if username is None:
        login = 'it wants a user name and a password; try Client(..., username="...", password="...")'
    other = "protocol=4 (MQTT 3.1.1)" if protocol == 5 else "protocol=5 (MQTT 5)"  # noqa: PLR2004 - version number
    sentence = _REFUSALS.get(code, f"The broker refused the connection: {name}. Look at the broker's log.")
    code = code if protocol == 5 else RETURN_CODES.get(code, code)  # noqa: PLR2004
    return ConnectError(f"{sentence.format(login=login, other=other)} (CONNACK code {code})", reason_code=code)


def not_reached(error: BaseException, address: Address, seconds: float) -> ConnectError:
    """No connection came about: `error` is what the socket, TLS or the WebSocket handshake said."""
    where = f"{address.host} port {address.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(_certificate(error, address))
    if isinstance(error, (socket.gaierror, UnicodeError)):  # UnicodeError: two dots in a row, for instance
        sentence = f'There is no host "{address.host}": no address is known for this name. Check its spelling.'
    elif isinstance(error, ConnectionRefusedError):
        sentence = (
            f"Nothing listens on {where}: the connection was refused. Is the broker running, and is this its port?"
        )
    elif address.tls and isinstance(error, (ssl.SSLError, TimeoutError, ConnectionError)):
        sentence = _no_tls(error, address)
    elif isinstance(error, TimeoutError):
        sentence = f"{where} did not answer within {seconds:g} s. Check host and port; a firewall may be in between."
    elif address.websocket:
        sentence = _no_websocket(address)
    else:
        sentence = f"Connecting to {where} failed: {error}. Check host and port."
    return ConnectError(sentence)


def no_connack(address: Address, protocol: int, seconds: float, *, closed: bool) -> ConnectError:
    """The connection came about, but CONNECT was not answered."""
    trouble = getattr(address.way, "trouble", None)  # a network between knows better
    if trouble is not None and closed:  # while nobody has closed, another client may be the one in trouble
        return ConnectError(str(trouble)) if isinstance(trouble, MqttKitError) else _behind(trouble, seconds)
    heard = _listen(address)
    if heard == "mqtt" and protocol == 5:  # noqa: PLR2004
        return ConnectError("This broker speaks MQTT 3.1.1 but not MQTT 5. Try protocol=4, or another broker.")
    if heard == "tls":
        return ConnectError(
            "This port expects TLS, and the client came without. Try a URL that begins with "
            f"{address.scheme}s://, or tls=..., or the port without TLS (usually 1883)."
        )
    if heard in _STRANGERS:
        return ConnectError(f"What answers on port {address.port} {_STRANGERS[heard]}")
    if closed:
        return ConnectError(
            "The broker closed the connection without answering CONNECT. It may want a client certificate, "
            "or not like something in CONNECT. Look at the broker's log, and check that the port is right."
        )
    return ConnectError(
        f"Something accepted the connection but did not answer CONNECT within {seconds:g} s. "
        f"Is port {address.port} really that of an MQTT broker, and is the network between up?"
    )


def _behind(trouble: tuple[OSError, str, int], seconds: float) -> ConnectError:
    """The network between could not reach the broker."""
    error, host, port = trouble
    return not_reached(error, Address(host, port, tls=isinstance(error, ssl.SSLError)), seconds)


_STRANGERS = {
    "http": "is a web server, not an MQTT broker. Brokers usually listen on port 1883, with TLS on 8883.",
    "websocket": "takes MQTT over WebSocket only. Try a URL that begins with ws://.",
    "other": "is not an MQTT broker. Brokers usually listen on port 1883, with TLS on 8883.",
}


def _certificate(error: ssl.SSLCertVerificationError, address: Address) -> str:
    reason = error.verify_message or str(error)
    if "expired" in reason:
        advice = "Its owner must renew it; check this computer's clock, too"
    elif "mismatch" in reason or "not valid for" in reason:
        advice = f'It belongs to another host than "{address.host}": connect by the name it was made for'
    elif "issuer" in reason or "self" in reason:
        advice = "It is signed by an authority this client does not trust: give the right CA file with tls=..."
    else:
        advice = "Do not connect unless you know why"
    return f"The broker's certificate was refused: {reason.rstrip('.')}. {advice}. Nothing was sent."


def _no_tls(error: BaseException, address: Address) -> str:
    plain = Address(address.host, address.port, websocket=address.websocket, path=address.path)
    if _listen(plain) in ("mqtt", "websocket"):
        return (
            "The broker does not speak TLS on this port: it answers without. Try a URL that begins with "
            f"{plain.scheme}:// (leave out tls=...), or the port with TLS (usually 8883)."
        )
    if "ALERT" in str(error).upper() and "CERTIFICATE" in str(error).upper():
        return "The broker refused the TLS handshake: it wants a client certificate. Try tls=ca.client(...)."
    reason = getattr(error, "reason", None) or type(error).__name__
    return f"No TLS connection came about on port {address.port} ({reason}). Is this the broker's port for TLS?"


def _no_websocket(address: Address) -> str:
    heard = _listen(Address(address.host, address.port))
    if heard == "mqtt":
        return f"Port {address.port} takes MQTT over plain TCP, not over WebSocket. Try a URL that begins with mqtt://."
    if heard == "tls":
        return "This port expects TLS, and the client came without. Try a URL that begins with wss://."
    return (
        f"Port {address.port} refused the WebSocket handshake for MQTT at {address.path!r}. "
        "Check port and path, and that the broker has WebSocket turned on."
    )


def _listen(address: Address) -> str:
    """What speaks there: mqtt, tls, websocket, http, other, or silence."""
    answer = b"" if address.websocket else _ask(address, _CONNECT)
    if answer.startswith(b"\x20"):
        return "mqtt"
    if not address.tls and (answer.startswith(b"\x15\x03") or _speaks_tls(address)):
        return "tls"
    if not answer.startswith(b"HTTP/"):
        answer = _ask(address, _GET) or answer
    if answer.startswith(b"HTTP/"):
        wants_upgrade = b" 426 " in answer[:20] or b"upgrade" in answer.lower() or b"websocket" in answer.lower()
        return "websocket" if wants_upgrade else "http"
    return "other" if answer else "silence"


def _ask(address: Address, question: bytes) -> bytes:
    """The first bytes of the answer to `question`; none when nothing comes in time."""
    with contextlib.suppress(OSError), _open(address) as sock:
        sock.sendall(question)
        answer = sock.recv(1024)
        if question is _CONNECT and answer.startswith(b"\x20"):
            sock.sendall(_DISCONNECT)
        return answer
    return b""


def _speaks_tls(address: Address) -> bool:
    with contextlib.suppress(OSError), _open(Address(address.host, address.port, tls=True)):
        return True
    return False


def _open(address: Address) -> socket.socket:
    sock = socket.create_connection((address.host, address.port), timeout=PROBE_SECONDS)
    if not address.tls:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only to learn whether TLS is spoken: nothing private is sent
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(sock, server_hostname=address.host)
    except OSError as error:
        sock.close()
        close_sockets(error)
        raise


def close_sockets(error: BaseException) -> None:
    """Close the sockets in the frames that `error` came through.

    ssl leaves the one it was wrapping open when the other side resets the connection at that moment.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in list(frame.f_locals.values()):
            if isinstance(value, socket.socket):
                value.close()
