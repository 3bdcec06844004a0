"""Periodic work: what a serving node does besides answering, and the supervisor that runs it."""

from __future__ import annotations

from vanvault.archiver.upkeep.periodic.index_keeper import IndexKeeper
from vanvault.archiver.upkeep.periodic.maintenance import Maintenance, MaintenanceSnapshot
from vanvault.archiver.upkeep.periodic.peer_sync import PeerSync
from vanvault.archiver.upkeep.periodic.sampler import SITE_STATES, Sampler, SiteSample
from vanvault.archiver.upkeep.periodic.site_monitor import HealthRecord, SiteMonitor
from vanvault.archiver.upkeep.periodic.supervisor import Supervisor
from vanvault.archiver.upkeep.periodic.waiting_changes import WaitingChanges

__all__ = [
    "SITE_STATES",
    "HealthRecord",
    "IndexKeeper",
    "Maintenance",
    "MaintenanceSnapshot",
    "PeerSync",
    "Sampler",
    "SiteMonitor",
    "SiteSample",
    "Supervisor",
    "WaitingChanges",
]
