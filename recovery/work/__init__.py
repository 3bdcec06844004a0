"""The door of work."""

from __future__ import annotations

from vanvault.recovery.work.jobs import open_others
from vanvault.recovery.work.pipeline import Effort, in_order
from vanvault.recovery.work.progress import Extent, Step, silent

__all__ = [
    "Effort",
    "Extent",
    "Step",
    "in_order",
    "open_others",
    "silent",
]
