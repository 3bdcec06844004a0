"""The sites together: placing and reading objects, how each site is, and which one leads."""

from __future__ import annotations

from vanvault.archiver.replicas.clock_guard import ClockVerdict
from vanvault.archiver.replicas.guarded import Gate, GateRules, GuardedSite
from vanvault.archiver.replicas.health import CAUSES, SiteState
from vanvault.archiver.replicas.health_board import HealthBoard, Lag, SiteStatus
from vanvault.archiver.replicas.large import LargeObjects, read_large
from vanvault.archiver.replicas.leadership import Leadership, LeadershipState
from vanvault.archiver.replicas.placing import (
    Placing,
    copy_object,
    place_everywhere,
    placement_of,
    put_copy,
    still_to_come,
)
from vanvault.archiver.replicas.policy import AckPolicy
from vanvault.archiver.replicas.promised import (
    answers,
    holds,
    read_anywhere,
    read_listed,
    read_version,
    serves_others,
    unreadable,
)
from vanvault.archiver.replicas.quarantine import Quarantine, SetAside
from vanvault.archiver.replicas.readable import Readable
from vanvault.archiver.replicas.steady_clock import SteadyClock

__all__ = [
    "CAUSES",
    "AckPolicy",
    "ClockVerdict",
    "Gate",
    "GateRules",
    "GuardedSite",
    "HealthBoard",
    "Lag",
    "LargeObjects",
    "Leadership",
    "LeadershipState",
    "Placing",
    "Quarantine",
    "Readable",
    "SetAside",
    "SiteState",
    "SiteStatus",
    "SteadyClock",
    "answers",
    "copy_object",
    "holds",
    "place_everywhere",
    "placement_of",
    "put_copy",
    "read_anywhere",
    "read_large",
    "read_listed",
    "read_version",
    "serves_others",
    "still_to_come",
    "unreadable",
]
