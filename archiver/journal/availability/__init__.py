"""The availability ledger: when the service was up, and when it was not, as a fold over the archive's log.

Nothing is kept besides the archive: nodes put their changes of state and a heartbeat on record as events,
operators announce windows, outside probes note what they see, and whoever asks folds them again. So the
ledger survives restarts, and the loss of every node.
"""

from __future__ import annotations

from vanvault.archiver.journal.availability.alive import AliveFiles
from vanvault.archiver.journal.availability.events import (
    cancelled_detail,
    note_detail,
    window_detail,
)
from vanvault.archiver.journal.availability.model import Level, Window
from vanvault.archiver.journal.availability.read import read_windows, read_year
from vanvault.archiver.journal.availability.recorder import RecordedNode, Recorder
from vanvault.archiver.journal.availability.report import (
    Totals,
    YearReport,
)

__all__ = [
    "AliveFiles",
    "Level",
    "RecordedNode",
    "Recorder",
    "Totals",
    "Window",
    "YearReport",
    "cancelled_detail",
    "note_detail",
    "read_windows",
    "read_year",
    "window_detail",
]
