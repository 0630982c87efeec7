"""`check(...)` as a learner meets it: hints, sentences for everything that can go wrong, feedback, progress."""

from __future__ import annotations

import gc
import json
import signal
import threading
import time
import types

import IPython
import nbformat
import paho.mqtt.client as paho
import pytest
from IPython.core.interactiveshell import InteractiveShell
from submissions_for_tests import NAMES, ROOT, asked, earned, grade, names_of, run, solved, untouched, with_cells

from mqttkit import Client
from mqttkit.errors import GradingError
from mqttkit.grading import Address, checks, progress
from mqttkit.grading.check import Direct
from mqttkit.grading.exercises.climate import same
from mqttkit.grading.feedback import Feedback
from mqttkit.grading.lessons import TITLES
from mqttkit.grading.play import play
from mqttkit.grading.rubric import Result, Verdict, load
from mqttkit.grading.student import SCENARIO, Student
from mqttkit.grading.values import Store, decode

NAME = "4-temperature-monitor"


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_gets_full_marks(name):
    names = names_of(solved(name))
    for question in load(name).questions.values():
        begun = time.monotonic()
        result = asked(name, question.id, names)
        assert (result.state, result.score) == ("played", question.points), result.as_json()
        assert time.monotonic() - begun < 6, "an answer that is right is told soon, also on a busy machine"


@pytest.mark.parametrize("name", NAMES)
def test_the_untouched_exercise_is_not_started_yet(name):
    names = names_of(untouched(name))
    for question in load(name).questions:
        result = asked(name, question, names)
        text = str(Feedback(result.as_json()))
        assert (result.state, result.score, result.note) == ("untouched", 0, "not started yet")
        assert "Traceback" not in text
        assert "Hint" not in text


def test_a_further_hint_with_each_further_try(monkeypatch, tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "1-topics.ipynb").write_text("{}")
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path / "exercises")
    said = []
    names = {}
    run("from mqttkit.grading import checks\ncheck = checks('1-topics')\ndef topic_of(*a): return 'x'", names)
    for number in range(5):
        run("result = check('name')", names, number)
        said.append(str(names["result"]))
    assert ["Hint 1 of 3" in said[0], "Hint 2 of 3" in said[1], "Hint 3 of 3" in said[2]] == [True] * 3
    assert "Explained solution" not in said[2]
    assert "Explained solution: 1-topics" in said[3]
    assert all("Lesson: 02-topics-and-wildcards" in text for text in said)
    html = names["result"]._repr_html_()
    assert '../notebooks/02-topics-and-wildcards.ipynb"' in html


def test_the_first_hint_is_about_the_item_that_failed():
    names = names_of(untouched("1-topics"))
    run(
        "def topic_of(w, f, r, q): return f'museum/{w}/{f}/{r}/{q}'\nfirst, second = check('name'), check('name')",
        names,
    )
    assert "Hint 1 of 3: The levels are right." in str(names["first"])
    assert "Hint 2 of 3: An f-string" in str(names["second"])
    run("def topic_of(w, f, r, q): return f'/{w}'\ncheck = checks('1-topics')\nresult = check('name')", names)
    assert "Hint 1 of 3: The levels of a topic name" in str(names["result"])


def test_an_error_in_the_code_comes_before_hints_about_mqtt():
    names = names_of(untouched("2-qos"))
    run("def send(*a): return undefined\nresult = check('send')", names)
    assert "Hint 1 of 3: The error is the first thing to mend" in str(names["result"])


def test_lessons_are_called_as_in_their_notebooks():
    for name, title in TITLES.items():
        first = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells[0].source.splitlines()[0]
        assert first == f"# {title}"
    used = {q.lesson for exercise in NAMES for q in load(exercise).questions.values()}
    assert used <= set(TITLES)


def test_feedback_shows_html_of_strangers_as_text():
    names = names_of(untouched("1-topics"))
    names["topic_of"] = lambda *_: "<script>alert(1)</script>"
    html = Feedback(asked("1-topics", "name", names).as_json())._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_packets_are_a_ladder_with_a_text_twin():
    names = names_of(solved("3-retain-and-will"))
    run(
        "def start_lighthouse(broker, name):\n"
        "    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id='<b>' + 'x' * 200)\n"
        "    client.on_connect = lambda *_: client.publish(f'coast/{name}/status', '<i>online</i>' + 'y' * 900)\n"
        "    client.connect(broker.host, broker.port)\n    client.loop_start()\n    return client",
        names,
    )
    result = asked("3-retain-and-will", "birth", names).as_json()
    html = Feedback(result)._repr_html_()
    assert html.count("<svg") == 2, "one of CONNECT, one of PUBLISH: two items about one packet share it"
    assert "&lt;b&gt;xxx" in html
    assert "<b>x" not in html
    assert "<i>" not in html
    assert "x" * 100 not in result["items"][0]["ladder"], "a long name does not stretch the picture"
    lines = result["items"][2]["packets"].splitlines()
    assert "PUBLISH" in lines[0]
    assert max(map(len, lines)) <= 160
    assert {"expected", "saw", "hint", "lesson", "packets"} <= set(result["items"][0])


def test_what_is_right_needs_no_packets():
    result = asked("3-retain-and-will", "birth", names_of(solved("3-retain-and-will"))).as_json()
    assert {item["packets"] + item["ladder"] + item["hint"] for item in result["items"]} == {""}


def test_a_broken_client_shows_its_illness_before_it_is_repaired():
    """Exercise 6 asks to look at the packets first: that earns nothing, and uses up no hint."""
    names = names_of(untouched("6-broken-clients"))
    run("result = check('sulking')", names)
    said = str(names["result"])
    assert "sulking: 0 of 3 points" in said
    assert "ok       it remembers good reports" in said
    assert "JSONDecodeError" in said or "UnicodeDecodeError" in said
    assert "still as it was given" in said
    assert "Hint" not in said
    assert "6-broken-clients         [------------] 0/18" in str(progress())


def interrupt():
    """As the button does: the signal goes to the thread that runs the cell."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupted_check_says_so():
    names = names_of(solved("1-topics"))
    names |= {"stop": interrupt, "gate": threading.Event()}
    run("def topic_of(*a):\n    stop()\n    gate.wait(20)", names)  # the button, pressed while the function is at work
    run("result = check('name')", names)
    names["gate"].set()
    assert (
        str(names["result"])
        == "name\n  You stopped the check, so nothing was judged. Run the cell again when you like."
    )


def test_an_unknown_question_is_explained():
    with pytest.raises(GradingError, match="It has: name, filters"):
        checks("1-topics")("nmae")


def test_a_missing_name_is_explained():
    result = asked("1-topics", "guard", {"start_guard": lambda *_: None})
    assert "`seen`" in result.note
    assert "Run the cell" in result.note


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (
            "def topic_of(wing)\n    return wing",
            "The cell of `topic_of` ended with SyntaxError: expected ':' (line 1). Mend that",
        ),
        (
            "def topic_of(wing): return wing\ntopic_of()",
            "The cell of `topic_of` ended with TypeError: topic_of() missing",
        ),
        ("another = 1 / 0", "not started yet"),
    ],
)
def test_a_cell_that_has_just_failed_is_the_reason(cell, says, monkeypatch, capsys):
    """The name is still what it was before: its stub."""
    names = names_of(untouched("1-topics"))
    shell = InteractiveShell(user_module=types.ModuleType("learner"))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    shell.run_cell(cell)
    run("from mqttkit.grading import checks\nnote = checks('1-topics')('name').result['note']", names)
    assert names["note"].startswith(says)
    shell.run_cell("1")
    run("note = checks('1-topics')('name').result['note']", names)
    assert names["note"] == "not started yet"


TROUBLE = {
    "syntax_error": ("def start_monitor(:", "Nothing is called `start_monitor` yet"),
    "exception": ("def start_monitor(broker): return 1 / 0", "ZeroDivisionError"),
    "no_connect": ("def start_monitor(broker): return 7", "No CONNECT arrived"),
    "wrong_port": (
        "def start_monitor(broker):\n    mqtt.Client(mqtt.CallbackAPIVersion.VERSION2).connect('127.0.0.1', 9)",
        "broker.port",
    ),
    "no_loop": (
        "def start_monitor(broker):\n    c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)\n    c.connect(broker.host, broker.port)\n    return c",
        "is the network loop running",
    ),
    "endless": ("def start_monitor(broker):\n    while True: pass", "Does a loop in it never end?"),
    "loop_forever": (
        "def start_monitor(broker):\n    c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)\n    c.connect(broker.host, broker.port)\n    c.loop_forever()",
        "`loop_start()` instead",
    ),
    "exit": ("def start_monitor(broker): exit()", "raised"),
    "signature": ("def start_monitor(): pass\nstart_monitor.x = 1", "Keep the parameters"),
    "none": ("def start_monitor(broker):\n    Monitor(broker)", "returned nothing (None)"),
    "old_paho": ("def start_monitor(broker):\n    return mqtt.Client('monitor')", "CallbackAPIVersion.VERSION2"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_every_trouble_has_a_sentence(trouble):
    code, sentence = TROUBLE[trouble]
    names = names_of(solved(NAME))
    del names["start_monitor"]
    try:
        run(code, names)
    except SyntaxError:
        assert trouble == "syntax_error"
    result = asked(NAME, "statistics", names)
    assert result.score == 0
    text = str(Feedback(result.as_json()))
    assert sentence in text
    assert "Traceback" not in text


@pytest.mark.parametrize("number", [10**400, float("inf"), float("nan"), "2", None])
def test_a_number_that_cannot_be_compared_is_only_wrong(number):
    wanted = {"palms": {"mean": 2.0}}
    assert same({"palms": {"mean": 2.0 + 1e-9}}, wanted)
    assert not same({"palms": {"mean": number}}, wanted)


def test_a_value_that_is_too_large_is_told():
    result = asked("1-topics", "name", {"topic_of": lambda *_: "x" * 2_000_000})
    assert "cannot be looked at: it is larger than 1 MB" in result.verdicts[0].saw


def test_an_error_in_a_callback_is_told():
    names = names_of(solved(NAME))
    run("Monitor.on_message = lambda self, client, userdata, message: undefined_name", names)
    assert "undefined_name" in asked(NAME, "statistics", names).note


def test_an_error_in_a_callback_of_the_kits_client_is_told():
    names = names_of(solved(NAME))
    run(
        "from mqttkit import Client\nkept = []\ndef start_monitor(broker):\n    client = Client(broker, 'monitor').connect()\n"
        "    client.on_message = lambda message: undefined_name\n    client.subscribe('garden/+/climate', 1)\n    kept.append(client)\n    return client",
        names,
    )
    run("def summary(monitor): return {}", names)
    assert "undefined_name" in asked(NAME, "statistics", names).note
    run("def start_monitor(broker): return 1", names)
    assert "undefined_name" not in asked(NAME, "statistics", names).note, "that was an earlier check"


def test_a_blocked_callback_is_told():
    names = names_of(solved(NAME))
    run(
        "import threading\ndef wait(self, client, userdata, message): threading.Event().wait(8)\nMonitor.on_message = wait",
        names,
    )
    assert "`wait` has not returned" in asked(NAME, "statistics", names).note


def test_a_callback_is_told_although_its_thread_has_the_number_of_an_earlier_one():
    """The system gives the number of a thread that has ended to the next one."""
    names, gate = {}, threading.Event()
    run("def _handle_on_message(wait): wait()", names)
    earlier = threading.Thread(target=gate.wait)
    earlier.start()
    student = Student(names)
    gate.set()
    earlier.join()
    gate.clear()
    later = threading.Thread(target=names["_handle_on_message"], args=(gate.wait,))
    later.start()
    try:
        assert [one["function"] for one in student.answer({"op": "diagnose"})["facts"]["blocked"]] == [
            "_handle_on_message"
        ]
    finally:
        gate.set()
        later.join()
        student.finish()


def test_nothing_runs_on_after_a_check():
    before = {id(client): client for client in clients_alive()}  # kept, or a new one could have the same id
    names = names_of(solved(NAME))
    asked(NAME, "statistics", names)
    mine = [client for client in clients_alive() if id(client) not in before]
    for client in mine:
        if client._thread is not None:
            client._thread.join(5)
    assert not [client for client in mine if client._thread is not None and client._thread.is_alive()]


def clients_alive():
    """All paho clients of this process."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), paho.Client)]


def test_progress_keeps_the_best(capsys):
    names = {}
    run("from mqttkit.grading import checks\ncheck = checks('1-topics')", names)
    for answer in ("f'museum/{w}/{f}/{r}/{q}'.lower().replace(' ', '-')", "'worse'"):
        run(f"def topic_of(w, f, r, q): return {answer}\ncheck('name')", names)
    table = str(progress())
    assert "1-topics" in table
    assert "2/25" in table.splitlines()[0]
    assert "<progress" in progress()._repr_html_()


@pytest.mark.parametrize(
    "value", [None, True, 1, -2.5, "ü", b"\x00", (1, "a"), {1: 2}, {"a": [1]}, {3, 4}, [[]], float("inf"), ...]
)
def test_values_cross_as_they_are(value):
    assert decode(Store().encode(value)) == value


def test_a_subclass_crosses_as_what_it_holds():
    class Liar(str):
        __slots__ = ()

        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    crossed = decode(Store().encode(Liar("x")))
    assert type(crossed) is str
    assert crossed != "y"


def test_the_address_gives_its_parts():
    address = Address("mqtt://127.0.0.1:4711")
    assert (address.host, address.port, str(address)) == ("127.0.0.1", 4711, "mqtt://127.0.0.1:4711")


def test_the_kits_client_solves_it_as_well():
    names = names_of(untouched("2-qos"))
    run(
        "from mqttkit import Client\ndef send(broker, topic, payload, qos):\n"
        "    with Client(broker, 'gate') as client:\n        client.publish(topic, payload, qos=qos)",
        names,
    )
    assert earned(asked("2-qos", "send", names)) == {"publish", "handshake", "leave"}


def test_the_same_marks_in_the_notebook_and_from_the_grader(tmp_path):
    """One definition: a half-right answer gets the same items both ways."""
    change = {
        "reading": "def reading(d, t, h, s): return json.dumps({'device_id': d, 'temperature': str(t), 'humidity': h, 'timestamp': s})"
    }
    names = names_of(with_cells(solved(NAME), **change))
    report = grade(with_cells(solved(NAME), **change), tmp_path, name=NAME)
    for question in report["questions"]:
        here = asked(NAME, question["id"], names)
        assert {i["id"] for i in question["items"] if i["ok"]} == earned(here), question["id"]


def test_a_hidden_grader_is_not_needed_to_read_a_notebook():
    """The student version opens without the kit: plain nbformat."""
    for name in NAMES:
        nbformat.validate(untouched(name))


class Liar:
    """A kernel that looks as if its learner had begun, and answers every question with the same nonsense."""

    def __init__(self, answer):
        self.answer = answer

    def ask(self, request, timeout):
        return (
            {"facts": {name: {"state": "changed"} for name in request["names"]}}
            if request["op"] == "look"
            else self.answer
        )


@pytest.mark.parametrize(
    "answer",
    [
        {"raised": 1},
        {"late": 5},
        {"late": {"inside": [[1]]}},
        *({"value": {kind: wrong}} for kind, wrong in (
            ("$object", "x"), ("$bytes", 5), ("$dict", [1]), ("$float", []), ("$tuple", 3), ("$set", [{"$tuple": [[1]]}]))),
        {"value": json.loads("[" * 900 + "]" * 900)},
    ],
)  # fmt: skip
def test_nonsense_in_place_of_an_answer_is_no_fault_of_the_grader(answer):
    exercise = load("1-topics")
    question = exercise[next(iter(exercise.questions))]
    result = play(question, Liar(answer), "seed")
    assert (result.state, result.score) == ("played", 0), result.note
    # How deep a list may be before it is too deep to read differs between Pythons; one that was read is a wrong answer.
    assert any("no answer" in verdict.saw or "[[[" in verdict.saw for verdict in result.verdicts), result.verdicts


def test_a_scenario_ends_with_all_that_it_started_and_its_faults_are_not_the_learners():
    names = names_of(solved("2-qos"))
    run("def send_all(broker, topic, payloads):\n    return len(payloads)", names)
    result = asked("2-qos", "faults", names)
    assert not [thread for thread in threading.enumerate() if thread.name == SCENARIO]
    assert result.verdicts[0].saw.startswith("No CONNECT arrived: does `send_all` connect")
    student = Student(names)
    thread = threading.Thread(target=lambda: 1 / 0, name=SCENARIO)
    thread.start()
    thread.join()
    assert student.answer({"op": "diagnose"})["facts"]["errors"] == []
    student.finish()


def test_a_constant_that_is_none_is_told_in_plain_words():
    names = names_of(solved("2-qos"))
    names["CHOICE"] = None
    saw = asked("2-qos", "choose", names).verdicts[0].saw
    assert saw == "`CHOICE` should be a dict, and is nothing (None)."


def test_what_was_seen_has_an_end():
    """Client identifiers and topics may have 65 535 bytes each, and there may be thousands: reports are read by people."""
    question = load("2-qos")["choose"]
    result = Result(question, [Verdict(item, saw="x" * 100_000) for item in question.rubric], note="y" * 100_000)
    assert len(json.dumps(result.as_json())) < 10_000


def test_a_large_packet_is_shortened_on_the_tape():
    names = names_of(solved("2-qos")) | {"Client": Client}
    tape = []
    run(
        "def send(broker, topic, payload, qos):\n"
        "    with Client(broker, 'x' * 9) as c: c.publish(topic, 'x' * 1_000_000, qos=1)",
        names,
    )
    student = Student(names)
    play(load("2-qos")["send"], Direct(student), "seed", tape=tape)
    student.finish()
    assert "PUBLISH" in {packet["type"] for packet in tape}
    assert len(json.dumps(tape)) < 100_000
