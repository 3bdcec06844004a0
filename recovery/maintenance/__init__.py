"""Maintenance verbs: compaction, the index, the probe of a store and its preparation, each one function."""

from __future__ import annotations

from vanvault.recovery.maintenance.compaction import (
    CompactRequest,
    PlannedCompaction,
    compact,
)
from vanvault.recovery.maintenance.index import RebuildRequest, rebuild_index
from vanvault.recovery.maintenance.probe import (
    OverrideRequest,
    ProbeRequest,
    override_probe,
    probe,
)
from vanvault.recovery.maintenance.site import SiteRequest, prepare_site

__all__ = [
    "CompactRequest",
    "OverrideRequest",
    "PlannedCompaction",
    "ProbeRequest",
    "RebuildRequest",
    "SiteRequest",
    "compact",
    "override_probe",
    "prepare_site",
    "probe",
    "rebuild_index",
]
