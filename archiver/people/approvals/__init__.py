"""Four eyes: acts that others must approve first, out of events, and whether a request may be used."""

from __future__ import annotations

from vanvault.archiver.people.approvals.fold import (
    APPROVAL_EVENTS,
    ApprovalBook,
    ApprovalRequest,
    ApprovalUse,
    ApprovalVote,
    fold_approvals,
)
from vanvault.archiver.people.approvals.judging import (
    FRESH,
    TWO_FACTORS,
    AccountHistory,
    ApprovalStanding,
    judge_request,
    may_vote,
)
from vanvault.archiver.people.approvals.request import ApprovalWish, Requester
from vanvault.archiver.people.approvals.table import (
    ACTS,
    LEAST_PEOPLE,
    LONGEST_KEPT,
    ActRule,
    ApprovalTable,
    table_of_settings,
)

__all__ = [
    "ACTS",
    "APPROVAL_EVENTS",
    "FRESH",
    "LEAST_PEOPLE",
    "LONGEST_KEPT",
    "TWO_FACTORS",
    "AccountHistory",
    "ActRule",
    "ApprovalBook",
    "ApprovalRequest",
    "ApprovalStanding",
    "ApprovalTable",
    "ApprovalUse",
    "ApprovalVote",
    "ApprovalWish",
    "Requester",
    "fold_approvals",
    "judge_request",
    "may_vote",
    "table_of_settings",
]
