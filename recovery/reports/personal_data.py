"""The report on personal data: what is kept, why and by which duty, and what nothing keeps any more. Pure.

What is kept is counted when the report is made; disposals are those of its period.
"""

from __future__ import annotations

from collections.abc import Callable

from vanvault.recovery.reports.disposals import disposals_table, first_certificates
from vanvault.recovery.reports.model import Cell, ReportContents, ReportTable
from vanvault.recovery.reports.period_record import PeriodRecord
from vanvault.recovery.standings import WAITS, KeptData, KeptLine

_OWN = "own"


def personal_data_report(record: PeriodRecord, kept: KeptData) -> ReportContents:
    """Counts of entries, and nothing that they hold; the archive's own lines are none of the figures."""
    waits = _of(kept, lambda line: line.reason == WAITS)
    keeps = _of(kept, lambda line: line.reason not in (WAITS, _OWN))
    return ReportContents(
        figures={
            "kept_entries": sum(line.entries for line in keeps),
            "kept_insured": sum(line.insured for line in keeps),
            "kept_bytes": sum(line.bytes for line in keeps),
            "waiting_entries": sum(line.entries for line in waits),
            "waiting_insured": sum(line.insured for line in waits),
            "waiting_bytes": sum(line.bytes for line in waits),
            "uncompacted": kept.uncompacted,
            "disposals_planned": len(record.of("disposal.planned")),
            "disposals_certified": len(first_certificates(record)),
        },
        tables=(
            ReportTable(
                "kept",
                (
                    "kept_by", "duty", "clause", "entries", "transactions", "insured", "line_bytes",
                    "first_day", "last_day",
                ),
                tuple(map(_line, kept.lines)),
            ),
            ReportTable("disposals_open", ("what", "state"), kept.disposals),
            disposals_table(record),
        ),
    )  # fmt: skip


def unread_of(kept: KeptData) -> list[str]:
    """What could not be counted, for people."""
    return [f"{segment}: could not be read whole" for segment in kept.unread]


def _of(kept: KeptData, wanted: Callable[[KeptLine], bool]) -> list[KeptLine]:
    return [line for line in kept.lines if wanted(line)]


def _line(line: KeptLine) -> tuple[Cell, ...]:
    return (
        line.reason,
        line.duty,
        line.clause,
        line.entries,
        line.transactions,
        line.insured,
        line.bytes,
        line.first_day.isoformat() if line.first_day else None,
        line.last_day.isoformat() if line.last_day else None,
    )
