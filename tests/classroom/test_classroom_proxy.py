"""The class as it works on Binder: behind a Jupyter server that passes everything on (jupyter-server-proxy)."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request

import pytest

from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from support.needs import need

TOKEN = "token-of-the-test"


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """Address of a real Jupyter server with the proxy."""
    need("jupyter_server_proxy")
    home = tmp_path_factory.mktemp("home")
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--ServerApp.ip=127.0.0.1",
    ]
    command += ["--ServerApp.jpserver_extensions=jupyter_server_proxy=True"]
    environment = {
        **os.environ,
        "JUPYTER_TOKEN": TOKEN,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_RUNTIME_DIR": str(home),
    }
    with subprocess.Popen(command, cwd=home, env=environment, stderr=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stderr:
            if "http://127.0.0.1:" in line:
                yield "http://127.0.0.1:" + line.partition("http://127.0.0.1:")[2].partition("/")[0]
                break
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def classroom():
    with Classroom("physics") as running:
        yield running


def proxied(jupyter, classroom, path=""):
    return f"{jupyter}/proxy/{classroom.port}/{path}?token={TOKEN}"


def test_two_clients_meet_through_the_proxy(jupyter, classroom):
    url = proxied(jupyter, classroom, "mqtt").replace("http:", "ws:")
    with (
        ChatClient(url, "physics", "Ada", password=classroom.password) as ada,
        ChatClient(url, "physics", "Bob", password=classroom.password) as bob,
    ):
        ada.wait_for_people("Ada", "Bob", timeout=5)
        bob.say("through the proxy")
        assert ada.wait_for_lines(1, timeout=5)[0].text == "through the proxy"
        bob.pull_the_plug()
        ada.wait_for_people("Ada", timeout=5)


def test_the_page_comes_through_the_proxy_and_only_with_the_token(jupyter, classroom):
    with urllib.request.urlopen(proxied(jupyter, classroom), timeout=10) as answer:
        assert b"What your phone just sent" in answer.read()
    with urllib.request.urlopen(f"{jupyter}/proxy/{classroom.port}/", timeout=10) as answer:
        assert "/login" in answer.url
        assert b"What your phone just sent" not in answer.read()


@pytest.mark.browser
def test_a_phone_joins_by_a_shared_link(jupyter, classroom, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(proxied(jupyter, classroom) + f"#p={classroom.password}")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Join").click()
    page.locator("#room").wait_for()
    with ChatClient(classroom.url, "physics", "Bob", password=classroom.password) as bob:
        bob.wait_for_people("Ada", "Bob", timeout=5)
        bob.say("welcome")
        page.get_by_text("welcome").wait_for()
    context.close()


@pytest.mark.browser
def test_the_instructors_page_invites_to_the_address_it_was_opened_at(jupyter, classroom, browser):
    page = browser.new_page()
    page.goto(proxied(jupyter, classroom, "instructor"))
    page.get_by_label("Instructor's key").fill(classroom.instructor_key)
    page.keyboard.press("Enter")
    page.get_by_text(proxied(jupyter, classroom)).wait_for()
    page.wait_for_function("document.getElementById('qr').naturalWidth > 100")
    page.close()
