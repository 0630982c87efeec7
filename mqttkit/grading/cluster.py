"""Grading past one machine: the same jobs through a dask scheduler (the optional extra `cluster`).

Every worker machine needs the kit, and the same paths to submissions and reports, such as a shared disk. A job whose worker
is lost goes to another one; its report is written once more over the half-written one, so each submission counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from mqttkit.errors import GradingError
from mqttkit.grading.job import Job, Report, lost
from mqttkit.grading.pool import MARGIN, Worker

RETRIES = 2
PATIENCE = "10s"  # for the first answer of the scheduler


def grade_here(job: Job) -> Report:
    """Grade one submission on a worker machine, in a process of its own as on one machine."""
    worker = Worker()
    try:
        return worker.grade(job)
    finally:
        worker.close()


def distributed(address: str, jobs: list[Job], count: int) -> Generator[Report, None, None]:
    """The reports on `jobs`, each as soon as it is there.

    Args:
        address: of the scheduler, such as "tcp://10.0.0.1:8786".
        jobs: what to grade.
        count: not used: the scheduler knows how many workers there are.

    Raises:
        GradingError: dask is not installed, or no scheduler answers.
    """
    del count
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise GradingError("--scheduler needs dask: python -m pip install 'mqttkit[cluster]'.") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise GradingError(
            f"No scheduler answers at {address}: {error or type(error).__name__}. Write it like tcp://host:8786."
        ) from None
    with client:
        futures = {client.submit(grade_here, job, pure=False, retries=RETRIES): job for job in jobs}
        limit = sum(job.total + MARGIN for job in jobs)
        for future in as_completed(list(futures), loop=client.loop, timeout=limit):
            job = futures[future]
            yield (
                future.result()
                if future.status == "finished"
                else lost(job, f"The cluster lost it: {future.exception()}")
            )
