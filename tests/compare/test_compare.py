"""The byte counts of lesson 9, against values worked out by hand from the protocols."""

import struct
import threading

from mqttkit.compare import amqp_publish, count_http, count_websocket, framing

PAYLOAD = b'{"temperature": 21}'


def test_http_counts_every_byte_of_request_and_answer():
    request = (
        "POST /home/livingroom HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: identity\r\n"
        "Content-Length: 19\r\n\r\n"
    )
    answer = len("HTTP/1.1 204 No Content\r\n\r\n")
    expected = len(request.format(port="12345")) + len(PAYLOAD) + answer
    counted = count_http(PAYLOAD, path="/home/livingroom", messages=3)
    assert counted == {"each message": expected, "total": 3 * expected, "connections": 1}
    anew = count_http(PAYLOAD, path="/home/livingroom", messages=3, keep=False)
    more = len("Connection: close\r\n")  # said by this client
    assert anew == {"each message": expected + more, "total": 3 * (expected + more), "connections": 3}


def test_websocket_frame_of_a_client_is_two_bytes_and_a_mask():
    counted = count_websocket(PAYLOAD)
    assert counted["each message"] == 2 + 4 + len(PAYLOAD)
    assert counted["handshake"] > 200


def test_amqp_publish_is_three_frames_that_end_properly():
    frames, data = [], amqp_publish(PAYLOAD, topic="home/livingroom")
    while data:
        kind, channel, size = struct.unpack_from("!BHI", data)
        assert channel == 1
        assert data[7 + size] == 0xCE
        frames.append((kind, data[7 : 7 + size]))
        data = data[8 + size :]
    assert [kind for kind, _ in frames] == [1, 2, 3]
    assert frames[2][1] == PAYLOAD


def test_nothing_waits_for_connections_afterwards():
    count_http(PAYLOAD, path="/home", messages=1)
    for thread in [thread for thread in threading.enumerate() if thread.name == "mqttkit counter"]:
        thread.join(5)
        assert not thread.is_alive()


def test_framing_takes_any_topic_name():
    """Also one that a URL can hold only in another form."""
    rows = {name: total for name, total, _ in framing(PAYLOAD, topic="my home/küche").rows}
    assert rows["MQTT, QoS 0"] == 4 + len("my home/küche".encode()) + len(PAYLOAD)


def test_framing_orders_mqtt_below_amqp_below_http():
    rows = {name: extra for name, _, extra in framing(PAYLOAD, topic="home/livingroom").rows}
    assert rows["MQTT, QoS 0"] == 4 + len("home/livingroom")
    assert rows["WebSocket, payload alone"] == 6
    assert rows["MQTT, QoS 0"] < rows["AMQP 0-9-1"] < rows["HTTP POST and its answer"]
