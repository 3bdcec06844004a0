"""A request as JSON values, with how it stands: the same by the command line and the API."""

from __future__ import annotations

from typing import Any

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.approvals import ACTS, ApprovalRequest
from vanvault.recovery.approvals.reading import KnownApprovals


def request_as_json(known: KnownApprovals, request: ApprovalRequest) -> dict[str, Any]:
    """Every field is there. Raises Damaged: this version cannot read the table in force."""
    standing = known.standing(request)
    return {
        "id": request.id,
        "act": request.wish.act,
        "about": ACTS[request.wish.act],
        "subject": dict(request.wish.subject),
        "beneficiaries": list(request.wish.beneficiaries),
        "digest": request.digest,
        "requester": request.wish.requester,
        "requested_by": request.who,
        "requested_at": rfc3339_seconds(request.at),
        "state": standing.state,
        "why": standing.why,
        "needed": standing.needed,
        "until": rfc3339_seconds(standing.until) if standing.until else None,
        "approved_by": [
            {"account": vote.name, "at": rfc3339_seconds(vote.at)} for vote in standing.approvers
        ],
        "used_by": [{"account": use.who, "at": rfc3339_seconds(use.at)} for use in request.uses],
    }
