"""Access rules and users without a broker."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from mqttkit import Broker, BrokerError, InvalidTopic
from mqttkit._sockets import reachable_address
from mqttkit.security import Access, LessonCA, Users, covers, hash_password, hosts_at, verify_password
from mqttkit.topics import matches


def may(rules, action, topic, user="anna", client_id="c1"):
    return Access(rules).allows(action, topic, user=user, client_id=client_id)


def test_nothing_is_allowed_that_no_rule_allows():
    assert not may([], "publish", "t")
    assert not may(["bert all #"], "publish", "t")
    assert not may(["anna publish #"], "subscribe", "t")


def test_words_for_actions():
    for word, actions in {
        "write": {"publish"},
        "read": {"subscribe", "receive"},
        "publish,receive": {"publish", "receive"},
    }.items():
        allowed = {action for action in ("publish", "subscribe", "receive") if may([f"* {word} t"], action, "t")}
        assert allowed == actions


def test_mapping_form_is_the_same():
    rules = {"anna": {"read": ["home/#", "t"], "write": "home/%u"}, "*": {"all": ["open"]}}
    lines = ["anna read home/#", "anna read t", "anna write home/%u", "* all open"]
    assert Access(rules).rules == Access(lines).rules


def test_a_topic_filter_may_hold_spaces():
    assert may(["anna write living room/#"], "publish", "living room/lamp")


def test_file_form(tmp_path):
    file = tmp_path / "access.txt"
    file.write_text("# the class\n\n* read lesson/#\ndeny bert all #\n", encoding="utf-8")
    access = Access.load(file)
    assert access.allows("receive", "lesson/1", user="anna", client_id="x")
    assert not access.allows("receive", "lesson/1", user="bert", client_id="x")
    with pytest.raises(BrokerError, match="cannot be read"):
        Access.load(tmp_path / "missing.txt")


@pytest.mark.parametrize("name", ["+", "#", "a/b", "a+", ""])
def test_a_name_cannot_widen_a_rule(name):
    """A user or client called '+' must not get everybody's topics."""
    assert not may(["* all home/%u/#"], "publish", "home/bert/x", user=name)
    assert not may(["* all home/%c/#"], "publish", "home/bert/x", client_id=name)


@pytest.mark.parametrize("name", ["$share", "$SYS"])
@pytest.mark.parametrize("pattern", ["%c", "%u"])
def test_a_name_that_begins_with_a_dollar_opens_no_topic_that_is_not_its_own(name, pattern):
    """`$share/x/#` is, to the matching of topics, `#`; below `$SYS` the broker speaks of itself."""
    for action, topic in (("publish", "x"), ("receive", "x"), ("receive", "$SYS/x"), ("subscribe", "$SYS/#")):
        for rule in (f"* all {pattern}/x/#", f"* all {pattern}/#"):
            assert not may([rule], action, topic, user=name, client_id=name)
    assert may([f"* all home/{pattern}/#"], "publish", f"home/{name}/x", user=name, client_id=name)


@pytest.mark.parametrize("name", ["$share", "x" * 65_500])
def test_asking_what_a_name_may_do_never_fails(name):
    """A filter that is made of a rule and a name may be none: too long, or half a shared subscription."""
    assert not may(["* all %c/#", "* all home/%c/" + "y" * 100], "receive", "home/kitchen", client_id=name)


def test_nobody_has_no_user_name():
    assert not may(["* all home/%u/#"], "publish", "home/None/x", user=None)


@pytest.mark.parametrize("line", ["anna", "anna all", "anna fly home/#", "deny anna all", ""])
def test_lines_that_are_no_rule(line):
    with pytest.raises(BrokerError):
        Access([line])


@pytest.mark.parametrize("rule", [("anna", "all", "#"), 1, None])
def test_a_rule_that_is_no_text(rule):
    with pytest.raises(BrokerError, match="An access rule is a text such as"):
        Access([rule])


@pytest.mark.parametrize("actions", [
    {"publish": [1]}, {"publish": None}, {"publish": 1}, {"publish": b"t"}, {1: ["t"]}, {None: "t"}, ["publish"], None
])  # fmt: skip
def test_a_dict_of_something_else_than_texts(actions):
    with pytest.raises(BrokerError, match=r"Access rules in a dict are texts, .*, not \{'anna': "):
        Access({"anna": actions})


def test_a_file_of_the_windows_editor(tmp_path):
    """It may begin with a byte order mark, which is no part of the first rule."""
    (tmp_path / "rules.txt").write_bytes("anna all t".encode("utf-8-sig"))
    assert Access.load(tmp_path / "rules.txt").allows("publish", "t", user="anna", client_id="x")


def test_filters_of_rules_are_checked():
    with pytest.raises(InvalidTopic):
        Access(["anna all home/#/x"])


levels = st.sampled_from(["a", "b", "+", ""])
filters = (
    st.tuples(st.lists(levels, min_size=1, max_size=4), st.booleans())
    .map(lambda parts: "/".join([*parts[0], "#"] if parts[1] else parts[0]))
    .filter(bool)
)
topics = st.lists(st.sampled_from(["a", "b", "c", "", "$x"]), min_size=1, max_size=5).map("/".join).filter(bool)


@given(filters, filters, topics)
def test_a_covering_filter_matches_whatever_the_covered_one_matches(wide, narrow, topic):
    """Fails when a SUBSCRIBE is granted through which a forbidden topic would be delivered."""
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@pytest.mark.parametrize(("wide", "narrow", "expected"), [
    ("#", "a/b", True), ("a/#", "a", True), ("a/#", "a/+/c/#", True), ("a/+", "a/b", True), ("a/+", "a/+", True),
    ("a/+", "a/#", False), ("a/b", "a/+", False), ("+", "#", False), ("#", "$SYS/#", False), ("$SYS/#", "$SYS/x", True),
    ("a/+/c", "a/b", False),
])  # fmt: skip
def test_covers(wide, narrow, expected):
    assert covers(wide, narrow) is expected


def test_passwords_are_kept_as_hashes_only():
    users = Users({"anna": "s3cret-word"})
    assert "s3cret-word" not in repr(vars(users))
    assert repr(users) == "Users(anna)"
    assert users.accept("anna", b"s3cret-word")
    assert not users.accept("anna", b"other")
    assert not users.accept("anna", None)
    assert not users.accept(None, b"s3cret-word")
    assert not users.accept("anna", b"\xff\xfe")


def test_hashes_are_salted_argon2():
    one, two = hash_password("same"), hash_password("same")
    assert one != two
    assert one.startswith("$argon2id$")
    assert verify_password("same", one)


@pytest.mark.parametrize("line", ["anna", ":x", "anna:", ""])
def test_user_lines_that_are_none(line):
    with pytest.raises(BrokerError, match="NAME:PASSWORD"):
        Users([line])


def test_an_error_about_a_user_line_does_not_show_the_password():
    with pytest.raises(BrokerError) as caught:
        Users([":topsecret"])
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("name", ["x", "a/b", "a+b", "#", "+"])
def test_no_name_evades_a_rule_that_forbids_or_widens_one_that_allows(name):
    access = Access(["* all room/%c/#", "* publish hall", "deny * publish hall/%c", "deny * all room/%c/secret"])
    allowed = {topic: access.allows("publish", topic, user=None, client_id=name) for topic in
               ("room/x/t", "room/a/b/t", "room/y/t", f"hall/{name}", f"room/{name}/secret") if "+" not in topic and "#" not in topic}  # fmt: skip
    assert [topic for topic, may in allowed.items() if may] == (["room/x/t"] if name == "x" else [])


@pytest.mark.parametrize("name", ["a/b", "../x", "Zoë", "a b", "", "x" * 60])
def test_names_that_no_certificate_can_have(tmp_path, name):
    with pytest.raises(BrokerError, match="letters, digits"):
        LessonCA(folder=tmp_path).client(name)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]


@pytest.mark.parametrize("name", ["my_host", "a--b.local-", "ab--c", "", "a b", "a..b"])
def test_names_that_no_server_can_have(tmp_path, name):
    """The library below ends with errors of its own."""
    with pytest.raises(BrokerError, match="letters, digits"):
        LessonCA(folder=tmp_path).server(name)


@pytest.mark.parametrize("name", ["LAB_PC_07", "ab--c", "pc-7.school"])
def test_a_machine_of_any_name_gets_a_certificate(tmp_path, monkeypatch, name):
    """Its name is left out where no certificate can hold it; its address in the network is always there."""
    monkeypatch.setattr("socket.gethostname", lambda: name)
    names = hosts_at("0.0.0.0")
    assert (name in names) is (name == "pc-7.school")
    assert {"localhost", "127.0.0.1", "::1", reachable_address()} <= set(names)
    assert "192.0.2.7" in hosts_at("192.0.2.7")
    LessonCA(folder=tmp_path).server(*names)


def test_each_certificate_has_files_of_its_own(tmp_path):
    ca = LessonCA(folder=tmp_path)
    first = ca.server()
    before = first.certificate.read_bytes()
    assert ca.server("broker.example.org").certificate != first.certificate
    assert first.certificate.read_bytes() == before


@pytest.mark.parametrize("tls", [True, LessonCA()])
def test_the_certificate_of_a_broker_holds_its_address(tls):
    """Fails when a client that knows the broker by that address refuses it."""
    made = Broker("192.0.2.7", tls=tls, open_=True).certificate
    held = x509.load_pem_x509_certificate(made.certificate.read_bytes()).extensions
    names = held.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ip_address("192.0.2.7") in names.get_values_for_type(x509.IPAddress)
