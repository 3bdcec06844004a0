"""The door of drill."""

from __future__ import annotations

from vanvault.recovery.drill.bundle import FOLDER, bundle_files, read_report, write_bundle, zipped
from vanvault.recovery.drill.conduct import Means
from vanvault.recovery.drill.model import DrillPlan
from vanvault.recovery.drill.record import (
    SCHEDULED,
    Standing,
    archive_drill,
    last_rate,
    measured,
    overdue,
    scheduled_detail,
    standings,
)
from vanvault.recovery.drill.report import (
    Report,
    parse_report,
    plan_fields,
    public_keys_of,
    signed_report,
    verify_report,
)
from vanvault.recovery.drill.restic_copy import restic_copy
from vanvault.recovery.drill.run import Finished, prepare, run, scenario_of

__all__ = [
    "FOLDER",
    "SCHEDULED",
    "DrillPlan",
    "Finished",
    "Means",
    "Report",
    "Standing",
    "archive_drill",
    "bundle_files",
    "last_rate",
    "measured",
    "overdue",
    "parse_report",
    "plan_fields",
    "prepare",
    "public_keys_of",
    "read_report",
    "restic_copy",
    "run",
    "scenario_of",
    "scheduled_detail",
    "signed_report",
    "standings",
    "verify_report",
    "write_bundle",
    "zipped",
]
