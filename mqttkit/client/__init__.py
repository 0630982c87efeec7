"""Client: a paho-mqtt client made comfortable in a notebook, never hiding paho."""

from mqttkit.client.client import Client
from mqttkit.client.sending import Sending

__all__ = ["Client", "Sending"]
