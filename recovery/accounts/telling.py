"""An account as JSON values: the same at the command line, over HTTP and on pages. Pure."""

from __future__ import annotations

from datetime import date, datetime

from vanvault.archiver.core.times import rfc3339_seconds
from vanvault.archiver.people.accounts import Account, idle_days, review_due, roles_in_force, standing_of

#: How accounts stand that can do nothing any more.
GONE_STATES = ("over", "contested", "withdrawn", "removed")


def account_as_json(account: Account, now: datetime) -> dict[str, object]:
    """One account as it stands at a moment; days are ``2026-11-22``, moments RFC 3339, null is none."""
    standing, marks = standing_of(account, now), account.marks
    return {
        "id": account.id,
        "account": account.name,
        "kind": account.kind,
        "full_name": account.about.full_name,
        "unit": account.about.unit,
        "owner": account.about.owner,
        "state": standing.state,
        "why": standing.why,
        "roles": list(roles_in_force(account, now)),
        "grants": [
            {
                "role": one.role,
                "from": _day(one.days.first),
                "until": _day(one.days.last),
                "granted_at": rfc3339_seconds(one.granted_at),
                "granted_by": one.who,
            }
            for one in account.grants
            if not one.days.is_empty
        ],
        "valid_from": _day(account.days.first),
        "valid_until": _day(account.days.last),
        "suspensions": [
            {
                "from": _day(one.first),
                "reason": one.reason,
                "entered_at": rfc3339_seconds(one.entered_at),
                "entered_by": one.who,
                "lifted_at": _moment(one.lifted_at),
                "lag_days": one.lag_days,
            }
            for one in account.suspensions
        ],
        "late": [
            {
                "what": one.what,
                "effective": _day(one.effective),
                "entered_at": rfc3339_seconds(one.entered_at),
                "lag_days": one.lag_days,
            }
            for one in account.late
        ],
        "identities": [{"issuer": one.issuer, "subject": one.subject} for one in account.identities],
        "added_at": rfc3339_seconds(marks.added_at),
        "last_seen": _moment(marks.seen_at),
        "idle_days": idle_days(account, now),
        "reviewed_at": _moment(marks.reviewed_at),
        "review_due": _day(review_due(account)),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339_seconds(at)
