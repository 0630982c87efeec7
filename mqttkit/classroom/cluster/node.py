"""The npm packages that the cluster and the JavaScript client use, installed once per user."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from mqttkit._programs import find_program
from mqttkit.errors import BrokerError

HERE = Path(__file__).parent
_INSTALL_SECONDS = 180


def program(name: str) -> str:
    """Full path of a program, or BrokerError with what to install."""
    found = find_program(name)
    if found is None:
        raise BrokerError(
            f"{name} is not installed, and the cluster needs it. Install node, npm and redis-server first."
        )
    return str(found)


def node_root() -> Path:
    """Folder whose `node_modules` holds what package.json asks for; installs it at the first use.

    Raises:
        BrokerError: npm is missing, or could not fetch the packages.
    """
    root = _root()
    if not (root / "node_modules").is_dir():
        _install(root)
    return root


def installed_root() -> Path | None:
    """That folder where it is installed already, else None; fetches nothing."""
    root = _root()
    return root if (root / "node_modules").is_dir() else None


def _root() -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    return Path(jupyter_data_dir()) / "mqttkit" / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"


def _install(root: Path) -> None:
    """Install beside `root` and move into place at the end, so that a broken installation is never used."""
    root.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="node-", dir=root.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh / name)
        _npm_ci(fresh)
        fresh.replace(root)
    except OSError:
        if not (root / "node_modules").is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _npm_ci(folder: Path) -> None:
    command = [program("npm"), "ci", "--no-fund", "--no-audit", "--ignore-scripts"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(f"npm did not fetch the packages within {_INSTALL_SECONDS} s. Is there a network?") from None
    if done.returncode:
        raise BrokerError(f"npm could not fetch the packages: {done.stderr.strip()[-600:]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "npm_config_update_notifier": "false"}
