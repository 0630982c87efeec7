"""What looks at a port that refuses a client leaves nothing open behind it."""

import gc
import socket
import struct
import threading

from mqttkit.client import diagnose
from mqttkit.client.address import Address

ABORT = struct.pack("ii", 1, 0)  # close with a reset
TRIES = 20  # the reset must come in the middle of the handshake, as it does nearly always


def test_a_reset_in_the_handshake_leaves_no_socket_open():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            for _ in range(TRIES):
                peer = server.accept()[0]
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                peer.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        address = Address("127.0.0.1", port, tls=False, websocket=False, path="/mqtt", username=None)
        before = len([thing for thing in gc.get_objects() if isinstance(thing, socket.socket) and thing.fileno() >= 0])
        assert not any(diagnose._speaks_tls(address) for _ in range(TRIES))
        thread.join(5)
    gc.collect()  # a socket that was not closed would warn here, and warnings are errors
    after = len([thing for thing in gc.get_objects() if isinstance(thing, socket.socket) and thing.fileno() >= 0])
    assert after < before
