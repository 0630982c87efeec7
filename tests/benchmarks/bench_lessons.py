"""How long do the lessons take, and how large are they?

    python tests/benchmarks/bench_lessons.py [00 01 ...]

For each lesson: size of the file, seconds from the start of its kernel to the first output, seconds of all its cells.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.notebooks import LESSONS, kernel_of


def measure(path: Path) -> tuple[float, float]:
    """(seconds to the first output, seconds of all cells); the start of the kernel counts in the first only."""
    start, first = time.perf_counter(), 0.0
    with kernel_of(path) as (kernel, cells):
        begin = time.perf_counter()
        for index, cell in enumerate(cells):
            shown = kernel.run(index, cell)
            if shown and cell["cell_type"] == "code" and not first:
                first = time.perf_counter() - start
        return first, time.perf_counter() - begin


def main() -> None:
    """Print the table."""
    chosen = [path for path in LESSONS if not sys.argv[1:] or path.name[:2] in sys.argv[1:]]
    total = 0.0
    print(f"{'lesson':26}{'kB':>6}{'first output':>14}{'all cells':>11}")
    for path in chosen:
        first, whole = measure(path)
        total += whole
        print(f"{path.stem:26}{path.stat().st_size / 1000:6.0f}{first:12.1f} s{whole:9.1f} s", flush=True)
    print(f"all: {total / 60:.1f} minutes")


if __name__ == "__main__":
    main()
