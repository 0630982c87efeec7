"""Saved traces: loaded again they are the same, and tshark reads the conversations."""

from __future__ import annotations

import subprocess

import pytest
from trace_parts import Tape, qos1_on_two_hops

from mqttkit import Broker, Client, InvalidArgument, MqttKitError, Network, Will
from mqttkit.trace import Trace
from support import need


@pytest.fixture
def tape():
    tape = Tape()
    alice, bob = qos1_on_two_hops(tape)
    tape.send(bob, "PUBLISH", topic="home/long", payload=b"x" * 70_000, qos=0)
    tape.send(alice, "PUBLISH", up=False, topic="home/long", payload=b"x" * 70_000, lost=True)
    carol = tape.connect("carol", will=Will("home/carol", b"\xff", 1, retain=True), clean_session=False)
    tape.trace.note("fault", "lose something")
    tape.trace.note("cut", "the connection of carol is cut", link=carol)
    tape.trace.note("closed", "alice closes the connection", link=alice, who="alice")
    return tape


def test_json_lines_bring_everything_back(tape, tmp_path):
    path = tmp_path / "trace.jsonl"
    tape.trace.save(path)
    again = Trace.load(path)
    assert again.text(times=True) == tape.trace.text(times=True)
    assert again.links == tape.trace.links
    assert again.entries() == tape.trace.entries()
    again.save(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]\n", "5\n", "null\n", "no json", '{"format": "mqttkit trace", "version": 99, "links": []}']
)
def test_other_files_are_refused_with_a_sentence(text, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match="is no trace that mqttkit saved"):
        Trace.load(path)


@pytest.mark.parametrize("end", [-1, -10, -200, "row"])
def test_a_file_that_was_cut_off_is_refused(tape, tmp_path, end):
    path = tmp_path / "trace.jsonl"
    tape.trace.save(path)
    text = path.read_text("utf-8")
    path.write_text(text[: text.rstrip("\n").rindex("\n") + 1] if end == "row" else text[:end], "utf-8")
    with pytest.raises(InvalidArgument, match="or only a part of one"):
        Trace.load(path)


def test_a_file_saved_for_wireshark_says_which_form_loads_again(tape, tmp_path):
    tape.trace.save(tmp_path / "a.pcapng")
    with pytest.raises(InvalidArgument, match=r"save the trace as \.jsonl, too"):
        Trace.load(tmp_path / "a.pcapng")


def test_places_that_cannot_be_are_told_in_a_sentence(tape, tmp_path):
    with pytest.raises(InvalidArgument, match="There is no file"):
        Trace.load(tmp_path / "none.jsonl")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        Trace.load(tmp_path)
    with pytest.raises(MqttKitError, match="Nothing is lost"):
        tape.trace.save(tmp_path / "no" / "a.jsonl")
    for wrong in (None, 3):
        with pytest.raises(InvalidArgument, match="name"):
            tape.trace.save(wrong)
        with pytest.raises(InvalidArgument, match="name"):
            Trace.load(wrong)


def test_an_unknown_ending_names_the_known_ones(tape, tmp_path):
    with pytest.raises(InvalidArgument, match=r"\.jsonl, \.pcapng, \.svg, \.html, \.txt"):
        tape.trace.save(tmp_path / "trace.doc")
    with pytest.raises(InvalidArgument, match=r"Did you mean '\.pcapng'"):
        tape.trace.save(tmp_path / "trace.pcap")


def tshark(path, *options):
    command = [
        need("tshark"),
        "-r",
        str(path),
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


def test_tshark_sees_the_conversations_and_finds_nothing_wrong(tape, tmp_path):
    path = tmp_path / "trace.pcapng"
    tape.trace.save(path)
    complaints = tshark(
        path, "-Y", "tcp.analysis.flags or tcp.checksum.status==0 or ip.checksum.status==0 or _ws.malformed"
    )
    assert complaints == []
    types = tshark(path, "-Y", "mqtt", "-T", "fields", "-e", "tcp.stream", "-e", "mqtt.msgtype")
    assert types == [
        "0\t1",
        "0\t2",
        "1\t1",
        "1\t2",
        "0\t8",
        "0\t9",
        "1\t3",
        "1\t4",
        "0\t3",
        "0\t4",
        "1\t3",
        "2\t1",
        "2\t2",
    ]
    ends = tshark(path, "-Y", "tcp.flags.fin==1 or tcp.flags.reset==1", "-T", "fields", "-e", "tcp.stream")
    assert ends == ["2", "0"]
    notes = tshark(path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert notes[0].startswith("lost before this: broker to alice: PUBLISH")
    assert notes[1:] == ["the connection of carol is cut", "alice closes the connection"]
    names = tshark(path, "-N", "dn", "-Y", "mqtt.msgtype==1", "-T", "fields", "-e", "ip.src_host", "-e", "ip.dst_host")
    assert names == ["alice\tbroker", "bob\tbroker", "carol\tbroker"]


def test_tshark_sees_tls_where_a_client_spoke_tls(tmp_path):
    with Broker(tls=True) as broker, Network(broker) as network:
        with Client(network, "alice", tls=str(broker.ca)) as alice:
            alice.publish("home/door", "secret", qos=1)
        network.trace.save(tmp_path / "tls.pcapng")
    hello = tshark(tmp_path / "tls.pcapng", "-Y", "tls.handshake.type==1", "-T", "fields", "-e", "tcp.dstport")
    assert hello == ["8883"]
    assert tshark(tmp_path / "tls.pcapng", "-Y", "_ws.malformed") == []


def test_pictures_and_text_are_written(tape, tmp_path):
    for name, begin in {"a.svg": "<svg ", "a.html": "<!doctype html>", "a.txt": "  1  "}.items():
        tape.trace.save(tmp_path / name)
        assert (tmp_path / name).read_text("utf-8").startswith(begin)
