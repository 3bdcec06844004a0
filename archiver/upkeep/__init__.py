"""Upkeep of an open archive: compaction, lock keepers, and the supervisor of periodic work."""

from __future__ import annotations

from vanvault.archiver.upkeep.compaction.compactor import CompactionReport
from vanvault.archiver.upkeep.compaction.keeper import KeeperReport
from vanvault.archiver.upkeep.compaction.plan import DayPlan, day_of
from vanvault.archiver.upkeep.compaction.proof import manifest_until, prove_segments
from vanvault.archiver.upkeep.compaction.rolling import residue_until
from vanvault.archiver.upkeep.compaction.run import compact, keep_locks, look_at_locks, plan_compaction
from vanvault.archiver.upkeep.compaction.steps import PartSource, SegmentSteps
from vanvault.archiver.upkeep.processes import Jobs, fork_workers, spawn_workers
from vanvault.archiver.upkeep.reindex import index_status, rebuild_index
from vanvault.archiver.upkeep.set_aside import SetAsideRecord, record_set_aside, recorded_counts

__all__ = [
    "CompactionReport",
    "DayPlan",
    "Jobs",
    "KeeperReport",
    "PartSource",
    "SegmentSteps",
    "SetAsideRecord",
    "compact",
    "day_of",
    "fork_workers",
    "index_status",
    "keep_locks",
    "look_at_locks",
    "manifest_until",
    "plan_compaction",
    "prove_segments",
    "rebuild_index",
    "record_set_aside",
    "recorded_counts",
    "residue_until",
    "spawn_workers",
]
