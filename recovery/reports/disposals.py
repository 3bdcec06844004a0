"""Disposals in a period, by their steps on record. Pure."""

from __future__ import annotations

from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.journal import OwnEvent
from vanvault.recovery.reports.model import Cell, ReportTable
from vanvault.recovery.reports.period_record import PeriodRecord

#: Steps of disposals that people decide, see, or answer for; the rest is in the certificate of each.
DISPOSAL_STEPS = (
    "disposal.planned",
    "disposal.withdrawn",
    "disposal.begun",
    "disposal.halted",
    "disposal.emptied",
    "disposal.certified",
    "disposal.backups-gone",
)
_CERTIFIED = "disposal.certified"


def first_certificates(record: PeriodRecord) -> list[OwnEvent]:
    """One for each disposal that was certified: a later certificate completes the first."""
    return [event for event in record.of(_CERTIFIED) if event.detail.get("number") == 1]


def disposals_table(record: PeriodRecord) -> ReportTable:
    """Each step. The entries are those of the plan: what a run drops of it later is in the certificate."""
    return ReportTable(
        "disposals",
        ("at", "change", "what", "count", "copies_left", "who"),
        tuple(map(_disposal, record.of(*DISPOSAL_STEPS))),
    )


def _disposal(event: OwnEvent) -> tuple[Cell, ...]:
    detail = event.detail
    return (
        rfc3339_us(to_us(event.at)),
        event.type,
        str(detail.get("disposal", "")),
        _measured(detail.get("entries")),
        _measured(detail.get("remaining")),
        str(detail.get("who", "")),
    )


def _measured(value: object) -> int | None:
    return value if isinstance(value, int) else None
