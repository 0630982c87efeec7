"""Which subscriptions match a topic: the index finds exactly what the rules say."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqttkit.broker.embedded.filters import FilterIndex
from mqttkit.topics import matches

# The same examples in every run, and no failure because the machine is busy.
CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
LEVEL = st.sampled_from(["", "a", "b", "$x", "é"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTER = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(st.one_of(LEVEL, st.just("+")), min_size=0, max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(bool)


@given(st.lists(st.tuples(FILTER, st.sampled_from("xyz"), st.integers()), max_size=12), TOPIC)
@settings(CALM)
def test_index_finds_exactly_what_matches(entries, topic):
    index = FilterIndex[int]()
    for topic_filter, key, value in entries:
        index.add(topic_filter, key, value)
    newest = {(f, k): v for f, k, v in entries}
    expected = sorted((f, k, v) for (f, k), v in newest.items() if matches(f, topic))
    assert sorted(index.match(topic)) == expected


def test_one_client_replaces_its_own_subscription():
    index = FilterIndex[int]()
    index.add("a/+", "bob", 0)
    index.add("a/+", "bob", 2)
    assert index.match("a/b") == [("a/+", "bob", 2)]
    assert len(index) == 1


def test_removing_forgets_and_leaves_the_others():
    index = FilterIndex[int]()
    for key in ("bob", "eve"):
        for topic_filter in ("#", "a/#", "a/b", "$share/g/a/b"):
            index.add(topic_filter, key, 1)
    assert len(index.match("a/b")) == 8
    assert index.remove("a/b", "bob") is True
    assert index.remove("a/b", "bob") is False
    assert index.remove("no/such", "nobody") is False
    assert index.remove_key("eve") == 4
    assert sorted(f for f, _, _ in index.match("a/b")) == ["#", "$share/g/a/b", "a/#"]
    assert index.filters("bob") == ["#", "a/#", "$share/g/a/b"]
    index.remove_key("bob")
    assert index.match("a/b") == []
    assert index._root.children == {}


def test_result_belongs_to_the_caller():
    index = FilterIndex[int]()
    index.add("a", "bob", 1)
    index.match("a").clear()
    assert index.match("a") == [("a", "bob", 1)]


def test_very_deep_topics_neither_crash_nor_hang():
    deep = "/" * 65535
    index = FilterIndex[int]()
    index.add(deep, "bob", 1)
    index.add("+" + "/+" * 30000 + "/#", "eve", 1)
    assert [key for _, key, _ in index.match(deep)] == ["bob", "eve"]
    assert matches(deep, deep)
