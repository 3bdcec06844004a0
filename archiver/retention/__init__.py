"""Clocks of the law: when a transaction closed, and until when it is kept. Pure."""

from vanvault.archiver.retention.clock import (
    CaseEntry,
    CaseState,
    ClosedBy,
    GoneEntries,
    TransactionClock,
    clock_of,
)
from vanvault.archiver.retention.closing import EFFECTS, ClosingRule, ClosingTable, closing_table
from vanvault.archiver.retention.due import Due, RetentionClass, due_of, years_later
from vanvault.archiver.retention.holds import (
    HOLD_EVENTS,
    Hold,
    HoldBook,
    HoldReason,
    HoldSay,
    HoldScope,
    confirming,
    fold_holds,
    placing,
    releasing,
)
from vanvault.archiver.retention.linking import transaction_among, transaction_form
from vanvault.archiver.retention.told import DisposedPart, Owed, StandingLock, Subject
from vanvault.archiver.retention.words import SENTENCES

__all__ = [
    "EFFECTS",
    "HOLD_EVENTS",
    "SENTENCES",
    "CaseEntry",
    "CaseState",
    "ClosedBy",
    "ClosingRule",
    "ClosingTable",
    "DisposedPart",
    "Due",
    "GoneEntries",
    "Hold",
    "HoldBook",
    "HoldReason",
    "HoldSay",
    "HoldScope",
    "Owed",
    "RetentionClass",
    "StandingLock",
    "Subject",
    "TransactionClock",
    "clock_of",
    "closing_table",
    "confirming",
    "due_of",
    "fold_holds",
    "placing",
    "releasing",
    "transaction_among",
    "transaction_form",
    "years_later",
]
