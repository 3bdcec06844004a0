"""The door of intake."""

from __future__ import annotations

from vanvault.archiver.intake.budget import ByteBudget
from vanvault.archiver.intake.committer import OnGroup, unobserved
from vanvault.archiver.intake.follower import Follower
from vanvault.archiver.intake.health_watch import HealthWatch
from vanvault.archiver.intake.intake import Intake, Release, release_here
from vanvault.archiver.intake.pool import Ticket
from vanvault.archiver.intake.receive import event_draft, given_metadata, message_draft, system_event
from vanvault.archiver.intake.waiting_changes import WaitingChanges
from vanvault.archiver.intake.writer import CommittedBatch, Fault, Writer, no_fault

__all__ = [
    "ByteBudget",
    "CommittedBatch",
    "Fault",
    "Follower",
    "HealthWatch",
    "Intake",
    "OnGroup",
    "Release",
    "Ticket",
    "WaitingChanges",
    "Writer",
    "event_draft",
    "given_metadata",
    "message_draft",
    "no_fault",
    "release_here",
    "system_event",
    "unobserved",
]
