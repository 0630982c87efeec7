"""The command line of mqttkit."""


def main() -> int:
    """Run the command line; the exit code."""
    return 0
