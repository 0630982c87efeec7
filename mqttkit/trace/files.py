"""Traces as files: JSON lines to load again, pcapng for Wireshark, pictures and text to read."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqttkit._words import did_you_mean
from mqttkit.errors import InvalidArgument, MqttKitError
from mqttkit.message import Will
from mqttkit.trace.records import Event, Link, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mqttkit.trace.trace import Trace

FORMAT = "mqttkit trace"
VERSION = 1
_NOT_LOST = "Nothing is lost: try another folder."


def save(trace: Trace, path: str | PathLike[str]) -> None:
    """Writes a trace in the form that the ending of `path` names.

    Raises:
        InvalidArgument: the ending names none.
        MqttKitError: the file cannot be written; the trace is still there.
    """
    writer = _WRITERS[check_path(path)]
    try:
        Path(path).write_bytes(writer(trace))
    except OSError as error:
        raise MqttKitError(f"The trace could not be saved as {str(path)!r}: {error.strerror}. {_NOT_LOST}") from error


def check_path(path: str | PathLike[str]) -> str:
    """Returns the ending of `path` if a trace can be saved under this name.

    Raises:
        InvalidArgument: the ending names no form; the message lists those there are.
    """
    if not isinstance(path, (str, PathLike)):
        raise InvalidArgument(f"A trace is saved under the name of a file, not {path!r}.")
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in _WRITERS:
        near = did_you_mean(ending, _WRITERS) if ending else ""
        raise InvalidArgument(f"A trace cannot be saved as {target.name!r}.{near} Choose one of {', '.join(_WRITERS)}.")
    return ending


def load(path: str | PathLike[str]) -> Trace:
    """Reads a trace that was saved as JSON lines.

    Raises:
        InvalidArgument: the file holds no such trace.
    """
    lines = _lines(path)
    try:
        head, *rows = map(json.loads, lines)
        whole = head.get("entries", len(rows)) == len(rows)
        if head["format"] != FORMAT or head["version"] != VERSION or not whole:
            raise KeyError(head)  # noqa: TRY301 - the same words for every wrong file
        return _rebuild(head, rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # AttributeError: the first line is no object
        raise InvalidArgument(_no_trace(path)) from error


def _lines(path: str | PathLike[str]) -> list[str]:
    if not isinstance(path, (str, PathLike)):
        raise InvalidArgument(f"A trace is loaded from a file: give its name, not {path!r}.")
    try:
        return Path(path).read_text("utf-8").split("\n")[:-1]  # JSON holds other line separators as they are
    except FileNotFoundError:
        raise InvalidArgument(f"There is no file {str(path)!r}.") from None
    except OSError as error:
        raise InvalidArgument(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(_no_trace(path)) from error


def _no_trace(path: str | PathLike[str]) -> str:
    name, hint = Path(path).name, ""
    if Path(path).suffix.lower() in set(_WRITERS) - {".jsonl"}:
        hint = " Other forms are for looking at: save the trace as .jsonl, too, to load it again."
    return f"{name!r} is no trace that mqttkit saved as .jsonl (version {VERSION}), or only a part of one.{hint}"


# --- JSON lines


def _as_json_lines(trace: Trace) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(trace)).encode()


def _rows(trace: Trace) -> Iterator[dict[str, Any]]:
    items = trace.entries()
    yield {
        "format": FORMAT,
        "version": VERSION,
        "dropped": trace.dropped,
        "entries": len(items),
        "links": list(map(_link_row, list(trace.links.values()))),
    }
    for item in items:
        row = {"number": item.number, "time": round(item.time, 6), "link": item.link}
        if isinstance(item, Event):
            yield row | {
                "event": item.kind,
                "who": item.who,
                "text": item.text,
                "client": item.client,
                "data": item.data.hex(),
            }
        else:
            yield row | {
                "sender": item.sender,
                "receiver": item.receiver,
                "type": item.type,
                "raw": item.raw.hex(),
                "fault": item.fault,
                "delivered": item.delivered,
            }


def _link_row(link: Link) -> dict[str, Any]:
    will = link.will
    row: dict[str, Any] = {"number": link.number, "client_id": link.client_id, "protocol": link.protocol}
    row["clean_session"] = link.clean_session
    if will is not None:
        payload = will.payload.encode() if isinstance(will.payload, str) else will.payload
        row["will"] = {"topic": will.topic, "payload": payload.hex(), "qos": will.qos, "retain": will.retain}
        row["will_delay"] = link.will_delay
    return row


def _rebuild(head: dict[str, Any], rows: list[dict[str, Any]]) -> Trace:
    from mqttkit.trace.trace import Trace

    links = {row["number"]: _rebuild_link(row) for row in head["links"]}
    trace = Trace(limit=max(len(rows), 1), links=links)
    trace.restore([_rebuild_item(row, links) for row in rows], dropped=head["dropped"])
    return trace


def _rebuild_link(row: dict[str, Any]) -> Link:
    will = row.get("will")
    kept = Will(will["topic"], bytes.fromhex(will["payload"]), will["qos"], will["retain"]) if will else None
    return Link(row["number"], row["client_id"], row["protocol"], kept, row["clean_session"], row.get("will_delay", 0))


def _rebuild_item(row: dict[str, Any], links: dict[int, Link]) -> Wire | Event:
    if "event" in row:
        data = bytes.fromhex(row["data"])
        return Event(0, row["time"], row["link"], row["event"], row["who"], row["text"], row["client"], data)
    to_broker = row["receiver"] == "broker"
    wire = Wire(row["time"], links[row["link"]], bytes.fromhex(row["raw"]), to_broker=to_broker, fault=row["fault"])
    wire.delivered = row["delivered"]
    return wire


# --- other forms


def _as_pcapng(trace: Trace) -> bytes:
    from mqttkit.trace.pcapng import as_pcapng

    return as_pcapng(trace.entries(), trace.started)


def _as_svg(trace: Trace) -> bytes:
    from mqttkit.trace.ladder import as_picture

    return as_picture(trace.story()).encode()


def _as_page(trace: Trace) -> bytes:
    from mqttkit.trace.ladder import as_html

    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Packet ladder</title>'
    head += '<meta name="color-scheme" content="light dark">'
    return f"{head}<body>{as_html(trace.story(), dropped=trace.dropped)}</body></html>".encode()


def _as_text(trace: Trace) -> bytes:
    return f"{trace.text()}\n".encode()


_WRITERS: dict[str, Callable[[Trace], bytes]] = {
    ".jsonl": _as_json_lines,
    ".pcapng": _as_pcapng,
    ".svg": _as_svg,
    ".html": _as_page,
    ".txt": _as_text,
}
