"""The form of a look at the archive, of a gateway's counted reads, and of a question about them: pure."""

from __future__ import annotations

from vanvault.archiver.people.looks.counted import ReadTally, TalliedReads
from vanvault.archiver.people.looks.filter import LookFilter
from vanvault.archiver.people.looks.look import (
    ACTS,
    MOST_PURPOSE,
    MOST_SHOWN,
    OUTCOMES,
    Look,
    LookAct,
    LookAuthority,
    LookOutcome,
    Viewer,
    look_of,
    outcome_of,
)

__all__ = [
    "ACTS",
    "MOST_PURPOSE",
    "MOST_SHOWN",
    "OUTCOMES",
    "Look",
    "LookAct",
    "LookAuthority",
    "LookFilter",
    "LookOutcome",
    "ReadTally",
    "TalliedReads",
    "Viewer",
    "look_of",
    "outcome_of",
]
