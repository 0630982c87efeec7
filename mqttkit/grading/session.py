"""The grader's end of the check socket: plays each question once, when its own check cell runs, and keeps the results."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from pathlib import Path
from typing import Any

from mqttkit._sockets import accepted, shut, unix_server
from mqttkit.errors import GradingError
from mqttkit.grading import sentences
from mqttkit.grading.check import LINE
from mqttkit.grading.game import Gate, StudentError
from mqttkit.grading.play import play
from mqttkit.grading.rubric import Exercise, Result, without_play

LINKS = 16  # connections to the check socket at the same time


class Session:
    """One submission's results, and the socket over which its kernel asks for checks.

    The student's kernel can ask for anything at any time; only a question that the runner has opened is played, and each
    is played once. What the kernel claims about its own score is never read.

    Args:
        exercise: the questions.
        seed: names the random numbers of this submission.
        path: a Unix socket to listen on, for a kernel without a network; None listens on a free loopback port.
        gate: see `Game`.
    """

    def __init__(self, exercise: Exercise, seed: str, *, path: Path | None = None, gate: Gate | None = None) -> None:
        self.exercise = exercise
        self.seed = seed
        self.secret = secrets.token_hex(16)
        self.results: dict[str, Result] = {}
        self.packets: dict[str, list[dict[str, Any]]] = {}
        self._gate = gate
        self._open: str | None = None
        self._lock = threading.Lock()  # one play at a time
        self._links: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0)) if path is None else unix_server(path)
        threading.Thread(target=self._serve, name="mqttkit-check-socket", daemon=True).start()

    @property
    def port(self) -> int:
        """The loopback port of the check socket."""
        return int(self._server.getsockname()[1])

    def open(self, question: str | None) -> None:
        """From now on only `question` counts; None closes all."""
        self._open = question

    def close(self) -> None:
        """End the socket and every connection to it."""
        for link in [self._server, *self._links]:
            shut(link)
        with self._lock:  # the play that was under way has ended
            self._open = None

    def _serve(self) -> None:
        for link in accepted(self._server):
            self._links = [known for known in self._links if known.fileno() >= 0]
            if len(self._links) >= LINKS:
                link.close()  # a kernel has one check at a time; more would only cost threads of the grader
                continue
            self._links.append(link)
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        channel = SocketChannel(link)
        try:
            opening = channel.receive(10.0)
            if hmac.compare_digest(str(opening.get("secret")).encode(), self.secret.encode()):
                channel.send({"op": "result", "result": self._result(str(opening.get("question")), channel)})
        except (StudentError, OSError):
            return  # the kernel has gone; whatever was judged until then is kept
        finally:
            shut(link)

    def _result(self, name: str, channel: SocketChannel) -> dict[str, Any]:
        with self._lock:
            try:
                question = self.exercise[name]
            except GradingError as error:
                return without_play(name, "preview", str(error))
            if name != self._open:
                return without_play(name, "preview", "scored only in its own check cell")
            if name not in self.results:
                tape = self.packets.setdefault(name, [])
                self.results[name] = play(question, channel, self.seed, self._gate, tape)
            return self.results[name].as_json()


class SocketChannel:
    """The way to a student's kernel over the connection that its `check` opened: one JSON object per line."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._file = link.makefile("rb")

    def send(self, message: dict[str, Any]) -> None:
        """Send one line."""
        self._link.settimeout(5.0)
        self._link.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout: float) -> dict[str, Any]:
        """The next line. Raises StudentError when none comes in time, or when it is not an object in JSON."""
        self._link.settimeout(timeout)
        try:
            line = self._file.readline(LINE)
        except OSError:
            raise StudentError(sentences.gone(f"none within {timeout:g} s")) from None
        if not line.endswith(b"\n"):
            raise StudentError(sentences.gone("its connection ended"))
        return _object(line)

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send one request; its answer. Raises StudentError when the kernel does not answer."""
        try:
            self.send(request)
        except OSError:
            raise StudentError(sentences.gone("its connection ended")) from None
        return self.receive(timeout)


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise StudentError(sentences.gone("it sent something that is not an answer"))
    return message
