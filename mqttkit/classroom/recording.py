"""An opt-in recording of a class: every packet as a trace, every line as text. Only the owner may read the files."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mqttkit import chat
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.packets import decode
from mqttkit.trace import Link, Trace, Wire

if TYPE_CHECKING:
    from mqttkit.classroom import link as links

_PUBLISH = 3

log = logging.getLogger("mqttkit.classroom")


class Recording:
    """Observer of the gate that keeps what passes.

    `<room>-<date>.txt` grows line by line; `close` writes the packets as `.jsonl` for `Trace.load` and `.pcapng` for Wireshark.

    Args:
        folder: where the files go; made if it is not there.
        room: name of the room.

    Raises:
        InvalidArgument: nothing can be written there.
    """

    def __init__(self, folder: Path, room: str) -> None:
        name = f"{room}-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
        self.trace_paths = [folder / f"{name}{suffix}" for suffix in (".jsonl", ".pcapng")]
        self.log_path = folder / f"{name}.txt"
        self.trace = Trace()
        self._links: dict[int, Link] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._log: TextIO = _private(self.log_path)
        except OSError as error:
            raise InvalidArgument(
                f"The class cannot be recorded in {folder}: {error.strerror}. Try another folder."
            ) from None

    def packet(self, link: links.Link, raw: bytes, *, to_broker: bool) -> None:
        """Keep one packet."""
        wire_link = self._links.setdefault(link.number, Link(link.number, link.client_id))
        self.trace.links[link.number] = wire_link
        self.trace.record(Wire(time.monotonic(), wire_link, raw, to_broker=to_broker))
        if to_broker and raw[0] >> 4 == _PUBLISH:
            self._line(raw)

    def opened(self, link: links.Link) -> None:
        """Log that somebody came."""
        self._write(f"* {link.client_id} connected")

    def closed(self, link: links.Link) -> None:
        """Log that somebody went."""
        self._write(f"* {link.client_id} disconnected")

    def refused(self, link: links.Link, why: str) -> None:
        """Log that something was refused."""
        self._write(f"* {link.client_id}: {why}")

    def close(self) -> None:
        """Write the trace and close the log; may be called again."""
        if self._log.closed:
            return
        with contextlib.suppress(OSError):  # what could not be written was said before
            self._log.close()
        for path in self.trace_paths:
            try:
                _private(path).close()
                self.trace.save(path)
            except (OSError, MqttKitError) as error:
                log.warning("%s could not be written: %s", path.name, error)

    def _line(self, raw: bytes) -> None:
        packet = decode(raw)
        try:
            item = chat.decode(packet.topic or "", packet.payload or b"")
        except chat.ChatError:
            return  # no chat line, but one of a person's own topics
        if isinstance(item, chat.ChatLine):
            self._write(f"{item.name} ({item.client_id}): {item.text}")

    def _write(self, text: str) -> None:
        now = datetime.now().astimezone()
        try:
            self._log.write(f"{now:%H:%M:%S}  {text.replace(chr(10), ' / ')}\n")
            self._log.flush()
        except OSError as error:  # a full disk must not end the class
            log.warning("the chat log could not be written: %s", error)


def _private(path: Path) -> TextIO:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
