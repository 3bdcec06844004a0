"""Drills: a recovery rehearsed in isolation, with signed evidence of what came of it."""

from __future__ import annotations

from vanvault.recovery.drill.evidence import read_evidence
from vanvault.recovery.drill.model import DrillPlan
from vanvault.recovery.drill.record import DrillStanding, last_rate, measured, overdue, standings
from vanvault.recovery.drill.verb import (
    DrillReport,
    DrillRequest,
    Escrowed,
    PlannedDrill,
    drill,
    schedule_drill,
)

__all__ = [
    "DrillPlan",
    "DrillReport",
    "DrillRequest",
    "DrillStanding",
    "Escrowed",
    "PlannedDrill",
    "drill",
    "last_rate",
    "measured",
    "overdue",
    "read_evidence",
    "schedule_drill",
    "standings",
]
