"""A class in one chat room: one address that laptops, phones and notebooks join."""

from __future__ import annotations

from mqttkit.classroom.session import Classroom

__all__ = ["Classroom"]
