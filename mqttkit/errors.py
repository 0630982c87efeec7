"""Every error of mqttkit, as one small tree.

    MqttKitError
    ├── BrokerError        a broker could not start, stop or be reached
    ├── ConnectError       a broker refused a client, or could not be reached (carries the reason code)
    ├── SubscribeRefused   the broker answered SUBACK with a failure code
    ├── Timeout            something awaited did not happen (says what was seen instead)
    ├── InvalidTopic       a topic name or filter breaks a rule (points at the character)
    ├── InvalidArgument    a payload, QoS, client id or option that MQTT or this kit does not have
    ├── MalformedPacket    bytes that are not what the standard allows (carries offset and statement)
    └── GradingError       an exercise could not be checked or graded

Every message answers three questions: what happened, why, what to try.
"""

from __future__ import annotations


class MqttKitError(Exception):
    """Base of all errors raised on purpose by mqttkit."""

    def _render_traceback_(self) -> list[str]:
        """Shown by IPython in place of a traceback: the sentence is what a learner needs."""
        return [f"{type(self).__name__}: {self}"]


class BrokerError(MqttKitError):
    """A broker could not start, stop or be reached."""


class ConnectError(MqttKitError):
    """A client could not connect.

    Attributes:
        reason_code: the CONNACK return code (MQTT 3.1.1: 1 to 5 [MQTT-3.2.2-4]; MQTT 5: 128 and up),
            or None when no CONNACK arrived.
    """

    def __init__(self, message: str, *, reason_code: int | None = None) -> None:
        super().__init__(message)
        self.reason_code = reason_code


class SubscribeRefused(MqttKitError):
    """The broker refused a subscription: SUBACK carried 0x80 or higher [MQTT-3.9.3-2]."""


class Timeout(MqttKitError, TimeoutError):
    """Something awaited did not happen in time; the message says what was seen instead."""


class InvalidTopic(MqttKitError, ValueError):
    """A topic name or topic filter breaks a rule of the standard; the message points at the character.

    Attributes:
        topic: the text as it was given.
        position: index of the first wrong character in `topic` (its length when something is missing at the end).
    """

    def __init__(self, message: str, *, topic: str = "", position: int = 0) -> None:
        super().__init__(message)
        self.topic = topic
        self.position = position


class InvalidArgument(MqttKitError, ValueError, TypeError):
    """An argument has a type or a value that MQTT or this kit does not have; nothing was sent."""


class MalformedPacket(MqttKitError, ValueError):
    """Bytes that the standard does not allow.

    Attributes:
        offset: index of the first wrong byte, counted from the start of the packet.
        statement: the normative statement that is broken, such as "MQTT-2.2.2-1"; "" where none has a number.
    """

    def __init__(self, message: str, *, offset: int = 0, statement: str = "") -> None:
        super().__init__(message)
        self.offset = offset
        self.statement = statement


class GradingError(MqttKitError):
    """An exercise could not be checked or graded."""
