"""Chat over MQTT: the room protocol, what a member sees of a room, and a member to talk with.

`protocol` defines the messages (its beginning is their documentation), `room` what one member makes of them, `client` is such
a member with a connection. The widget, the join page, the exercise, its grader and the classroom all use these.
"""

from __future__ import annotations

from mqttkit.chat.protocol import (
    MAX_NAME,
    MAX_PAYLOAD,
    MAX_TEXT,
    QOS,
    Address,
    ChatError,
    ChatLine,
    Notice,
    Presence,
    RoomState,
    check_client_id,
    check_room,
    clean_name,
    clean_text,
    decode,
    encode_line,
    encode_notice,
    encode_presence,
    encode_room,
    message_topic,
    new_client_id,
    notice_topic,
    parse_topic,
    presence_topic,
    presence_will,
    room_filters,
    room_topic,
    unique_name,
)
from mqttkit.chat.room import RoomView

__all__ = [
    "MAX_NAME",
    "MAX_PAYLOAD",
    "MAX_TEXT",
    "QOS",
    "Address",
    "ChatError",
    "ChatLine",
    "Notice",
    "Presence",
    "RoomState",
    "RoomView",
    "check_client_id",
    "check_room",
    "clean_name",
    "clean_text",
    "decode",
    "encode_line",
    "encode_notice",
    "encode_presence",
    "encode_room",
    "message_topic",
    "new_client_id",
    "notice_topic",
    "parse_topic",
    "presence_topic",
    "presence_will",
    "room_filters",
    "room_topic",
    "unique_name",
]
