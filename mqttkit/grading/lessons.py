"""The lessons by the names of their files, as feedback calls them. A test compares them with the notebooks."""

from __future__ import annotations

TITLES = {
    "01-first-message": "1 · Your first message",
    "02-topics-and-wildcards": "2 · Topics and wildcards",
    "03-payloads": "3 · Payloads",
    "04-client-life-cycle": "4 · The life of a client",
    "05-qos": "5 · Quality of service",
    "06-retain-and-will": "6 · Retained messages and the last will",
    "07-sessions": "7 · Sessions",
    "08-security": "8 · Security",
    "09-unreliable-networks": "9 · Unreliable networks",
    "10-in-the-wild": "10 · In the wild",
    "11-smart-home": "11 · A smart home",
    "12-storing-data": "12 · Storing data",
}


def title(lesson: str) -> str:
    """What the lesson in the file `lesson`.ipynb is called; the file's name where it is none of the kit's."""
    return TITLES.get(lesson, lesson)
