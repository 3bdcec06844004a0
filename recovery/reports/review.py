"""The review of accounts, every six months: the list to confirm, and who confirmed what. Pure."""

from __future__ import annotations

from vanvault.archiver.core.times import rfc3339_seconds, vietnam_day
from vanvault.archiver.people.accounts import due_reviews
from vanvault.recovery.reports.model import Cell, ReportContents, ReportTable
from vanvault.recovery.reports.period_record import PeriodRecord

_REVIEWED = "account.reviewed"


def review_report(record: PeriodRecord) -> ReportContents:
    """Every account that can do anything: when it was confirmed in the period, or that it waits for that."""
    last = record.last
    confirmed = record.of(_REVIEWED)
    by_account = {str(event.detail.get("id")): event for event in confirmed}  # the last one of each
    due = {one.account.id for one in due_reviews(record.accounts, last)}
    rows: list[tuple[Cell, ...]] = []
    listed = due_reviews(record.accounts, last, ahead=True)
    for one in sorted(listed, key=lambda one: (one.account.id not in due, one.account.name)):
        account, event = one.account, by_account.get(one.account.id)
        rows.append(
            (
                account.name,
                "gateway" if account.is_gateway else account.kind,
                account.about.full_name,
                account.about.unit,
                account.about.owner,
                list(account.roles_on(vietnam_day(last))),
                account.days.last.isoformat() if account.days.last else None,
                rfc3339_seconds(event.at) if event else None,
                str(event.detail.get("who", "")) if event else "",
                one.due.isoformat(),
                "; ".join(one.why),
            )
        )
    return ReportContents(
        figures={
            "accounts": len(rows),
            "confirmations": len(confirmed),
            "confirmed": len(by_account),
            "to_confirm": len(due),
        },
        tables=(
            ReportTable(
                "review",
                (
                    "account", "kind", "full_name", "unit", "owner", "roles", "valid_until",
                    "confirmed_at", "confirmed_by", "review_due", "concerns",
                ),
                tuple(rows),
            ),
            ReportTable(
                "confirmations",
                ("at", "account", "who"),
                tuple(
                    (
                        rfc3339_seconds(event.at),
                        str(event.detail.get("account", "")),
                        str(event.detail.get("who", "")),
                    )
                    for event in confirmed
                ),
            ),
        ),
    )  # fmt: skip
