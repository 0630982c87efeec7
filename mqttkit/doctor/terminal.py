"""`mqttkit doctor`."""

from __future__ import annotations

from mqttkit import __version__
from mqttkit.doctor.report import doctor


def run_doctor(*, broker: str | None = None) -> int:
    """Print what is installed and whether the course will work; 0 when it will.

    Args:
        broker: address of a broker to probe instead of looking at this computer.
    """
    if broker is not None:
        from mqttkit.doctor.abilities import run_abilities

        return run_abilities(broker)
    report = doctor()
    print(f"mqttkit {__version__}\n")
    for check in report.checks:
        print(f"{'ok' if check.ok else 'not yet':9}{check.text}")
        for more in filter(None, (check.detail, check.advice)):
            print(f"{'':9}  {more}")
    print(f"\nOptional parts, the course works without them:\n\n{report.parts}\n\n{report.verdict}")
    return 0 if report.ready else 1
