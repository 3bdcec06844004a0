"""Disposal of what the law no longer asks for: how one stands, what it may take, and why the rest stays."""

from __future__ import annotations

from vanvault.archiver.disposal.fold import (
    DISPOSAL_EVENTS,
    DisposalBook,
    DisposalCertificate,
    DisposalRecord,
    RecheckedSegment,
    RemovedObject,
    ReplacedSegments,
    fold_disposals,
)
from vanvault.archiver.disposal.plan import (
    DisposalPlan,
    PlanMaking,
    PlannedEntry,
    ids_digest,
    planned_entries,
)
from vanvault.archiver.disposal.reasons import (
    ARCHIVE_REASONS,
    ENTRY_REASONS,
    GRACE,
    SEGMENT_REASONS,
    VERIFIED_WITHIN,
    ArchiveStanding,
    EntryStanding,
    SegmentStanding,
    what_is_due,
    what_stops,
    why_entry_stays,
    why_segment_stays,
)
from vanvault.archiver.disposal.state import (
    COOLING,
    DISPOSAL_STATES,
    RUNNABLE,
    DisposalApproval,
    DisposalState,
    state_of,
    why_no_run,
)

__all__ = [
    "ARCHIVE_REASONS",
    "COOLING",
    "DISPOSAL_EVENTS",
    "DISPOSAL_STATES",
    "ENTRY_REASONS",
    "GRACE",
    "RUNNABLE",
    "SEGMENT_REASONS",
    "VERIFIED_WITHIN",
    "ArchiveStanding",
    "DisposalApproval",
    "DisposalBook",
    "DisposalCertificate",
    "DisposalPlan",
    "DisposalRecord",
    "DisposalState",
    "EntryStanding",
    "PlanMaking",
    "PlannedEntry",
    "RecheckedSegment",
    "RemovedObject",
    "ReplacedSegments",
    "SegmentStanding",
    "fold_disposals",
    "ids_digest",
    "planned_entries",
    "state_of",
    "what_is_due",
    "what_stops",
    "why_entry_stays",
    "why_no_run",
    "why_segment_stays",
]
