"""mqttkit: learn MQTT by watching every packet."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mqttkit._advice import advise

if TYPE_CHECKING:
    from mqttkit.broker import Broker as Broker
    from mqttkit.chat.client import ChatClient as ChatClient
    from mqttkit.classroom import Classroom as Classroom
    from mqttkit.client import Client as Client
    from mqttkit.errors import BrokerError as BrokerError
    from mqttkit.errors import ConnectError as ConnectError
    from mqttkit.errors import GradingError as GradingError
    from mqttkit.errors import InvalidArgument as InvalidArgument
    from mqttkit.errors import InvalidTopic as InvalidTopic
    from mqttkit.errors import MalformedPacket as MalformedPacket
    from mqttkit.errors import MqttKitError as MqttKitError
    from mqttkit.errors import SubscribeRefused as SubscribeRefused
    from mqttkit.errors import Timeout as Timeout
    from mqttkit.lab import Lab as Lab
    from mqttkit.message import Message as Message
    from mqttkit.message import Will as Will
    from mqttkit.network import Network as Network
    from mqttkit.trace import Trace as Trace
    from mqttkit.widgets import BrokerConsole as BrokerConsole
    from mqttkit.widgets import ChatRoom as ChatRoom
    from mqttkit.widgets import ClientPanel as ClientPanel
    from mqttkit.widgets import LiveChart as LiveChart
    from mqttkit.widgets import Progress as Progress
    from mqttkit.widgets import Quiz as Quiz
    from mqttkit.widgets import TopicTree as TopicTree
    from mqttkit.widgets import match_grid as match_grid
    from mqttkit.widgets import predict as predict
    from mqttkit.widgets import reveal as reveal
    from mqttkit.widgets.plot import Plot as Plot

__version__ = "0.1.0"

# Loaded at first use, so that the first cell of a lesson does not wait for what it does not need.
_HOME = {
    "Broker": "broker",
    "BrokerConsole": "widgets",
    "BrokerError": "errors",
    "ChatClient": "chat.client",
    "ChatRoom": "widgets",
    "Classroom": "classroom",
    "Client": "client",
    "ClientPanel": "widgets",
    "ConnectError": "errors",
    "GradingError": "errors",
    "InvalidArgument": "errors",
    "InvalidTopic": "errors",
    "Lab": "lab",
    "LiveChart": "widgets",
    "MalformedPacket": "errors",
    "Message": "message",
    "MqttKitError": "errors",
    "Network": "network",
    "Plot": "widgets.plot",
    "Progress": "widgets",
    "Quiz": "widgets",
    "SubscribeRefused": "errors",
    "Timeout": "errors",
    "TopicTree": "widgets",
    "Trace": "trace",
    "Will": "message",
    "match_grid": "widgets",
    "predict": "widgets",
    "reveal": "widgets",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one list to keep, sorted by construction


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"mqttkit has no {name!r}. It has: {', '.join(__all__)}"
        raise AttributeError(msg)
    return getattr(import_module(f"mqttkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


advise()
