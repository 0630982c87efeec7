"""The widgets: see and touch MQTT inside a notebook.

Loaded at first use: a kernel without a notebook page never imports the widget machinery.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mqttkit.widgets.chart import LiveChart as LiveChart
    from mqttkit.widgets.chat import ChatRoom as ChatRoom
    from mqttkit.widgets.console import BrokerConsole as BrokerConsole
    from mqttkit.widgets.course import Progress as Progress
    from mqttkit.widgets.grid import MatchGrid as MatchGrid
    from mqttkit.widgets.grid import match_grid as match_grid
    from mqttkit.widgets.ladder import Ladder as Ladder
    from mqttkit.widgets.panel import ClientPanel as ClientPanel
    from mqttkit.widgets.question import Quiz as Quiz
    from mqttkit.widgets.question import predict as predict
    from mqttkit.widgets.question import reveal as reveal
    from mqttkit.widgets.tree import TopicTree as TopicTree

_HOME = {
    "BrokerConsole": "console",
    "ChatRoom": "chat",
    "ClientPanel": "panel",
    "Ladder": "ladder",
    "LiveChart": "chart",
    "MatchGrid": "grid",
    "Progress": "course",
    "Quiz": "question",
    "TopicTree": "tree",
    "match_grid": "grid",
    "predict": "question",
    "reveal": "question",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - one list to keep, sorted by construction


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"mqttkit.widgets has no {name!r}. It has: {', '.join(__all__)}")
    return getattr(import_module(f"mqttkit.widgets.{_HOME[name]}"), name)
