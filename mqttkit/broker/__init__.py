"""One interface to a broker, three engines: the embedded one (amqtt, corrected), a mosquitto process, any URL."""

from mqttkit.broker.facade import Broker
from mqttkit.broker.remote import from_environment
from mqttkit.broker.state import (
    BrokerEvent,
    ConnectedClient,
    NotTold,
    Queued,
    RetainedMessage,
    SessionState,
    Subscription,
)

__all__ = [
    "Broker",
    "BrokerEvent",
    "ConnectedClient",
    "NotTold",
    "Queued",
    "RetainedMessage",
    "SessionState",
    "Subscription",
    "from_environment",
]
