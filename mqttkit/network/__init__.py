"""The network between clients and broker: a relay that records every packet and breaks things on purpose."""

from mqttkit.network.faults import Fault
from mqttkit.network.network import Network

__all__ = ["Fault", "Network"]
