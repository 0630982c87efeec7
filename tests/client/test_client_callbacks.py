"""Callbacks: an error is shown, kept, raised by the next call, and never ends the network thread."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from mqttkit import InvalidArgument, Lab, MqttKitError, Timeout


def kept(client, error):
    """The next call raises `error`; the one after it works, so the network thread lives."""
    with pytest.raises(error):
        client.wait_for(timeout=5)
    assert client.connected
    assert client.wait_for(timeout=5), "neither the message nor the network thread is lost"


def test_error_in_on_message_is_shown_and_raised_by_the_next_call(broker, topic, capsys):
    """The message itself is not lost."""
    alice, bob = broker.client("alice"), broker.client()

    def on_message(message):
        float(message.text)

    alice.on_message = on_message
    alice.subscribe(topic, 1)
    bob.publish(topic, "hot", 1)
    kept(alice, ValueError)
    shown = capsys.readouterr().err
    assert 'Error in on_message of client "alice": ValueError: could not convert string to float' in shown
    assert "in on_message, line" in shown
    assert "float(message.text)" in shown


def test_error_is_raised_once(broker, topic):
    """The second call works."""
    alice, bob = broker.client(), broker.client()
    alice.on_message = lambda message: 1 / 0
    alice.subscribe(topic, 1)
    bob.publish(topic, "x", 1)
    kept(alice, ZeroDivisionError)
    assert len(alice.messages) == 1
    alice.subscribe(f"{topic}/more")


def test_a_failing_callback_does_not_flood(broker, topic, capsys):
    """Three are shown, the others counted."""
    alice, bob = broker.client(), broker.client()
    alice.on_message = lambda message: 1 / 0
    alice.subscribe(topic, 1)
    for n in range(20):
        bob.paho.publish(topic, n, 1).wait_for_publish(5)
    bob.paho.publish(f"{topic}/fence", "", 1).wait_for_publish(5)
    with pytest.raises(ZeroDivisionError):
        alice.wait_for(20)
    shown = capsys.readouterr().err
    assert shown.count("ZeroDivisionError") == 3
    assert "counted, not shown" in shown


CALLBACKS = {
    "on_message": lambda client, topic: client.publish(topic, "x", 1),
    "on_publish": lambda client, topic: client.publish(topic, "x", 1),
    "on_subscribe": lambda client, topic: client.subscribe(f"{topic}/more"),
    "on_unsubscribe": lambda client, topic: client.unsubscribe(topic),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_error_in_a_raw_paho_callback_is_kept_too(broker, topic, name):
    """paho alone would end its network thread here, and is_connected() would stay True."""
    alice = broker.client()
    alice.subscribe(topic, 1)
    setattr(alice.paho, name, lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - this call or the next
        CALLBACKS[name](alice, topic)
        alice.wait_for(timeout=5)
    setattr(alice.paho, name, None)
    alice.subscribe(f"{topic}/alive", 1)
    alice.publish(f"{topic}/alive", "still alive", 1)
    assert alice.wait_for(topic=f"{topic}/alive")


def test_old_on_connect_with_four_arguments_is_raised_by_connect(broker):
    """Code of old tutorials: the TypeError must not vanish in the network thread."""
    alice = broker.client()
    alice.disconnect()
    alice.paho.on_connect = lambda client, userdata, flags, rc: None
    with pytest.raises(TypeError, match="4 positional"):
        alice.connect()
    assert not alice.connected
    alice.paho.on_connect = None
    assert alice.connect().connected


@pytest.mark.parametrize("name", ["on_pre_connect", "on_socket_open", "on_socket_close", "on_disconnect"])
def test_error_in_the_remaining_callbacks_is_kept(broker, name):
    """They run in connect() and disconnect()."""
    alice = broker.client()
    alice.disconnect()
    setattr(alice.paho, name, lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - this call or the next
        alice.connect()
        alice.disconnect()
    setattr(alice.paho, name, None)
    assert alice.connect().connected


def test_error_in_on_log_is_kept(broker, topic):
    """paho lets this one through, out of whatever it was doing."""
    alice = broker.client()
    alice.paho.on_log = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        alice.subscribe(topic)
    alice.paho.on_log = None
    assert alice.connected


def test_sys_exit_in_a_callback_does_not_end_the_network_thread(broker, topic):
    """SystemExit is no Exception, and would end the thread without a word."""
    alice, bob = broker.client(), broker.client()
    alice.subscribe(topic, 1)

    @alice.on(topic)
    def leave(message):
        raise SystemExit(3)

    bob.publish(topic, "x", 1)
    kept(alice, SystemExit)


def test_paho_on_message_and_filters_do_not_take_messages_from_the_inbox(broker, topic):
    """The wrapper's inbox, @on, paho's on_message and paho's filters see what they should, each once."""
    alice = broker.client()
    seen = {"raw": [], "filter": [], "filter2": [], "on": []}
    alice.paho.on_message = lambda c, u, m: seen["raw"].append(m.topic)
    alice.paho.message_callback_add(f"{topic}/a", lambda c, u, m: seen["filter"].append(m.topic))
    alice.paho.message_callback_add(f"{topic}/+", lambda c, u, m: seen["filter2"].append(m.topic))
    alice.on(f"{topic}/#")(lambda m: seen["on"].append(m.topic))
    alice.subscribe(f"{topic}/#", 1)
    for end in ("a", "b", "c/d"):
        alice.publish(f"{topic}/{end}", end, 1)
    assert [m.text for m in alice.wait_for(3)] == ["a", "b", "c/d"]
    assert seen["on"] == [f"{topic}/{end}" for end in ("a", "b", "c/d")]
    assert seen["filter"] == [f"{topic}/a"]
    assert seen["filter2"] == [f"{topic}/a", f"{topic}/b"]
    assert seen["raw"] == [f"{topic}/c/d"], "paho hands a message that a filter took to nobody else"
    alice.paho.message_callback_remove(f"{topic}/+")
    alice.paho.on_message = None
    alice.publish(f"{topic}/b", "again", 1)
    assert alice.wait_for()[0].text == "again"


def test_failing_filter_without_a_name_is_kept(broker, topic):
    """paho reads callback.__name__ while it reports an error, and dies where there is none, as with partial."""
    alice, bob = broker.client(), broker.client()
    alice.paho.message_callback_add(topic, functools.partial(lambda boom, *_: boom / 0, 1))
    alice.subscribe(topic, 1)
    bob.publish(topic, "x", 1)
    kept(alice, ZeroDivisionError)


def test_paho_refuses_no_callback_as_ever(broker):
    """Our override keeps paho's own errors."""
    with pytest.raises(ValueError, match="must both be defined"):
        broker.client().paho.message_callback_add("a", None)


def test_handlers_have_run_when_wait_for_returns(broker, topic):
    """What a cell prints after wait_for must not depend on luck."""
    alice, bob = broker.client(), broker.client()
    seen = []
    alice.on(topic)(lambda m: (threading.Event().wait(0.05), seen.append(m.text)))
    alice.subscribe(topic, 1)
    bob.publish(topic, "x", 1)
    alice.wait_for()
    assert seen == ["x"]


def test_a_cell_run_twice_registers_its_callback_once(broker, topic):
    """A function of the same name for the same filter replaces the earlier one."""
    alice = broker.client()
    seen = []
    for run in (1, 2):

        @alice.on(topic)
        def show(message, run=run):
            seen.append(run)

    alice.subscribe(topic, 1)
    alice.publish(topic, "x", 1)
    alice.wait_for()
    assert seen == [2]


def test_on_message_can_be_read_and_taken_back(broker, topic):
    """Set None to stop."""
    alice = broker.client()
    seen = []
    assert alice.on_message is None
    alice.on_message = seen.append
    assert alice.on_message == seen.append
    alice.on_message = None
    alice.subscribe(topic)
    alice.publish(topic, "x")
    alice.wait_for()
    assert seen == []


def test_callback_of_a_wrong_form_is_refused_where_it_is_set(broker):
    """paho's three arguments, a coroutine, no function."""
    alice = broker.client()
    with pytest.raises(InvalidArgument, match=r"client\.paho\.on_message"):
        alice.on_message = lambda client, userdata, message: None
    with pytest.raises(InvalidArgument, match="one argument"):

        @alice.on("a")
        def nothing():
            pass

    with pytest.raises(InvalidArgument, match="async for"):

        @alice.on("a")
        async def later(message):
            pass

    with pytest.raises(InvalidArgument, match="is a function"):
        alice.on_message = 3

    with pytest.raises(InvalidArgument, match=r'@client\.on\("home/#"\)'):

        @alice.on
        def forgot_the_filter(message):
            pass


def test_publish_and_subscribe_in_a_callback_do_not_deadlock(broker, topic):
    """wait=True would wait for the very thread it runs on: the call returns at once instead."""
    alice = broker.client()
    granted = []

    @alice.on(f"{topic}/question")
    def answer(message):
        granted.append(alice.subscribe(f"{topic}/answer", 1))
        alice.publish(f"{topic}/answer", "42", 1)
        alice.unsubscribe(f"{topic}/nothing")

    alice.subscribe(f"{topic}/question", 1)
    alice.publish(f"{topic}/question", "?", 1)
    assert [m.text for m in alice.wait_for(2, timeout=5)] == ["?", "42"]
    assert granted == [1]
    assert alice.subscriptions == {f"{topic}/question": 1, f"{topic}/answer": 1}


@pytest.mark.parametrize("call", ["wait_for", "connect"])
def test_waiting_in_a_callback_is_refused(broker, topic, call):
    """It could only wait for itself."""
    alice, bob = broker.client(), broker.client()
    alice.subscribe(topic, 1)
    alice.on_message = lambda message: getattr(alice, call)()
    bob.publish(topic, "x", 1)
    with pytest.raises(MqttKitError, match="inside a callback"):
        alice.wait_for(timeout=5)


def test_disconnect_and_kill_in_a_callback(broker, topic):
    """They return at once; the thread ends by itself."""
    for end in ("disconnect", "kill", "close"):
        alice, bob = broker.client(), broker.client()
        alice.subscribe(topic, 1)
        alice.on_message = lambda message, end=end, alice=alice: getattr(alice, end)()
        thread = alice.paho.network_thread
        bob.publish(topic, "x", 1, wait=False)
        thread.join(5)
        assert not thread.is_alive()
        assert not alice.connected


def test_publish_from_the_callback_of_another_client_waits_as_usual(broker, topic):
    """Only the client's own network thread must not wait."""
    alice, bob = broker.client(), broker.client()
    done = []
    alice.subscribe(topic, 1)
    bob.subscribe(f"{topic}/out", 1)

    @alice.on(topic)
    def forward(message):
        bob.publish(f"{topic}/out", message.payload, 2)
        done.append(True)

    bob.publish(topic, "x", 1)
    assert bob.wait_for()[0].text == "x"
    alice.wait_for()
    assert done == [True]


def test_time_out_names_the_callback_that_blocks(broker, topic):
    """A callback that never returns: nothing else can arrive, and the errors say so."""
    alice = broker.client()
    go = threading.Event()
    alice.on_message = lambda message: go.wait(20)
    alice.subscribe(topic, 1)
    alice.publish(topic, "1", 0)
    with pytest.raises(Timeout, match="still inside on_message"):
        alice.wait_for(timeout=0.3)
    with pytest.raises(Timeout, match="still inside on_message"):
        alice.subscribe(f"{topic}/x", timeout=0.3)
    with pytest.raises(Timeout, match="still inside on_message"):
        alice.publish(topic, "2", 1, timeout=0.3)
    go.set()
    assert len(alice.wait_for(1)) == 1


def test_async_for_hands_out_messages_and_ends_with_the_connection(broker, topic):
    """Earlier messages first, then live ones; the loop ends by itself."""
    alice, bob = broker.client(), broker.client()
    alice.subscribe(topic, 1)
    bob.publish(topic, "early", 1)

    async def read():
        texts = []
        async for message in alice:
            texts.append(message.text)
            if message.text == "early":
                threading.Thread(target=lambda: [bob.publish(topic, n, 1) for n in range(3)]).start()
            if message.text == "2":
                await asyncio.to_thread(alice.disconnect)
        return texts

    assert asyncio.run(asyncio.wait_for(read(), 10)) == ["early", "0", "1", "2"]


def test_async_for_wakes_up_when_the_connection_is_lost(broker, topic):
    """No message comes: the loop ends anyway."""
    alice = broker.client()

    async def read():
        asyncio.get_running_loop().call_later(0.05, alice.kill)
        return [message async for message in alice]

    assert asyncio.run(asyncio.wait_for(read(), 10)) == []


def test_async_for_raises_a_callback_s_error(broker, topic):
    """It is the next call."""
    alice, bob = broker.client(), broker.client()
    alice.subscribe(topic, 1)
    alice.on_message = lambda message: 1 / 0

    async def read():
        bob.publish(topic, "x", 1, wait=False)
        return [message async for message in alice]

    with pytest.raises(ZeroDivisionError):
        asyncio.run(asyncio.wait_for(read(), 10))


def test_async_for_can_be_cancelled(broker, topic):
    """Nothing stays registered, and a later message is not lost."""
    alice = broker.client()
    alice.subscribe(topic, 1)

    async def read():
        return [message async for message in alice]

    async def both():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(read(), 0.05)

    asyncio.run(both())
    assert alice._inbox._wakers == []
    alice.publish(topic, "x", 1)
    assert alice.wait_for()[0].text == "x"


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_an_error_of_a_callback_is_not_taken_for_one_of_sending(kind):
    """paho says "could not send" with the same two types; the learner's own error comes out as it is."""
    with Lab() as lab:
        alice = lab.client("alice")
        alice.subscribe("t", 1)

        @alice.on("t")
        def fail(_message):
            raise kind("mine")

        lab.network.delay(0.3, "PUBACK", to="alice")  # the message comes before the answer that publish waits for
        with pytest.raises(kind, match="mine") as error:
            alice.publish("t", "x", 1)
        assert not isinstance(error.value, MqttKitError)
