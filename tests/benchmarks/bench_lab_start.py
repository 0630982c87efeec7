"""From the command to the first lesson, ready in the browser: `mqttkit lab` against plain `jupyter lab`, in turns.

    python tests/benchmarks/bench_lab_start.py [rounds]

Ready means that the notebook is on the page and its kernel is idle. Read the ratio.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.browser import READY, chromium
from support.jupyter import LabServer, clean_environment, lab_server

ROOT = Path(__file__).resolve().parents[2]
FIRST = "notebooks/00-start-here.ipynb"


@contextmanager
def plain(home: Path) -> Iterator[LabServer]:
    """JupyterLab as it comes, on the same folder."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
    settings = [f"--ServerApp.root_dir={ROOT}", "--LabApp.expose_app_in_browser=True"]
    process = subprocess.Popen(
        [*command, *settings],
        env=clean_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    server = LabServer(ROOT, process)
    try:
        yield server
    finally:
        server.close()


def seconds(browser, start) -> float:
    """From the command until the lesson is ready."""
    with tempfile.TemporaryDirectory() as home:
        begin = time.monotonic()
        with start(home=Path(home)) as server:
            page = browser.new_page()
            page.goto(server.page(FIRST), timeout=60_000)
            page.wait_for_function(READY, timeout=60_000)
            took = time.monotonic() - begin
            page.close()
            return took


def main() -> None:
    """Print the medians and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ours, theirs = [], []
    with chromium() as browser:
        for _ in range(rounds):
            ours.append(seconds(browser, lambda home: lab_server(ROOT, home=home)))
            theirs.append(seconds(browser, plain))
            print(f"mqttkit lab {ours[-1]:.1f} s, jupyter lab {theirs[-1]:.1f} s", flush=True)
    kit, lab = statistics.median(ours), statistics.median(theirs)
    print(f"median: {kit:.1f} s against {lab:.1f} s, ratio {kit / lab:.2f}")


if __name__ == "__main__":
    main()
