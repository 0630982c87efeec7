"""TopicTree and the rules of topic filters in the page."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from mqttkit import Broker, Client, TopicTree
from mqttkit.topics import check_topic_filter, matches
from mqttkit.widgets import tree as tree_module
from mqttkit.widgets.assets import HERE
from support import need
from support.waiting import until


@pytest.fixture(scope="module")
def broker():
    with Broker() as running:
        yield running


@pytest.fixture
def house(broker):
    with Client(broker, "house") as client:
        yield client


@pytest.fixture
def tree(broker):
    widget = TopicTree(broker)
    yield widget
    widget.close()


def test_values_counts_and_the_still_twin(house, tree):
    for value in ("21.5", "21.6"):
        house.publish("home/kitchen/temperature", value, qos=1)
    house.publish("/odd", b"\x00\xff", qos=1)
    until(lambda: tree.messages == 3)
    assert tree.text().splitlines() == [
        "(empty)",
        "  odd = 00 ff  (1 message)",
        "home",
        "  kitchen",
        "    temperature = 21.6  (2 messages)",
    ]


def test_retain_marks_what_the_broker_keeps_and_goes_when_it_is_cleared(house, tree):
    house.publish("kept/live", "1", qos=1, retain=True)
    until(lambda: "kept/live" in tree.topics)
    assert "retained" in tree.text()
    house.publish("kept/live", "", qos=1, retain=True)
    until(lambda: tree.topics["kept/live"].count == 2)
    assert "retained" not in tree.text()


def test_only_changed_topics_are_told_and_a_new_page_gets_all(house, tree):
    for name in ("a", "b", "c"):
        house.publish(f"told/{name}", "1", qos=1)
    until(lambda: tree.messages == 3)
    tree.changes()
    house.publish("told/b", "2", qos=1)
    until(lambda: tree.messages == 4)
    assert list(tree.changes().content["topics"]) == ["told/b"]
    assert len(tree.state().content["topics"]) == 3


def test_the_number_of_topics_is_bounded_and_what_is_left_out_is_said(house, tree, monkeypatch):
    monkeypatch.setattr(tree_module, "MAX_TOPICS", 5)
    for n in range(8):
        house.publish(f"many/{n}", n, qos=1)
    until(lambda: tree.messages == 8)
    assert len(tree.topics) == 5
    assert tree.state().content["dropped"] == 3


def test_the_history_of_a_topic_is_short(house, tree):
    for n in range(30):
        house.publish("long", n, qos=1)
    until(lambda: tree.messages == 30)
    tree.select("long")
    history = [value for _, value in tree.state().content["history"]]
    assert history == [str(n) for n in range(10, 30)]


def test_two_trees_do_not_throw_each_other_out(broker, tree):
    other = TopicTree(broker)
    names = [client.client_id for client in broker.clients()]
    assert sorted(names) == ["topic-tree", "topic-tree-2"]
    other.close()
    until(lambda: len(broker.clients()) == 1)


def test_it_comes_back_after_the_broker_was_restarted(house):
    with Broker() as broker:
        tree = TopicTree(broker)
        broker.restart()
        until(lambda: tree.state().content["connected"], timeout=10)
        with Client(broker, "late") as late:
            late.publish("after/restart", "1", qos=1)
            until(lambda: "after/restart" in tree.topics, timeout=10)
        tree.close()


def test_the_page_knows_the_same_rules_as_the_kit():
    node = need("node")
    dice = random.Random(5)
    level = lambda: dice.choice(["a", "b", "", "+", "#", "a+", "$s", "é"])  # noqa: E731
    filters = ["/".join(level() for _ in range(dice.randint(1, 4))) for _ in range(300)]
    topics = ["/".join(dice.choice(["a", "b", "", "$s", "é"]) for _ in range(dice.randint(1, 4))) for _ in range(40)]
    topics = [topic for topic in topics if topic]
    script = f"""
      import {{ filterMatches, filterProblem }} from {json.dumps((HERE / "topics.js").as_uri())};
      const [filters, topics] = JSON.parse(await new Response(process.stdin).text());
      console.log(JSON.stringify(filters.map((f) => filterProblem(f) ? null : topics.map((t) => filterMatches(f, t)))));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        input=json.dumps([filters, topics]),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    for topic_filter, answers in zip(filters, json.loads(done.stdout), strict=True):
        assert answers == expected(topic_filter, topics), topic_filter


def test_closed_branches_of_a_large_tree_tell_how_much_in_them_matches():
    node = need("node")
    script = f"""
      import {{ TopicModel }} from {json.dumps((HERE / "tree_model.js").as_uri())};
      const model = new TopicModel();
      const topics = (from, to) => Object.fromEntries(Array.from({{ length: to - from }}, (_, i) =>
        [`plant/hall${{(from + i) % 40}}/machine${{from + i}}/temperature`, ["1", 1, 0, false]]));
      model.put(topics(0, 5000));
      for (const path of ["plant/hall7", "plant/hall8"]) model.toggle(model.nodes.get(path), false);
      model.setFilter("plant/hall7/+/temperature", false);
      model.put(topics(5000, 5010));  // arrives while the filter stands
      const found = (path) => model.nodes.get(path).found;
      console.log(JSON.stringify([model.hits, found("plant"), found("plant/hall7"), found("plant/hall8"), model.rows().length]));
      model.setFilter("", false);
      console.log(JSON.stringify([model.hits, found("plant"), model.nodes.get("plant/hall7").hit]));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )
    marked, cleared = map(json.loads, done.stdout.splitlines())
    assert marked[:4] == [126, 126, 126, 0]  # 5000 / 40, and one of those that came later
    assert marked[4] < 5010 + 2 * 5010 + 41  # what is closed is no row
    assert cleared == [0, 0, False]


def expected(topic_filter, topics):
    try:
        check_topic_filter(topic_filter)
    except ValueError:
        return None
    return [matches(topic_filter, topic) for topic in topics]


def test_no_front_end_file_makes_html_out_of_text():
    for path in Path(HERE).glob("*.js"):
        code = path.read_text(encoding="utf-8")
        for danger in ("innerHTML =", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function("):
            assert danger not in code, (path.name, danger)
