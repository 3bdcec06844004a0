"""Drills: a recovery rehearsed in isolation, with signed evidence of what came of it."""

from __future__ import annotations

from vanvault.recovery.drill.evidence import ArchivedReport, archived_report, drill_evidence
from vanvault.recovery.drill.model import MILESTONES, DrillPlan
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
    "MILESTONES",
    "ArchivedReport",
    "DrillPlan",
    "DrillReport",
    "DrillRequest",
    "DrillStanding",
    "Escrowed",
    "PlannedDrill",
    "archived_report",
    "drill",
    "drill_evidence",
    "last_rate",
    "measured",
    "overdue",
    "schedule_drill",
    "standings",
]
