"""The report on accounts, each quarter: the first time all of them, then what changed. Pure.

Dispatch 907/2019 asks for it (``vanvault law`` says how that is known). Tables hold a row for each event of
their types; what was entered too late is listed with what the account looked at meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from vanvault.archiver.core.times import rfc3339_seconds, vietnam_day
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.people.accounts import Account
from vanvault.recovery.reports.model import Cell, ReportContents, ReportTable, by_type
from vanvault.recovery.reports.period_record import LateRight, PeriodRecord

#: What people sign on with, and tokens of people.
_CREDENTIALS = ("account.credential-", "account.token-")
_GATEWAYS = ("gateway.",)
#: Of use and of reviews, which have a report of their own.
_NO_CHANGE = ("account.seen", "account.reviewed", "account.authenticator-used")
_STATES = ("active", "early", "over", "suspended", "idle")

_CHANGES = ("at", "change", "account", "what", "effective", "until", "lag_days", "who", "reason")


def accounts_report(record: PeriodRecord, *, full: bool) -> ReportContents:
    """``full``: with the list of all accounts as they stand at the end."""
    credentials, gateways = record.under(*_CREDENTIALS), record.under(*_GATEWAYS)
    changes = [
        event
        for event in record.under("account.")
        if event.type not in _NO_CHANGE and not event.type.startswith(_CREDENTIALS)
    ]
    states: Counter[str] = Counter(standing.state for _, standing in record.standings())
    types = Counter(event.type for event in (*changes, *credentials, *gateways))
    looks = [(late, seen) for late in record.late for seen in late.looks]
    return ReportContents(
        figures={
            "accounts": len(record.accounts),
            **{f"accounts_{state}": states[state] for state in _STATES},
            "accounts_other": len(record.accounts) - sum(states[state] for state in _STATES),
            "changes": len(changes),
            "added": types["account.added"],
            "suspended": types["account.suspended"],
            "resumed": types["account.resumed"],
            "roles_granted": types["account.role-granted"],
            "roles_revoked": types["account.role-revoked"],
            "credentials": len(credentials),
            "gateways": len(gateways),
            "late": len(record.late),
            "late_looks": len(looks),
        },
        tables=(
            *((_list(record),) if full else ()),
            ReportTable("changes", _CHANGES, _rows(record, changes)),
            ReportTable("late", _LATE, tuple(map(_late, record.late))),
            ReportTable(
                "late_looks",
                ("at", "account", "act", "outcome", "count", "shown"),
                tuple(
                    (
                        seen.at,
                        late.account.name,
                        seen.look.act,
                        seen.look.outcome,
                        seen.look.count,
                        list(seen.look.shown),
                    )
                    for late, seen in looks
                ),
            ),
            ReportTable("credentials", _CHANGES, _rows(record, credentials)),
            ReportTable("gateways", _CHANGES, _rows(record, gateways)),
            by_type(types),
        ),
    )


_LATE = ("account", "change", "effective", "entered", "lag_days", "roles", "looks")


def _late(late: LateRight) -> tuple[Cell, ...]:
    entered = rfc3339_seconds(late.entered_at)
    looks = len(late.looks)
    return (late.account.name, late.what, late.effective, entered, late.lag_days, list(late.roles), looks)


def _list(record: PeriodRecord) -> ReportTable:
    return ReportTable(
        "list",
        (
            "account",
            "id",
            "kind",
            "full_name",
            "unit",
            "owner",
            "roles",
            "valid_from",
            "valid_until",
            "state",
        ),
        tuple((*_about(account, record), standing.state) for account, standing in record.standings()),
    )


def _about(account: Account, record: PeriodRecord) -> tuple[Cell, ...]:
    about, days = account.about, account.days
    return (
        account.name,
        account.id,
        "gateway" if account.is_gateway else account.kind,
        about.full_name,
        about.unit,
        about.owner,
        list(account.roles_on(vietnam_day(record.last))),
        days.first.isoformat() if days.first else None,
        days.last.isoformat() if days.last else None,
    )


def _rows(record: PeriodRecord, events: Iterable[OwnEvent]) -> tuple[tuple[Cell, ...], ...]:
    lags = {(late.account.id, late.entered_at): late.lag_days for late in record.late}
    return tuple(_row(event, lags.get((str(event.detail.get("id")), event.at), 0)) for event in events)


def _row(event: OwnEvent, lag_days: int) -> tuple[Cell, ...]:
    detail = event.detail

    def told(name: str) -> str:
        value = detail.get(name)
        return value if isinstance(value, str) else ""

    what: Callable[[dict[str, object]], str] = _WHAT.get(event.type, _named)
    return (
        rfc3339_seconds(event.at),
        event.type,
        told("account") or told("gateway") or told("id"),
        what(detail),
        told("from") or told("valid_from") or None,
        told("until") or told("valid_until") or None,
        lag_days,
        told("who"),
        told("reason"),
    )


def _named(detail: dict[str, object]) -> str:
    """The role, the kind of credential, the token or the identity that an event is about."""
    names = ("role", "token", "kind", "issuer", "policy")
    return next((str(detail[name]) for name in names if isinstance(detail.get(name), str)), "")


def _added(detail: dict[str, object]) -> str:
    roles = detail.get("roles")
    listed = roles if isinstance(roles, list) else []
    held = [str(role.get("role")) for role in listed if isinstance(role, dict)]
    return ", ".join((str(detail.get("kind", "")), *held))


def _changed(detail: dict[str, object]) -> str:
    fields = ("full_name", "unit", "owner", "valid_from", "valid_until")
    return ", ".join(name for name in fields if name in detail)


_WHAT = {"account.added": _added, "account.changed": _changed}
