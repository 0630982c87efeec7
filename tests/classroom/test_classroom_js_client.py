"""The page's own MQTT client, run in Node against brokers of different makes."""

from __future__ import annotations

from pathlib import Path

from support.node import aedes, run_node

SCRIPT = Path(__file__).parent / "node" / "mqtt_client.test.mjs"


def test_the_client_of_the_page_against_aedes():
    with aedes() as ports:
        done = run_node(SCRIPT, BROKER_URL=f"ws://127.0.0.1:{ports['ws_port']}/mqtt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 9
