"""Arguments of a client, checked before anything is sent. No I/O."""

from __future__ import annotations

from typing import Any

from mqttkit.errors import InvalidArgument

# One data type of the packets [MQTT-1.5.3]: a string is preceded by its length in two bytes.
MAX_STRING_BYTES = 65535
MAX_PAYLOAD_BYTES = 268_435_455  # the largest remaining length, MQTT 3.1.1 section 2.2.3


def check_payload(payload: Any) -> bytes:
    """The bytes that `payload` is sent as: str as UTF-8, int and float as decimal text, None as no bytes."""
    if payload is None:
        return b""
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    if isinstance(payload, str):
        return _utf8(payload, "The payload")
    if isinstance(payload, (int, float)) and not isinstance(payload, bool):
        return str(payload).encode()
    raise InvalidArgument(_wrong_payload(payload))


def _wrong_payload(payload: Any) -> str:
    kind = type(payload).__name__
    advice = "Turn it into str or bytes yourself, so that the receiver knows how to read it"
    if isinstance(payload, (dict, list, tuple, bool)):
        advice = "Say how it becomes bytes, for example with json.dumps(payload)"
    return (
        f"A payload is bytes; MQTT does not know {kind}. It may be given as bytes, str, int, float or None. {advice}."
    )


def check_size(payload: bytes) -> bytes:
    """`payload`, unless no packet can hold it."""
    if len(payload) > MAX_PAYLOAD_BYTES - MAX_STRING_BYTES:
        raise InvalidArgument(
            f"A payload of {len(payload)} bytes does not fit: the length field of an MQTT packet ends at "
            f"{MAX_PAYLOAD_BYTES} bytes. Send it in parts."
        )
    return payload


def check_qos(qos: Any) -> int:
    """`qos`, if it is 0, 1 or 2 [MQTT-3.3.1-4]."""
    if isinstance(qos, bool) or not isinstance(qos, int) or qos not in (0, 1, 2):
        raise InvalidArgument(
            f"QoS is 0 (at most once), 1 (at least once) or 2 (exactly once), not {qos!r}. Try qos=1."
        )
    return qos


def check_client_id(client_id: Any, *, clean_session: bool) -> str:
    """`client_id`, if a CONNECT packet may carry it [MQTT-3.1.3-4, MQTT-3.1.3-7]."""
    if not isinstance(client_id, str):
        raise InvalidArgument(
            f'A client id is text such as "alice", not {type(client_id).__name__}: {client_id!r}. Put it in quotes.'
        )
    if "\0" in client_id:
        raise InvalidArgument("A client id must not hold the character U+0000 [MQTT-1.5.3-2]. Leave it out.")
    length = len(_utf8(client_id, "The client id"))
    if length > MAX_STRING_BYTES:
        raise InvalidArgument(
            f"A client id of {length} bytes is too long: a string in MQTT holds {MAX_STRING_BYTES} bytes, and brokers "
            "need only take 23 letters and digits [MQTT-3.1.3-5]. Choose a short one."
        )
    if not client_id and not clean_session:
        raise InvalidArgument(
            "An empty client id needs clean_session=True: the broker keeps a session under the client's id, "
            'and here there is none [MQTT-3.1.3-7]. Name the client, for example "alice".'
        )
    return client_id


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"{what} cannot be written as UTF-8: character {error.start} is half of a surrogate pair "
            "[MQTT-1.5.3-1]. Take it out."
        ) from None


def check_timeout(timeout: Any) -> float:
    """`timeout` in seconds: nothing in this kit waits for ever."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < float("inf"):
        raise InvalidArgument(
            f"timeout is a number of seconds, 0 or more, not {timeout!r}. Nothing here waits without an end: try timeout=5."
        )
    return float(timeout)
