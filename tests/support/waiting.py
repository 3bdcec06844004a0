"""Waiting for something to become true: the one loop, with a limit that only a fault reaches."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Longest wait, in seconds: far beyond what any test needs, on a machine that does other work too.
PATIENCE_S = 120.0
#: Between two looks, in seconds: what a look costs is small.
PAUSE_S = 0.02


def wait_for(happens: Callable[[], object], what: str = "what the test waits for") -> None:
    """Return once ``happens()`` is true. Fails, and names ``what``, after ``PATIENCE_S``."""
    until = time.monotonic() + PATIENCE_S
    while not happens():
        assert time.monotonic() < until, f"not in {PATIENCE_S:g} s: {what}"
        time.sleep(PAUSE_S)
