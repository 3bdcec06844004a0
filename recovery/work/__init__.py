"""What all verbs of recovery share: workers, progress, and the record of what was done."""

from __future__ import annotations

from vanvault.recovery.work.arrival import let_puts_arrive
from vanvault.recovery.work.jobs import EarlyWorkers, open_others
from vanvault.recovery.work.observer import QUIET, Observer
from vanvault.recovery.work.own_message import archive_with_event, own_message
from vanvault.recovery.work.pipeline import Effort, in_order
from vanvault.recovery.work.progress import Extent, Step, silent
from vanvault.recovery.work.record import (
    account,
    catch_up,
    put_on_record,
    put_set_aside_on_record,
    record_aside,
)
from vanvault.recovery.work.rounds import ROUND_WITHIN, is_round_due_on_record

__all__ = [
    "QUIET",
    "ROUND_WITHIN",
    "EarlyWorkers",
    "Effort",
    "Extent",
    "Observer",
    "Step",
    "account",
    "archive_with_event",
    "catch_up",
    "in_order",
    "is_round_due_on_record",
    "let_puts_arrive",
    "open_others",
    "own_message",
    "put_on_record",
    "put_set_aside_on_record",
    "record_aside",
    "silent",
]
