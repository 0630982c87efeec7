"""One of each widget, for a notebook: what holds for all of them is tested on all of them."""

from __future__ import annotations

_MAKE = {
    "panel": "ClientPanel(lab, 'ann')",
    "console": "BrokerConsole(lab)",
    "tree": "TopicTree(lab)",
    "chart": "LiveChart(lab, {'kitchen': 'home/kitchen/temperature'}, high=20)",
    "chat": "ChatRoom(lab, name='Ada')",
    "quiz": "Quiz('all-quiz', 'Which port?', {'1883': 'That is without TLS.', '8883': True})",
    "prediction": "predict('all-typed', 'How many?')",
    "measured": "reveal('all-typed', 2)",
    "grid": "grid",
    "measured grid": "grid.reveal({'home/+': ['home/kitchen']})",
    "progress": "Progress()",
    "ladder": "lab.ladder()",
}


def names() -> list[str]:
    """What the widgets are called here, in their order on the page."""
    return list(_MAKE)


def every_widget() -> str:
    """A cell that makes and shows all of them; they are then in the list `widgets`."""
    made = ",\n    ".join(_MAKE.values())
    return f"""
from IPython.display import display
from mqttkit import BrokerConsole, ChatRoom, ClientPanel, Lab, LiveChart, Progress, Quiz, TopicTree
from mqttkit import match_grid, predict, reveal
lab = Lab()
house = lab.client("house")
house.publish("home/kitchen/temperature", "21.5", qos=1, retain=True)
grid = match_grid("all-grid", ["home/+"], ["home", "home/kitchen"])
widgets = [
    {made},
]
display(*widgets)
"""
