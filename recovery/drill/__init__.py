"""Drills: a recovery rehearsed in isolation, with signed evidence of what came of it."""

from __future__ import annotations

from vanvault.recovery.drill.document import document as drill_document
from vanvault.recovery.drill.evidence import (
    ArchivedFile,
    ArchivedReport,
    archived_file,
    archived_report,
    drill_evidence,
)
from vanvault.recovery.drill.model import MILESTONES, DrillPlan
from vanvault.recovery.drill.record import (
    DrillStanding,
    last_rate,
    measured,
    newest_measured,
    overdue,
    standings,
)
from vanvault.recovery.drill.scenarios import UNATTENDED_DRILLS
from vanvault.recovery.drill.texts import phrase as drill_phrase
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
    "UNATTENDED_DRILLS",
    "ArchivedFile",
    "ArchivedReport",
    "DrillPlan",
    "DrillReport",
    "DrillRequest",
    "DrillStanding",
    "Escrowed",
    "PlannedDrill",
    "archived_file",
    "archived_report",
    "drill",
    "drill_document",
    "drill_evidence",
    "drill_phrase",
    "last_rate",
    "measured",
    "newest_measured",
    "overdue",
    "schedule_drill",
    "standings",
]
