"""Where tests make a write fail: its steps have names, and a function is told each of them."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the name of each step of a write; a test raises an error or kills the process there.
Fault = Callable[[str], None]


def no_fault(step: str) -> None:
    """The default: every step passes."""
