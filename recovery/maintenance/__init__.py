"""Maintenance verbs: compaction, the index, and the probe of a store, each as one function."""

from __future__ import annotations

from vanvault.recovery.maintenance.compaction import (
    Compaction,
    CompactRequest,
    PlannedCompaction,
    compact,
)
from vanvault.recovery.maintenance.index import RebuildReport, RebuildRequest, rebuild_index
from vanvault.recovery.maintenance.probe import (
    OverrideRequest,
    ProbeReport,
    ProbeRequest,
    override_probe,
    probe,
    probe_store,
)

__all__ = [
    "CompactRequest",
    "Compaction",
    "OverrideRequest",
    "PlannedCompaction",
    "ProbeReport",
    "ProbeRequest",
    "RebuildReport",
    "RebuildRequest",
    "compact",
    "override_probe",
    "probe",
    "probe_store",
    "rebuild_index",
]
