"""What keeps each entry now, or that nothing does: for disposals, and for what is told of personal data."""

from __future__ import annotations

from vanvault.recovery.standings.entries import Standings, beside, reduced_in, segment_standing
from vanvault.recovery.standings.kept import WAITS, KeptData, KeptLine, kept_data
from vanvault.recovery.standings.texts import duty_told, reason_told

__all__ = [
    "WAITS",
    "KeptData",
    "KeptLine",
    "Standings",
    "beside",
    "duty_told",
    "kept_data",
    "reason_told",
    "reduced_in",
    "segment_standing",
]
