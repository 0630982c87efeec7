"""What people try in place of an answer: none of it may earn a mark, harm anything, or outlive its submission."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys

import nbformat
import psutil
import pytest
from submissions_for_tests import ROOT, asked, grade, names_of, solved, untouched, with_cells, with_first_cell

from mqttkit.grading import sandbox
from mqttkit.grading.box import UNCOUNTED
from mqttkit.grading.job import Job
from mqttkit.grading.notebooks import tag
from mqttkit.grading.pool import Worker

NAME = "4-temperature-monitor"
BOXED = pytest.mark.skipif(not sandbox.bwrap_works(), reason="bubblewrap does not work here")


def cheating(code):
    """A notebook with `code` in place of all answers: no stub after it may put things right again.

    Its check cells claim to be worth more than they are.
    """
    notebook = untouched(NAME)
    for cell in notebook.cells:
        if tag(cell).get("solution"):
            cell.source = ""
        if tag(cell).get("grade"):
            cell.metadata["nbgrader"]["points"] = 99
    notebook.cells.insert(1, nbformat.v4.new_code_cell(code))
    return notebook


def at_levels(cases, boxed):
    """Every case without a box; those that a box could change, or that could harm one, in a box as well."""
    plain = [pytest.param(case, "none", id=case) for case in cases]
    return plain + [pytest.param(case, "bwrap", id=f"{case}-boxed", marks=BOXED) for case in boxed]


CHEATS = {
    "patched_check": "import mqttkit.grading as g, mqttkit.grading.check as c\n"
    "c.Checks.__call__ = lambda self, q: print(q, 'full marks')\ng.checks = lambda name: (lambda q: 24.0)",
    "patched_answer": "import mqttkit.grading.student as s\ns.Student.answer = lambda self, r: {'value': True, 'score': 99, 'ok': True}",
    "patched_json": "import json\njson.dumps = lambda *a, **k: '{\"value\": true}'",
    "fake_print": "for q in ('reading', 'sensor'):\n    print(f'{q}: 4 of 4 points\\n  ok  everything')",
    "forged_result": "import os, json, socket\nhost, port = os.environ['MQTTKIT_GRADER'].split(':')\n"
    "s = socket.create_connection((host, int(port)))\n"
    "hello = {'op': 'check', 'question': 'reading', 'secret': os.environ['MQTTKIT_GRADER_SECRET']}\n"
    "for m in (hello, {'op': 'result', 'result': {'score': 99}}, {'value': 1, 'score': 99}):\n"
    "    s.sendall(json.dumps(m).encode() + b'\\n')\nprint(s.recv(9999))",
    "wrong_secret": "import os\nos.environ['MQTTKIT_GRADER_SECRET'] = 'guess'",
    "garbage_on_the_socket": "import os, socket\nhost, port = os.environ['MQTTKIT_GRADER'].split(':')\n"
    "for junk in (b'\\x00' * 5000 + b'\\n', b'[]\\n', b'[' * 100_000 + b'\\n', b'null\\n'):\n"
    "    s = socket.create_connection((host, int(port))); s.sendall(junk)",
    "always_equal": "class Yes(str):\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n"
    "    def __contains__(self, x): return True\ndef reading(*a): return Yes('{}')\ndef stale(m, now): return Yes()",
    "ast_transformer": "import ast\nclass Strip(ast.NodeTransformer):\n    def visit_Expr(self, n): return ast.parse('1.0').body[0]\n"
    "get_ipython().ast_transformers.append(Strip())",
    "input_transformer": "get_ipython().input_transformers_post.append(lambda lines: ['print(\"full marks\")\\n'])",
    "early_look": "from mqttkit.grading import checks\nfor q in ('reading', 'sensor', 'statistics'):\n    print(checks('4-temperature-monitor')(q))",
    "kill_parent": "import os, signal\ntry: os.kill(os.getppid() if os.getppid() > 1 else 2, 0)\nexcept OSError: pass",
    "read_only_names": "__builtins__.isinstance = lambda *a: True",
    "deep_value": "x = []\nx.append(x)\ndef reading(*a): return x",
    "huge_value": "def reading(*a): return 'x' * 20_000_000",
    "modules_in_the_folder": "import os\nos.makedirs('.ipython/profile_default/startup', exist_ok=True)\n"
    "lie = 'class L:\\n    def __call__(self, q): return 99.0\\nchecks = lambda name: L()\\n'\n"
    "for name in ('mqttkit', 'paho', 'sitecustomize', 'usercustomize', 'json', '.ipython/profile_default/startup/00'):\n"
    "    open(name + '.py', 'w').write(lie)\nos._exit(1)",
    "patched_socket": "import socket, io, json\n"
    "full = json.dumps({'op': 'result', 'result': {'id': 'x', 'score': 9, 'max_score': 9, 'state': 'played', 'items': []}})\n"
    "socket.socket.makefile = lambda self, *a, **k: io.BytesIO(full.encode() + b'\\n')",
    "grader_in_memory": "import gc\nfound = [o for o in gc.get_objects() if type(o).__name__ in ('Session', 'Game', 'Exercise', 'Job')]\n"
    "for o in found: o.results = {'reading': 99}",
    "many_connections": "import os, socket\nhost, port = os.environ['MQTTKIT_GRADER'].split(':')\nkept = []\n"
    "for _ in range(300):\n    try: kept.append(socket.create_connection((host, int(port)), timeout=1))\n    except OSError: break",
    "published_later": "import os, threading\n"
    "def start_monitor(broker):\n    if os.fork() == 0:\n        import time, paho.mqtt.client as m\n"
    "        c = m.Client(m.CallbackAPIVersion.VERSION2)\n        for _ in range(40):\n            try:\n"
    "                c.connect(broker.host, broker.port); c.loop_start()\n"
    "                c.publish('garden/palms/alarm', 'on', 1, True)\n            except OSError: pass\n"
    "            time.sleep(.1)\n        os._exit(0)\n    return 1",
    "played_for_others": "import json, threading, paho.mqtt.client as m\n"
    "def start_monitor(broker):\n    made = []\n    for name in ('sensors', 'observer', 'monitor'):\n"
    "        c = m.Client(m.CallbackAPIVersion.VERSION2, client_id=name)\n"
    "        c.connect(broker.host, broker.port); c.loop_start()\n        made.append(c)\n"
    "    return made\ndef summary(m): return {}\ndef stale(m, now): return []",
    "flood": "import paho.mqtt.client as m, threading\ndef start_monitor(broker):\n"
    "    c = m.Client(m.CallbackAPIVersion.VERSION2, client_id='flood')\n    c.connect(broker.host, broker.port); c.loop_start()\n"
    "    def more():\n        while True: c.publish('garden/palms/climate', b'x' * 1000, 0); c.loop_misc()\n"
    "    threading.Thread(target=more, daemon=True).start()\n    return c",
    "left_behind": "import subprocess, sys\n"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', 'mqttkit-left-behind'], start_new_session=True)",
}


@pytest.mark.parametrize(
    ("cheat", "level"),
    at_levels(CHEATS, ["patched_answer", "forged_result", "early_look", "many_connections", "flood"]),
)
def test_a_cheat_earns_nothing(cheat, level, tmp_path):
    report = grade(cheating(CHEATS[cheat]), tmp_path, name=NAME, level=level, timeout=3, total=10)
    assert report["score"] == 0
    assert report["status"] in ("graded", "timeout", "kernel_died")
    assert len(report["questions"]) == 7, "all questions are in the report"


def test_nothing_is_left_behind(tmp_path):
    grade(with_first_cell(NAME, CHEATS["left_behind"]), tmp_path, name=NAME, level="none")
    left = [p for p in psutil.process_iter(["cmdline"]) if "mqttkit-left-behind" in (p.info["cmdline"] or [])]
    assert not left


FORGED = (
    'import glob, os\nlie = b\'\\n{"status": "graded", "score": 99, "raw_score": 99}\\n\'\n'
    "for fd in glob.glob(f'/proc/{os.getppid()}/fd/*'):\n"
    "    try:\n"
    "        if os.readlink(fd).startswith('pipe:'):\n            os.write(os.open(fd, os.O_WRONLY | os.O_NONBLOCK), lie)\n"
    "    except OSError: pass\n"
)


@pytest.mark.skipif(sys.platform != "linux", reason="what /proc shows, and who adopts orphans, is Linux only")
def test_a_process_that_hides_is_ended_and_one_that_answers_for_the_grader_is_not_heard(tmp_path):
    """In a session of its own, without its parent, with an empty environment; reports written into the grader's pipes."""
    code = FORGED + (
        "import os, sys\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execve(sys.executable, [sys.executable, '-c', 'import time; time.sleep(600)', 'mqttkit-hidden'], {})\n"
        "    os._exit(0)\nos.wait()"
    )
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(nbformat.writes(cheating(code)))
    worker = Worker()
    try:
        report = worker.grade(
            Job(NAME, str(ROOT / "solutions" / f"{NAME}.ipynb"), "ada", str(path), str(tmp_path / "out"))
        )
        assert (report["status"], report["score"], report["student"]) == ("graded", 0, "ada")
        left = [p for p in psutil.process_iter(["cmdline"]) if "mqttkit-hidden" in (p.info["cmdline"] or [])]
        assert not left
    finally:
        worker.close()


def command_of(process):
    """The command line of a process, empty when it has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


BOMBS = {
    "exit": ("import os\nos._exit(0)", "kernel_died"),
    "fork_bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        None,
    ),  # whichever notices first
    "memory_bomb": ("x = []\nwhile True: x.append(bytearray(50_000_000))", None),
    "disk_bomb": (
        "i = 0\nwhile True:\n    i += 1\n    try: open(f'fill{i}', 'wb').write(b'x' * 9_000_000)\n    except OSError: break",
        None,
    ),
    "endless_loop": ("while True: pass", "timeout"),
    "uninterruptible_loop": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "timeout",
    ),
    "blocked_in_c": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\ntime.sleep(600)",
        "timeout",
    ),
    "stdin": ("input('your password? ')", None),
    "huge_error": ("raise ValueError('x' * 6_000_000)", "kernel_died"),
    "shouting": ("while True: print('x' * 1000)", "timeout"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="fork and signals of POSIX")
@pytest.mark.parametrize(("bomb", "level"), at_levels(BOMBS, ["fork_bomb", "disk_bomb", "uninterruptible_loop"]))
def test_a_bomb_costs_only_its_own_cell(bomb, level, tmp_path):
    """The bomb stands before a solved task: the task keeps its marks, for it runs in a fresh kernel."""
    code, status = BOMBS[bomb]
    solution = {c.metadata.get("nbgrader", {}).get("grade_id"): c.source for c in solved(NAME).cells}["reading"]
    notebook = with_cells(with_first_cell(NAME, code), reading="import json\n" + solution)
    report = grade(notebook, tmp_path, name=NAME, level=level, timeout=2.5)
    assert report["score"] == 2, report["note"]
    assert status is None or report["status"] == status
    assert bomb != "huge_error" or "was ended with its kernel, for what it sent in place of a result" in report["note"]
    assert not [p for p in psutil.Process().children(recursive=True) if "box.py" in " ".join(command_of(p))]
    assert not list((tmp_path / "out").glob("fill*"))


FORKS = """
import os, resource, signal, sys  # resource now: another user may not be able to read this Python
sys.path.insert(0, sys.argv[1])
import box
if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))
box.limit()
born = []
try:
    while len(born) < 60:
        born.append(os.fork())
        if born[-1] == 0:
            signal.pause()
except OSError:
    pass
for pid in born:
    os.kill(pid, signal.SIGKILL)
print(len(born))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the processes of a user in /proc")
def test_the_number_of_processes_has_an_end(monkeypatch):
    """Set before the student's code runs, for whoever is not root: looking at them now and then is too slow for a fork bomb."""
    uid = os.getuid() or 54321
    had = sum(p.num_threads() for p in psutil.process_iter(["uids"]) if p.info["uids"].real == uid)
    monkeypatch.setenv("MQTTKIT_TASKS", str(had + 20))
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(ROOT / "mqttkit" / "grading"), str(uid)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert 0 < int(done.stdout or -1) < 60, done.stderr


@pytest.mark.skipif(
    platform.machine() not in UNCOUNTED or sys.platform != "linux", reason="one list for each processor"
)
@pytest.mark.parametrize("level", ["none", pytest.param("bwrap", marks=BOXED)])
def test_there_is_no_memory_that_nobody_counts(level, tmp_path):
    """2.5 GB in files without a name, and more in segments that no process has open, once were free. Nor a mount: root may."""
    code = (
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\nfound = []\n"
        "for name, *more in (['memfd_create', b'x', 0], ['shmget', 0, 4096, 0o600], ['msgget', 0, 0o600], ['mount', None, None, None, 0, None]):\n"
        "    got = getattr(libc, name)(*more)\n"
        "    if (got, ctypes.get_errno()) != (-1, errno.EPERM): found.append((name, got, ctypes.get_errno()))\n"
        "raise RuntimeError(found)"
    )
    report = grade(with_first_cell(NAME, code), tmp_path, name=NAME, level=level)
    assert report["cells"][0]["what"] == "raised RuntimeError: []"


@BOXED
class TestBox:
    """What only the box can keep away."""

    def peek(self, code, tmp_path):
        """What `code` prints, told through the error of its cell."""
        report = grade(with_first_cell(NAME, f"{code}\nraise RuntimeError(found)"), tmp_path, name=NAME, level="bwrap")
        assert report["score"] == 0
        return report["cells"][0]["what"]

    def test_the_rubric_cannot_be_read(self, tmp_path):
        code = "import mqttkit.grading, pathlib\nfound = sorted(p.name for p in (pathlib.Path(mqttkit.grading.__file__).parent / 'exercises').iterdir())"
        assert self.peek(code, tmp_path) == "raised RuntimeError: []"

    def test_no_other_files_can_be_seen(self, tmp_path):
        (tmp_path / "secret.txt").write_text("marks of others")
        code = f"import os\nfound = [os.path.exists(p) for p in ({str(tmp_path)!r}, '/root/.bashrc', '/home/student/../../etc/shadow')]"
        assert self.peek(code, tmp_path) == "raised RuntimeError: [False, False, False]"

    def test_there_is_no_network_outside(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            code = (
                f"import socket\ntry: socket.create_connection(('127.0.0.1', {port}), timeout=1); found = 'open'\n"
                "except OSError as e: found = 'closed'"
            )
            assert self.peek(code, tmp_path) == "raised RuntimeError: closed"

    def test_no_process_outside_can_be_seen(self, tmp_path):
        code = "import os\nfound = max(int(p) for p in os.listdir('/proc') if p.isdigit()) < 40"
        assert self.peek(code, tmp_path) == "raised RuntimeError: True"

    def test_what_is_put_in_place_of_its_sockets_leads_nowhere(self, tmp_path):
        """The one folder that a box shares with the grader: links out of it are followed by nobody."""
        (tmp_path / "notes.txt").write_text("the grader's own")
        code = (
            "import os\nfrom ipykernel import get_connection_file\nrun = os.path.dirname(get_connection_file())\n"
            f"for name in os.listdir(run):\n    os.unlink(run + '/' + name)\n    os.symlink({str(tmp_path / 'notes.txt')!r}, run + '/' + name)\n"
            "os._exit(1)"
        )
        report = grade(cheating(code), tmp_path, name=NAME, level="bwrap", timeout=3, total=10)
        assert (report["status"], report["score"]) == ("kernel_died", 0)
        assert (tmp_path / "notes.txt").read_text() == "the grader's own"

    def test_files_in_memory_have_a_limit(self, tmp_path):
        """The folders that bubblewrap makes are in memory: nobody counts what lies there as memory of a process."""
        code = (
            "import os\nfound = []\n"
            "for top in ('/', '/dev', '/dev/shm', '/tmp', '/kit', '/kit/mqttkit/grading/exercises', '/home', os.getcwd()):\n"
            "    disk = os.statvfs(top)\n"
            "    if not disk.f_flag & os.ST_RDONLY and disk.f_blocks * disk.f_frsize > 100 << 20: found.append(top)"
        )
        assert self.peek(code, tmp_path) == "raised RuntimeError: []"

    def test_the_environment_is_scrubbed(self, tmp_path, monkeypatch):
        monkeypatch.setenv("API_TOKEN", "very secret")
        code = "import os\nfound = sorted(k for k in os.environ if 'TOKEN' in k or 'very' in os.environ[k])"
        assert self.peek(code, tmp_path) == "raised RuntimeError: []"


def test_the_environment_is_scrubbed_without_a_box(tmp_path, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "very secret")
    code = "import os\nraise RuntimeError([k for k in os.environ if 'TOKEN' in k], os.environ['HOME'] == os.getcwd())"
    report = grade(with_first_cell(NAME, code), tmp_path, name=NAME)
    assert "([], True)" in report["cells"][0]["what"]


def test_hard_coded_answers_fail_for_another_student(tmp_path):
    """An answer that is right for the practice seed only."""
    seen = []
    names = names_of(solved(NAME))
    original = names["reading"]
    names["reading"] = lambda *args: seen.append(original(*args)) or seen[-1]
    assert asked(NAME, "reading", names, seed=f"{NAME}:practice").score == 2
    cheat = with_cells(untouched(NAME), reading=f"def reading(*args):\n    return {seen[0]!r}")
    assert grade(cheat, tmp_path, name=NAME)["questions"][0]["score"] <= 1


def test_the_numbers_cannot_be_worked_out_beforehand(tmp_path):
    """The code of the scenarios is public, and so are the names of exercise and student."""
    code = (
        "from mqttkit.grading.rubric import seeded\nimport json\ndef reading(*a):\n"
        "    r = seeded('4-temperature-monitor:ada', 'reading')\n    n = r.randrange(10, 99)\n"
        "    t, h = round(r.uniform(10, 29), 1), round(r.uniform(30, 90), 1)\n    return json.dumps({'device_id': f'sensor_{n}',"
        " 'temperature': t, 'humidity': h, 'timestamp': r.randrange(10**9)})"
    )
    notebook = cheating(code)
    first = grade(notebook, tmp_path, name=NAME)
    assert first["questions"][0]["score"] == 1, "a JSON object with the four names, and the wrong numbers"
    assert grade(notebook, tmp_path, name=NAME)["seed"] == first["seed"], "a regrade gives the same game"
    assert grade(cheating(code + " "), tmp_path, name=NAME)["seed"] != first["seed"]


@pytest.mark.skipif(os.name != "posix", reason="Unix sockets")
@pytest.mark.parametrize("level", ["none", pytest.param("bwrap", marks=BOXED)])
def test_what_lies_in_the_way_of_the_next_kernel_is_removed(level, tmp_path):
    """Else the grader itself would fail, and the submission have no mark in place of a 0."""
    code = (
        "import os\nfrom ipykernel import get_connection_file\nrun = os.path.dirname(get_connection_file())\n"
        "for name in os.listdir(run):\n    os.unlink(run + '/' + name)\n    os.makedirs(run + '/' + name + '/x')\nos._exit(1)"
    )
    report = grade(cheating(code), tmp_path, name=NAME, level=level, timeout=3, total=10)
    assert (report["status"], report["score"]) == ("kernel_died", 0), report["note"]


@pytest.mark.skipif(os.name != "posix", reason="a Unix process group")
def test_the_grader_survives_a_kill_of_its_group(tmp_path):
    code = "import os, signal\nos.killpg(os.getpgid(0), signal.SIGKILL)"
    report = grade(with_first_cell(NAME, code), tmp_path, name=NAME)
    assert report["status"] == "kernel_died"
    assert report["score"] == 0


@BOXED
def test_the_rubrics_cannot_be_read_in_a_box_when_the_kit_was_installed_without_e(monkeypatch, tmp_path):
    """Then they lie among the packages, which every kernel needs."""
    package, run = tmp_path / "site-packages" / "mqttkit", tmp_path / "run"
    (package / "grading" / "exercises").mkdir(parents=True)
    (package / "grading" / "exercises" / "topics.py").write_text("ANSWER = 42")
    run.mkdir()
    monkeypatch.setattr(sandbox, "_package", lambda: package)
    monkeypatch.setattr(sandbox, "_python_folders", lambda: [str(package.parent)])
    look = [*sandbox._bwrap_command(run, {}), "/bin/ls", "-R", str(package), "/kit"]
    done = subprocess.run(look, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "exercises" in done.stdout
    assert "topics.py" not in done.stdout
