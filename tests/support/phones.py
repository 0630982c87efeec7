"""Phones for tests of the join page: sizes and touch of real ones, and what a person does on the page."""

from __future__ import annotations

from typing import Any

_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.0 Mobile/15E148"
_ANDROID = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)
# Width and height of the page in CSS pixels, pixels per CSS pixel, user agent.
DEVICES = {
    "iPhone SE": (320, 568, 2, _IPHONE),
    "Pixel 7": (412, 839, 2.625, _ANDROID),
    "iPhone 13 landscape": (750, 342, 3, _IPHONE),
}


def phone_options(device: str) -> dict[str, Any]:
    """Options for a browser context that looks like this phone."""
    width, height, scale, agent = DEVICES[device]
    size = {"width": width, "height": height}
    return {"viewport": size, "device_scale_factor": scale, "user_agent": agent, "is_mobile": True, "has_touch": True}


def enter(page: Any, name: str) -> Any:
    """Join the room under a name."""
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    page.locator("#room").wait_for()
    return page


def say(page: Any, text: str) -> None:
    """Write a line."""
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")
