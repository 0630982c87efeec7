"""Cold start: a new Python process, a broker comes up, the first QoS 1 message is delivered.

The kit (embedded broker) against a script with a mosquitto process and raw paho; and `import mqttkit` against
`import paho.mqtt.client`. Run: python tests/benchmarks/bench_cold_start.py [rounds]. Bar: ratio <= 2.0 (medians, interleaved).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from mqttkit.broker.mosquitto import find_mosquitto

KIT = """
from mqttkit import Broker, Client
with Broker() as broker, Client(broker, "alice") as alice:
    alice.subscribe("home/temperature", 1)
    alice.publish("home/temperature", "21.5", 1)
    assert alice.wait_for()[0].text == "21.5"
"""

LAB = """
from mqttkit import Lab
with Lab() as lab:
    alice = lab.client("alice")
    alice.subscribe("home/temperature", 1)
    alice.publish("home/temperature", "21.5", 1)
    assert alice.wait_for()[0].text == "21.5"
"""

# What a careful person writes without the kit: a free port, mosquitto, wait until it listens, paho.
RAW = f"""
import socket, subprocess, threading, time
import paho.mqtt.client as mqtt
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
process = subprocess.Popen([{find_mosquitto()!r}, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while True:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        break
    except OSError:
        time.sleep(0.002)
got = threading.Event()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="alice")
client.on_connect = lambda c, *_: c.subscribe("home/temperature", 1)
client.on_subscribe = lambda c, *_: c.publish("home/temperature", "21.5", 1)
client.on_message = lambda *_: got.set()
client.connect("127.0.0.1", port)
client.loop_start()
assert got.wait(5)
client.disconnect()
client.loop_stop()
process.terminate()
process.wait()
"""

IMPORT_KIT = "import mqttkit"
IMPORT_CLIENT = "from mqttkit import Client"
IMPORT_PAHO = "import paho.mqtt.client"
EMPTY = "pass"
# Installed packages are compiled; so is a clone that was used once, unless this says otherwise.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(code: str) -> float:
    """Wall-clock seconds of a new Python process that runs `code`."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)
    return time.perf_counter() - begin


def main() -> None:
    """Print medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    codes = {
        "empty Python": EMPTY,
        "import paho.mqtt.client": IMPORT_PAHO,
        "import mqttkit": IMPORT_KIT,
        "from mqttkit import Client": IMPORT_CLIENT,
        "mosquitto + raw paho": RAW,
        "kit: Broker + Client": KIT,
        "kit: Lab": LAB,
    }
    for code in codes.values():
        seconds(code)  # compiled files, file cache
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            times[name].append(seconds(code))
    median = {name: statistics.median(column) for name, column in times.items()}
    for name, value in median.items():
        print(f"{name:28} {value * 1000:6.0f} ms")
    empty = median["empty Python"]
    imports = (median["import mqttkit"] - empty) / (median["import paho.mqtt.client"] - empty)
    print(f"import mqttkit / import paho.mqtt.client (above an empty Python): {imports:.2f}")
    for name in ("kit: Broker + Client", "kit: Lab"):
        print(f"cold start, {name}: ratio {median[name] / median['mosquitto + raw paho']:.2f} (bar 2.0)")


if __name__ == "__main__":
    main()
