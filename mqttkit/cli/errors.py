"""What the commands raise when they cannot do what was asked."""

from __future__ import annotations

from mqttkit.errors import MqttKitError


class CommandError(MqttKitError):
    """A command was asked for something it cannot do: one sentence, exit code 2."""
