"""What every kernel of `mqttkit lab` runs before its first cell, as PYTHONSTARTUP.

It brings the advice of _advice.py also to someone who begins in the middle of a lesson, where nothing has imported
mqttkit yet. A plain Python, and a kernel of an environment without mqttkit, are left as they are.
"""

try:  # noqa: SIM105 - contextlib would be one more name in the learner's notebook
    __import__("mqttkit")  # leaves no name behind
except ImportError:
    pass
