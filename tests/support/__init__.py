"""What tests of several areas share. `from support import need`."""

from support.needs import need

__all__ = ["need"]
