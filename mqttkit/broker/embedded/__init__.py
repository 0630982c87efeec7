"""The embedded engine: amqtt 0.12.1, corrected.

What is amqtt's: `Broker` (configuration, start, state, listeners), `Session`, the stream and WebSocket adapters.
What is replaced: the way of a packet through it. amqtt starts a task per packet and per delivery and waits in them for
acknowledgements; that is where it loses order, messages and most of its time. Here a connection is read in batches, each
packet is checked and answered in the order it came, and a message is encoded once for all its subscribers.
What the standard wants otherwise than amqtt does it is a *correction*: a small method with the statement it restores and,
beside it, amqtt's own answer (`corrections.py` has the list).
"""

from mqttkit.broker.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
