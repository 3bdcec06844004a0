"""The availability ledger: when the service was up, and when it was not, as a fold over the archive's log.

Nothing is kept besides the archive: nodes put their changes of state and a heartbeat on record as events,
operators announce windows, outside probes note what they see, and whoever asks folds them again. So the
ledger survives restarts, and the loss of every node.
"""

from __future__ import annotations

from vanvault.archiver.journal.availability.alive import AliveFiles
from vanvault.archiver.journal.availability.events import (
    cancelled_detail,
    level_named,
    note_detail,
    window_detail,
)
from vanvault.archiver.journal.availability.ledger import fold
from vanvault.archiver.journal.availability.model import Level, Window
from vanvault.archiver.journal.availability.read import began_us, read_evidence, read_windows
from vanvault.archiver.journal.availability.recorder import RecordedNode, Recorder
from vanvault.archiver.journal.availability.report import (
    Totals,
    YearReport,
    year_bounds,
    year_of,
    year_report,
)

__all__ = [
    "AliveFiles",
    "Level",
    "RecordedNode",
    "Recorder",
    "Totals",
    "Window",
    "YearReport",
    "began_us",
    "cancelled_detail",
    "fold",
    "level_named",
    "note_detail",
    "read_evidence",
    "read_windows",
    "window_detail",
    "year_bounds",
    "year_of",
    "year_report",
]
