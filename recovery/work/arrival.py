"""A put that is on its way while sites are compared: what it writes is missing at one site for a moment."""

from __future__ import annotations

import time

#: How long such a put gets to arrive before its object counts as missing.
PATIENCE_S = 1.0


def let_puts_arrive() -> None:
    """Wait until a put that is on its way has arrived."""
    time.sleep(PATIENCE_S)
