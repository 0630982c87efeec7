"""Where the standard leaves room: questions whose expected answer is one of several that it allows, and why this one."""

from __future__ import annotations

_CONTROL = "MAY: the standard lets a receiver close the connection, or not"
_NAME = "MAY: the standard lets a server go on, or disconnect"
_SILENT = "our choice: the standard says nothing of an answer to what was not sent"

# By probe; what is not here, the standard says with MUST.
ROOM = {
    "empty_client_id_clean": "MAY: a server may let in a client without an identifier",
    "long_client_id": "MAY: only 1 to 23 letters and digits must be let in",
    "mqtt_5": "our choice: the letter is 0x01; 0x84 is what an MQTT 5 client understands (MQTT 5, 3.1.2.2)",
    "mqtt_31": _NAME,
    "wrong_protocol_name": _NAME,
    "protocol_name_in_small_letters": _NAME,
    "control_character_in_a_topic_name": _CONTROL,
    "non_character_in_a_topic_name": _CONTROL,
    "non_character_of_another_plane": _CONTROL,
    "publishing_to_sys": "our choice: $-topics are the server's own affair",
    "dollar_topics_work_between_clients": "our choice, and mosquitto's: a server SHOULD prevent it, and it is common to allow it",
    "sys_topics_are_told": "our choice, and mosquitto's: the standard names no topic below $SYS",
    "packet_identifiers_count_from_1": "our choice: any identifier that is not in use is right",
    "new_identifiers_after_a_resumption": "our choice of 3: any identifier that is not in use is right; DUP and 1, 2 are a MUST",
    "in_flight_window": "our choice, and mosquitto's: the standard has no number, and lets a server limit what is in flight",
    "qos_2_is_passed_on_at_pubrel": "MAY: a receiver may pass the message on at once, or at PUBREL (figure 4.3, methods A and B)",
    "nothing_is_resent_while_connected": "MAY: resending is a MUST at a reconnection only",
    "puback_for_nothing": _SILENT,
    "pubcomp_for_nothing": _SILENT,
    "keep_alive_zero": "MAY: a server may disconnect a client that it finds inactive at any time",
    "deep_filters": "MAY: a server may answer any filter with failure 0x80",
    "length_in_more_bytes_than_needed": "MAY: only MQTT 5 forbids it",
}


def says(name: str) -> str:
    """What the standard says of the expected answer to a question: MUST, MAY with the reason, or that it is our choice."""
    return ROOM.get(name, "MUST")
