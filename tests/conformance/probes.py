"""What a probe is: one question of the standard, asked of a real broker over raw sockets, and the one right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from support.rawmqtt import Raw


@dataclass(frozen=True)
class Probe:
    """One question.

    `expected` is what the standard (or, where it leaves room, mosquitto) says; `guards` names the corrections of the
    embedded engine without which the answer must be another one.
    """

    name: str
    statement: str
    question: str
    expected: str
    guards: tuple[str, ...]
    also: tuple[str, ...]  # further statements that a wrong answer would break
    ask: Callable[[Net], str]

    def run(self, host: str, port: int, settle: float = 0.0) -> str:
        net = Net(host, port, settle)
        try:
            return self.ask(net)
        except TimeoutError:
            return "no answer"
        except (EOFError, ConnectionError):
            return "closed"
        finally:
            net.close()


PROBES: dict[str, Probe] = {}


def probe(statement: str, expected: str, *guards: str, also: tuple[str, ...] = ()):
    def register(ask):
        name = ask.__name__
        assert name not in PROBES
        PROBES[name] = Probe(name, statement, ask.__doc__.strip(), expected, guards, also, ask)
        return ask

    return register


class Net:
    """Connections to one broker."""

    def __init__(self, host: str, port: int, settle: float) -> None:
        self.host, self.port, self.settle = host, port, settle
        self._open: list[Raw] = []

    def raw(self) -> Raw:
        self._open.append(Raw(self.host, self.port, settle=self.settle))
        return self._open[-1]

    def client(self, client_id: str, **options) -> Raw:
        raw = self.raw()
        raw.connect(client_id, **options)
        return raw

    def subscriber(self, *wanted, client_id: str = "subscriber", **options) -> Raw:
        raw = self.client(client_id, **options)
        raw.subscribe(*wanted)
        return raw

    def persistent(self, client_id: str = "sleeper", **options) -> tuple[Raw, tuple[int, int]]:
        raw = self.raw()
        return raw, raw.connect(client_id, clean=False, **options)

    def close(self) -> None:
        for raw in self._open:
            raw.close()
