"""Everything that speaks the room protocol meets in one room."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from mqttkit.widgets.chat import ChatRoom
from support.needs import need
from support.node import run_node

ROOT = Path(__file__).parents[2]


def exercise():
    """What the solved chat exercise defines, without its checks."""
    cells = json.loads((ROOT / "solutions" / "5-chat-room.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    defined: dict = {}
    for source in code:
        if not source.startswith("check("):
            exec(source, defined)
    return SimpleNamespace(**{name: value for name, value in defined.items() if not name.startswith("__")})


def test_widget_exercise_client_javascript_and_shell_hear_each_other():
    pub = need("mosquitto_pub")
    solved = exercise()
    with Classroom("physics", password="") as classroom, ThreadPoolExecutor(1) as pool:
        ada = ChatClient(classroom.url, "physics", "Ada").join()
        widget = ChatRoom(classroom.ws_url, "physics", name="Grace")
        learner = solved.Chatter(SimpleNamespace(host="127.0.0.1", port=classroom.port), "physics", "Learner")
        ada.wait_for_people("Ada", "Grace", "Learner", timeout=5)
        node = pool.submit(
            run_node,
            Path(__file__).parent / "node" / "meet.mjs",
            BROKER_URL=classroom.ws_url,
            ROOM="physics",
            PASSWORD="",
            HEAR="5",
        )
        ada.wait_for_lines(1, timeout=15)
        said = json.dumps({"name": "Shell", "text": "from mosquitto_pub"})
        place = ["-h", "127.0.0.1", "-p", str(classroom.port), "-i", "shell1", "-t", "chat/physics/message/shell1"]
        subprocess.run([pub, *place, "-q", "1", "-m", said], check=True, timeout=10)
        ada.say("from ChatClient")
        widget.say("from the widget")
        solved.say(learner, "from the exercise")
        everything = {"from MQTT.js", "from mosquitto_pub", "from ChatClient", "from the widget", "from the exercise"}
        assert {line.text for line in ada.wait_for_lines(5, timeout=5)} == everything
        done = node.result(timeout=30)
        assert set(done.stdout.split("\n")) - {""} == everything, done.stderr
        assert {text for _, text in solved.lines(learner)} == everything - {"from the exercise"}
        assert {line.text for line in widget.view.lines} == everything
        solved.leave(learner)
        ada.wait_for_people("Ada", "Grace", "Node", timeout=5)  # Node ended without saying so, and without a will
        widget.close()
        ada.leave()


def test_the_widget_joins_by_address_and_password():
    with Classroom("physics") as classroom:
        ada = ChatClient(classroom.url, "physics", "Ada", password=classroom.password).join()
        widget = ChatRoom(classroom.url, "physics", name="Ada", username="my-own-secret", password=classroom.password)
        ada.wait_for_people("Ada", "Ada 2")
        widget.say("hello")
        assert ada.wait_for_lines(1)[0].name == "Ada 2"
        widget.close()
        ada.leave()
