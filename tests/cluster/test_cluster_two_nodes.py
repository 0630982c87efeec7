"""A cluster of two brokers of another make: what one node knows survives its death."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import psutil
import pytest

from mqttkit import Client, chat
from mqttkit.chat.client import ChatClient
from mqttkit.classroom import Classroom
from mqttkit.classroom.cluster import Cluster
from mqttkit.errors import BrokerError, Timeout
from support.needs import need

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    for program in ("node", "npm", "redis"):
        need(program)
    with Cluster() as running:
        yield running


def link_up(publisher, receiver, topic):
    """Wait until `receiver` gets what `publisher` sends on the other node: aedes answers with SUBACK before Redis knows."""
    for _ in range(50):
        publisher.publish(topic, "are you there?", qos=1)
        with contextlib.suppress(Timeout):
            receiver.wait_for(1, 0.2, topic=topic)
            break
    else:
        pytest.fail("the nodes are not linked")
    with contextlib.suppress(Timeout):
        while True:
            receiver.wait_for(1, 0.2)


def test_publisher_on_a_subscriber_on_b(cluster):
    with Client(cluster.urls["b"], "display") as display, Client(cluster.urls["a"], "sensor") as sensor:
        assert display.subscribe("home/#", qos=1) == 1
        link_up(sensor, display, "home/ping")
        for qos in (0, 1):
            sensor.publish("home/t", f"2{qos}", qos=qos)
            assert display.wait_for(1, 5)[0].text == f"2{qos}"


def test_sessions_and_retained_messages_survive_the_death_of_a_node(cluster):
    sleeper = Client(cluster.urls["a"], "sleeper", clean_session=False).connect()
    sleeper.subscribe("home/#", qos=1)
    sleeper.close()
    with Client(cluster.urls["a"], "sensor") as sensor, Client(cluster.urls["b"], "witness") as witness:
        witness.subscribe("home/#", qos=1)
        link_up(sensor, witness, "home/ping")
        for topic, text, retain in (("home/retained", "21.5", True), ("home/queued", "while asleep", False)):
            sensor.publish(topic, text, qos=1, retain=retain)
            # One by one: aedes answers with PUBACK before Redis has a message, and a message that is overtaken on the way
            # (a retained one takes longer) is dropped by the other node as an old copy.
            witness.wait_for(1, 5)
    cluster.kill("a")
    with Client(cluster.urls["b"], "sensor2") as sensor:
        sensor.publish("home/queued", "after the death", qos=1)
    back = Client(cluster.urls["b"], "sleeper", clean_session=False).connect()
    assert back.session_present
    seen = set()
    while not {"21.5", "while asleep", "after the death"} <= seen:  # QoS 1: a message may come twice
        seen.add(back.wait_for(1, 5)[0].text)
    back.close()
    with Client(cluster.urls["b"], "late") as late:
        late.subscribe("home/retained")
        assert late.wait_for(1, 5)[0].retain


def test_a_client_comes_back_when_its_node_does(cluster):
    with Client(cluster.urls["b"], "sensor") as sensor:
        phone = Client(cluster.urls["a"], "phone", clean_session=False, reconnect=True).connect()
        phone.subscribe("home/#", qos=1)
        link_up(sensor, phone, "home/ping")
        cluster.kill("a")
        sensor.publish("home/t", "missed", qos=1)
        cluster.start_node("a")
        phone.wait_for(1, 15, topic="home/t")
        phone.close()


def test_the_will_of_a_client_on_a_dead_node_is_sent_by_the_other(cluster):
    with Client(cluster.urls["b"], "display") as display:
        display.subscribe([("chat/r/presence/+", 1), ("chat/ping", 1)])
        with Client(cluster.urls["a"], "sensor") as sensor:
            link_up(sensor, display, "chat/ping")
        lost = Client(cluster.urls["a"], "lost", will=chat.presence_will("r", "lost", "Lost")).connect()
        cluster.kill("a")
        assert chat.decode(*_topic_and_payload(display.wait_for(1, 20)[0])).online is False
        lost.close()


def test_a_class_meets_across_the_nodes(cluster):
    with (
        Classroom("r", broker=cluster.urls["a"]) as one,
        Classroom("r", broker=cluster.urls["b"]) as two,
        ChatClient(one.url, "r", "Ada", password=one.password) as ada,
        ChatClient(two.ws_url, "r", "Bob", password=two.password) as bob,
    ):
        ada.wait_for_people("Ada", "Bob", timeout=5)
        bob.say("across")
        assert ada.wait_for_lines(1, timeout=5)[0].text == "across"


def test_the_script_obeys_and_ends():
    for program in ("node", "npm", "redis"):
        need(program)
    command = [sys.executable, "-m", "mqttkit.classroom.cluster"]
    done = subprocess.run(
        command,
        input="kill a\nkill a\nstart a\nstart a\nnonsense\n\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<Cluster: node b>") == 2
    assert done.stdout.count("<Cluster: node a, node b>") == 3
    assert done.stderr.splitlines() == [
        "Node a does not run.",
        "Node a runs already.",
        '"kill a", "start a", or an empty line',
    ]


def test_nothing_of_it_outlives_a_process_that_is_killed():
    for program in ("node", "npm", "redis"):
        need(program)
    command = [sys.executable, "-m", "mqttkit.classroom.cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "an empty line" in line:
                break
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert len(family) >= 3  # Redis and two nodes
    assert alive == []


def part_with(word):
    """The process of a cluster of ours that has this word in its command."""
    return next(p for p in psutil.Process().children() if word in " ".join(p.cmdline()))


def end(process):
    """End it, and leave its exit code where it is."""
    process.terminate()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_a_node_that_ends_by_itself_is_told_with_its_last_words(cluster):
    cluster.check()
    end(part_with("broker.js"))
    with pytest.raises(
        BrokerError, match=r"Node [ab] of the cluster has ended by itself \(exit code -15\)\. It said: .*ws_port"
    ):
        cluster.check()


def test_nodes_live_on_without_redis_for_a_while_and_it_is_named(cluster):
    end(part_with("redis-server"))
    nodes, until = cluster._nodes.values(), time.monotonic() + 20
    while not all("Redis: " in node.said() for node in nodes) and time.monotonic() < until:
        time.sleep(0.05)  # a line in another process's output is no event here
    assert [node.exit_code() for node in nodes] == [None, None]
    assert all("Redis: " in node.said() for node in nodes)
    with pytest.raises(BrokerError, match=r"^Redis of the cluster has ended by itself"):
        cluster.check()


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(BrokerError, match="redis-server is not installed"):
        Cluster().start()


def _topic_and_payload(message):
    return message.topic, message.payload
