"""Four eyes at an open archive: what asks for approval, and requests up to their one use."""

from __future__ import annotations

from vanvault.recovery.approvals.approvers import KnownApprover, known_approvers
from vanvault.recovery.approvals.asking import requester_here
from vanvault.recovery.approvals.need import GoodApproval, asks, need
from vanvault.recovery.approvals.reading import KnownApprovals, known_approvals, known_table
from vanvault.recovery.approvals.setting import set_table
from vanvault.recovery.approvals.telling import request_as_json
from vanvault.recovery.approvals.verbs import (
    Approver,
    SignOnTooWeak,
    approve_request,
    check_fresh,
    refuse_request,
    withdraw_request,
)

__all__ = [
    "Approver",
    "GoodApproval",
    "KnownApprovals",
    "KnownApprover",
    "SignOnTooWeak",
    "approve_request",
    "asks",
    "check_fresh",
    "known_approvals",
    "known_approvers",
    "known_table",
    "need",
    "refuse_request",
    "request_as_json",
    "requester_here",
    "set_table",
    "withdraw_request",
]
