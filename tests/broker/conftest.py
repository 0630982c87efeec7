"""Raw connections that are closed at the end of each test."""

from __future__ import annotations

import pytest

from support.rawmqtt import Raw


@pytest.fixture
def raw():
    """raw(broker, kind="mqtt"): a TCP connection to a broker's listener."""
    opened = []

    def connect(broker, kind="mqtt", **options):
        opened.append(Raw(broker.host, broker.ports[kind], **options))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def client(raw):
    """client(broker, name, **CONNECT options): a connection that is let in."""

    def connect(broker, name, **options):
        one = raw(broker)
        assert one.connect(name, **options)[1] == 0
        return one

    return connect
