"""The widgets: see and touch MQTT inside a notebook."""

from __future__ import annotations
