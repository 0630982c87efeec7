"""Fixtures of the browser tests."""

import pytest

from support.host import HostPage


@pytest.fixture
def host(browser, tmp_path, monkeypatch):
    """A page that offers nothing but the anywidget contract; what is answered there is remembered nowhere else."""
    monkeypatch.setenv("MQTTKIT_HOME", str(tmp_path))
    page = HostPage(browser)
    yield page
    page.close()
