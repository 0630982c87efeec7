"""What one learner has done, kept on their own disk: answers to questions and results of exercises.

One small JSON file for each name, so that two open notebooks do not overwrite each other's records. Only the learner can
read them (0600). `MQTTKIT_HOME` in the environment moves them.

    record("answers", "first-message", {"given": "drop it", "right": True})
    load("answers", "first-message")           # -> {"given": "drop it", "right": True}
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from mqttkit.errors import InvalidArgument

_NAME = re.compile(r"\w[\w.-]{0,79}")


def home() -> Path:
    """The folder of this learner's records: MQTTKIT_HOME, else the platform's folder for user data."""
    given = os.environ.get("MQTTKIT_HOME")
    if given:
        return Path(given)
    import platformdirs  # not above: the doctor looks here also where it is missing

    return platformdirs.user_data_path("mqttkit")


def writable(folder: str | Path) -> bool:
    """Tells whether files can be kept in `folder`; makes it where it is missing."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def record(kind: str, name: str, content: dict[str, Any]) -> None:
    """Keep `content` as what is known of `name`; replaces what was there.

    Where nothing can be written it is not kept, and the lesson goes on; `mqttkit doctor` tells so.

    Raises:
        InvalidArgument: `kind` or `name` cannot be the name of a file.
    """
    path = _path(kind, name)
    with contextlib.suppress(OSError):
        _write(path, content)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written beside its place and moved: a reader never sees half a file. mkstemp makes it 0600.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(kind: str, name: str) -> dict[str, Any] | None:
    """What was recorded of `name`; None when nothing was, or when the file cannot be read any more."""
    try:
        content = json.loads(_path(kind, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def forget(kind: str, name: str) -> None:
    """Remove what was recorded of `name`, if anything was."""
    _path(kind, name).unlink(missing_ok=True)


def check_name(name: Any) -> str:
    """`name`, if something can be remembered under it: letters, digits, `-`, `_` and `.`, at most 80."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{str(name)[:80]!r} cannot be a name here: use letters, digits, '-' and '_', at most 80."
        )
    return name


def _path(kind: str, name: str) -> Path:
    check_name(kind)
    check_name(name)
    return home() / kind / f"{name}.json"
