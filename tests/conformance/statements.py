"""The normative statements of MQTT 3.1.1 (appendix B) that bind a server, and where each is asked of the brokers."""

from __future__ import annotations

from probes import PROBES

# How many statements each section has, by its number: 3.3.1 has MQTT-3.3.1-1 to MQTT-3.3.1-12.
SECTIONS = {
    "1.5.3": 3, "2.2.2": 2, "2.3.1": 7, "3.1.0": 2, "3.1.2": 24, "3.1.3": 11, "3.1.4": 5, "3.2.0": 1, "3.2.2": 6, "3.3.1": 12,
    "3.3.2": 3, "3.3.4": 1, "3.3.5": 2, "3.6.1": 1, "3.8.1": 1, "3.8.3": 4, "3.8.4": 6, "3.9.3": 2, "3.10.1": 1, "3.10.3": 2,
    "3.10.4": 6, "3.12.4": 1, "3.14.1": 1, "3.14.4": 3, "4.1.0": 2, "4.2.0": 1, "4.3.1": 1, "4.3.2": 2, "4.3.3": 2, "4.4.0": 1,
    "4.5.0": 2, "4.6.0": 6, "4.7.1": 3, "4.7.2": 1, "4.7.3": 4, "4.8.0": 2, "6.0.0": 4,
}  # fmt: skip
CLIENT = "binds the client"
ELSEWHERE = {
    "2.3.1-2": CLIENT, "2.3.1-3": CLIENT, "3.1.2-23": CLIENT, "3.1.3-7": CLIENT, "3.14.4-1": CLIENT, "4.5.0-2": CLIENT,
    "4.6.0-2": CLIENT, "4.6.0-3": CLIENT, "4.6.0-4": CLIENT, "6.0.0-3": CLIENT,
    "3.3.5-2": "access rules: tests/broker/test_broker_users.py", "3.8.3-2": "wildcards are served",
    "6.0.0-1": "tests/broker/test_broker_listeners.py", "6.0.0-2": "tests/broker/test_broker_listeners.py",
    "6.0.0-4": "tests/broker/test_broker_listeners.py", "4.8.0-2": "tests/broker/test_broker_life.py: restart",
}  # fmt: skip


def all_statements() -> list[str]:
    return [f"{section}-{number}" for section, last in SECTIONS.items() for number in range(1, last + 1)]


def asked() -> dict[str, int]:
    """How many questions a wrong answer to which would break each statement."""
    counts = dict.fromkeys(all_statements(), 0)
    for probe in PROBES.values():
        for statement in (probe.statement, *probe.also):
            name = statement.removeprefix("MQTT-")
            if name in counts:
                counts[name] += 1
    return counts


def coverage() -> str:
    """The part of the page that says which statements are asked."""
    counts = asked()
    told = [f"{name} ({count})" for name, count in counts.items() if count]
    other = [f"{name} {why}" for name, why in ELSEWHERE.items() if not counts[name]]
    return "\n".join((
        "## Which statements are asked\n",
        f"{len(told)} of {len(counts)} normative statements, each with the number of questions that break with it:\n",
        ", ".join(told) + ".\n",
        "The others: " + "; ".join(other) + ".\n",
    ))  # fmt: skip
