"""The recorded packets of a network: questions, order of causes, text, ladder, files. No sockets."""

from mqttkit.trace.records import Captured, Event, Link, Wire
from mqttkit.trace.trace import Trace

__all__ = ["Captured", "Event", "Link", "Trace", "Wire"]
