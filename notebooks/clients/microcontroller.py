"""The same conversation as a microcontroller would have it: MicroPython's way of doing MQTT, run here on ordinary Python.

    python microcontroller.py 127.0.0.1 1883

On an ESP32 the import below is `from umqtt.simple import MQTTClient`, and everything after it stays as it is. The class in
umqtt_simple.py beside this file offers the same methods and waits in the same places.
"""

import sys

from umqtt_simple import MQTTClient

host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883


def received(topic, message):
    print("microcontroller received", topic.decode(), message.decode())


client = MQTTClient("microcontroller", host, port=port, keepalive=30)
client.set_callback(received)
client.connect()
client.subscribe(b"hello/python")
client.publish(b"hello/microcontroller", b"Hello from a microcontroller", qos=1)
client.wait_msg()  # nothing is received unless the program asks: there is no thread in the background
client.disconnect()
