"""The door of replicas."""

from __future__ import annotations

from vanvault.archiver.replicas.clock_guard import HOST, ClockVerdict, compare_clocks
from vanvault.archiver.replicas.health import State
from vanvault.archiver.replicas.health_board import HealthBoard, Lag, SiteStatus
from vanvault.archiver.replicas.large import LargeObjects, read_large
from vanvault.archiver.replicas.leadership import Leadership, LeadershipState, highest, leader_of, next_epoch
from vanvault.archiver.replicas.placing import (
    Placing,
    copy_object,
    place_everywhere,
    place_whole,
    placement_of,
    still_to_come,
)
from vanvault.archiver.replicas.policy import AckPolicy
from vanvault.archiver.replicas.promised import answers, holds, read_anywhere, read_version
from vanvault.archiver.replicas.readable import PATIENCE_S, Readable
from vanvault.archiver.replicas.steady_clock import SteadyClock

__all__ = [
    "HOST",
    "PATIENCE_S",
    "AckPolicy",
    "ClockVerdict",
    "HealthBoard",
    "Lag",
    "LargeObjects",
    "Leadership",
    "LeadershipState",
    "Placing",
    "Readable",
    "SiteStatus",
    "State",
    "SteadyClock",
    "answers",
    "compare_clocks",
    "copy_object",
    "highest",
    "holds",
    "leader_of",
    "next_epoch",
    "place_everywhere",
    "place_whole",
    "placement_of",
    "read_anywhere",
    "read_large",
    "read_version",
    "still_to_come",
]
