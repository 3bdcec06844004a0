"""Intake: from a draft to a written, acknowledged entry. See README.md."""

from __future__ import annotations

from vanvault.archiver.intake.committer import ChainSteps
from vanvault.archiver.intake.intake import Archived, Hooks, Intake, release_here
from vanvault.archiver.intake.pool import Ticket
from vanvault.archiver.intake.receive import event_draft, given_metadata, message_draft, system_event
from vanvault.archiver.intake.trust_monitor import TrustChecks
from vanvault.archiver.intake.writer import CommittedBatch, Writer, WriterParts

__all__ = [
    "Archived",
    "ChainSteps",
    "CommittedBatch",
    "Hooks",
    "Intake",
    "Ticket",
    "TrustChecks",
    "Writer",
    "WriterParts",
    "event_draft",
    "given_metadata",
    "message_draft",
    "release_here",
    "system_event",
]
