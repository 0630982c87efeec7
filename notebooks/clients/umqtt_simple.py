"""A client with the methods of MicroPython's umqtt.simple, for ordinary Python. Written for this course.

It is small on purpose, as on a microcontroller with little memory: no thread, no queue, no reconnect. `wait_msg` reads one
packet; whoever does not call it receives nothing.
"""

import socket
import struct


class MQTTException(Exception):
    """The broker refused, or answered what was not expected."""


class MQTTClient:
    """Same names and arguments as `umqtt.simple.MQTTClient`."""

    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        self.client_id, self.server, self.port = client_id, server, port or 1883
        self.user, self.pswd, self.keepalive, self.ssl = user, password, keepalive, ssl
        self.sock = self.cb = self.lw_topic = None
        self.lw_msg, self.lw_qos, self.lw_retain, self.pid = b"", 0, False, 0

    def set_callback(self, f):
        """`f(topic, message)` is called by `wait_msg` for each message; both are bytes."""
        self.cb = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        """Before `connect`: what the broker publishes when this device vanishes."""
        self.lw_topic, self.lw_msg, self.lw_retain, self.lw_qos = topic, msg, retain, qos

    def connect(self, clean_session=True, timeout=10):
        """Send CONNECT, wait for CONNACK; True when the broker kept a session."""
        self.sock = socket.create_connection((self.server, self.port), timeout)
        if self.ssl is not None:
            self.sock = self.ssl.wrap_socket(self.sock, server_hostname=self.server)
        flags = clean_session << 1 | bool(self.user) << 7 | bool(self.pswd) << 6
        fields = [self.client_id]
        if self.lw_topic:
            flags |= 0x04 | self.lw_qos << 3 | self.lw_retain << 5
            fields += [self.lw_topic, self.lw_msg]
        fields += [field for field in (self.user, self.pswd) if field]
        self._send(
            0x10, _text("MQTT") + bytes([4, flags]) + struct.pack("!H", self.keepalive) + b"".join(map(_text, fields))
        )
        kind, body = self._read()
        if kind != 0x20 or body[1] != 0:
            self.sock.close()
            raise MQTTException(body[1] if kind == 0x20 else kind)
        return bool(body[0] & 1)

    def disconnect(self):
        """Say goodbye: the will is not sent."""
        self.sock.sendall(b"\xe0\x00")
        self.sock.close()

    def ping(self):
        """Call this in time when `keepalive` is used and nothing else is sent."""
        self.sock.sendall(b"\xc0\x00")

    def publish(self, topic, msg, retain=False, qos=0):
        """Send one message; at QoS 1 wait for the PUBACK. QoS 2 is not there."""
        packet_id = b""
        if qos:
            self.pid += 1
            packet_id = struct.pack("!H", self.pid)
        self._send(0x30 | qos << 1 | retain, _text(topic) + packet_id + _bytes(msg))
        while qos and self.wait_msg() != 0x40:
            continue

    def subscribe(self, topic, qos=0):
        """Subscribe and wait for the SUBACK."""
        self.pid += 1
        self._send(0x82, struct.pack("!H", self.pid) + _text(topic) + bytes([qos]))
        while self.wait_msg() != 0x90:
            continue

    def wait_msg(self):
        """Read one packet; a message goes to the callback. Returns the packet's type byte."""
        kind, body = self._read()
        if kind == 0x90 and body[2] == 0x80:
            raise MQTTException(body[2])
        if kind >> 4 != 3:
            return kind & 0xF0
        (length,) = struct.unpack_from("!H", body)
        topic, rest, qos = body[2 : 2 + length], body[2 + length :], kind >> 1 & 3
        self.cb(topic, rest[2:] if qos else rest)
        if qos == 1:
            self.sock.sendall(b"\x40\x02" + rest[:2])
        return kind & 0xF0

    def check_msg(self):
        """Like `wait_msg`, but returns None at once when nothing is there."""
        timeout = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise OSError("the broker closed the connection")
        except BlockingIOError:
            return None
        finally:
            self.sock.settimeout(timeout)
        return self.wait_msg()

    def _send(self, first, body):
        length, digits = len(body), b""
        while True:
            length, digit = divmod(length, 128)
            digits += bytes([digit | (0x80 if length else 0)])
            if not length:
                break
        self.sock.sendall(bytes([first]) + digits + body)

    def _read(self):
        first, length, shift = self._exactly(1)[0], 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return first, self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise OSError("the broker closed the connection")
            data += piece
        return data


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def _text(value):
    data = _bytes(value)
    return struct.pack("!H", len(data)) + data
