"""Exercises with instant feedback, and grading of what went over the wire."""

from mqttkit.grading.check import checks
from mqttkit.grading.reached import progress
from mqttkit.grading.values import Address

__all__ = ["Address", "checks", "progress"]
