"""Arguments of a client, checked before anything is sent. No I/O."""

from __future__ import annotations

from typing import Any

from mqttkit.errors import InvalidArgument
from mqttkit.message import Will
from mqttkit.topics import check_characters, check_topic_filter, check_topic_name

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


def check_flag(value: Any, name: str) -> bool:
    """`value`, if it is True or False (or 1 or 0): a word such as "no" would count as True."""
    if not isinstance(value, int) or value not in (0, 1):
        raise InvalidArgument(f"{name} is True or False, not {value!r}.")
    return bool(value)


def check_count(n: Any) -> int:
    """`n`, if one can wait for so many messages."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise InvalidArgument(f"The number of messages is a whole number, 0 or more, not {n!r}. Try wait_for(1).")
    return n


def check_login(username: Any, password: Any) -> None:
    """Refuses what the fields User Name and Password of CONNECT cannot carry [MQTT-3.1.3-11, MQTT-3.1.2-22]."""
    if username is None and password is not None:
        raise InvalidArgument("A password needs a username [MQTT-3.1.2-22]. Add username=...")
    if username is not None and not isinstance(username, str):
        raise InvalidArgument(f"A username is text, not {type(username).__name__} {username!r}. Put it in quotes.")
    if username is not None and "\0" in username:
        raise InvalidArgument("A username must not hold the character U+0000 [MQTT-1.5.3-2]. Leave it out.")
    if password is not None and not isinstance(password, (str, bytes)):
        raise InvalidArgument(f"A password is text or bytes, not {type(password).__name__}. Put it in quotes.")
    for value, name in ((username, "The username"), (password, "The password")):
        if len(_utf8(value, name) if isinstance(value, str) else value or b"") > MAX_STRING_BYTES:
            raise InvalidArgument(f"{name} is too long: a string in MQTT holds {MAX_STRING_BYTES} bytes.")


def check_will(will: Any) -> Will:
    """`will`, if a CONNECT packet may carry it [MQTT-3.1.2-14, MQTT-3.1.3-10]."""
    if not isinstance(will, Will):
        raise InvalidArgument(f'A will is written will=Will("home/lamp/status", "gone"), not {type(will).__name__}.')
    check_characters(check_topic_name(will.topic))
    check_qos(will.qos)
    check_flag(will.retain, "retain of a will")
    size = len(check_payload(will.payload))
    if size > MAX_STRING_BYTES:
        raise InvalidArgument(
            f"The payload of a will is part of CONNECT and holds {MAX_STRING_BYTES} bytes at most; this one has {size}."
        )
    return will


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


def wanted_filters(given: Any, qos: int) -> list[tuple[str, int]]:
    """`given` as a list of (filter, QoS), each checked."""
    pairs = [_pair(one, qos) for one in (given if isinstance(given, list) else [given])]
    if not pairs:
        raise InvalidArgument(
            'There is no topic filter in the list [MQTT-3.8.3-3]. Give at least one, such as "home/#".'
        )
    return pairs


def _pair(given: Any, qos: int) -> tuple[str, int]:
    if isinstance(given, tuple) and len(given) == 2:  # noqa: PLR2004 - as paho has it, too
        given, qos = given
    elif isinstance(given, (tuple, dict, set)):
        raise InvalidArgument(
            'Several filters go into a list, each alone or with its QoS: ["home/#", ("garden/#", 1)].'
        )
    return check_characters(check_topic_filter(given)), check_qos(qos)


def check_keep_alive(seconds: Any) -> int:
    """`seconds`, if the field Keep Alive can carry it (MQTT 3.1.1, 3.1.2.10)."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= 65535:  # noqa: PLR2004
        raise InvalidArgument(f"keep_alive is a whole number of seconds from 0 (off) to 65535, not {seconds!r}.")
    return seconds
