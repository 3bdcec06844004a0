"""The report on the operation: volumes, stops, drills, incidents, extractions, removals, looks. Pure.

Each figure is a count of lines of the log of a type, or a sum of what they tell; the table ``by_type`` counts
all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vanvault.archiver.core.law import DUTIES
from vanvault.archiver.core.model import SYSTEM_GATEWAY
from vanvault.archiver.core.times import rfc3339_us, to_us
from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.journal.availability import Totals, Window
from vanvault.recovery.notices import GivenNotice
from vanvault.recovery.reports.disposals import disposals_table, first_certificates
from vanvault.recovery.reports.model import Cell, ReportContents, ReportTable, by_type
from vanvault.recovery.reports.period_record import PeriodRecord
from vanvault.recovery.reports.volumes import GatewayVolume

LOOKED, COUNTED = "access.looked", "access.counted"
EXTRACTIONS = "extraction."
RAN = "extraction.ran"
_CLEARED = "batches.cleared"
_REFUSED = "session.refused"
_DRILL = "drill.finished"
OPEN_COUNTED = "retention.open-counted"
_VERIFIED = "verify.finished"
#: What goes on record when something went wrong, or had to be mended.
INCIDENTS = (
    "access.emergency-declared",
    "break-glass.used",
    "clock.accepted",
    "conflict.found",
    "failover.failed-back",
    "failover.promoted",
    "keys.exposed",
    "keys.restored",
    "keys.revoked",
    "quarantine.found",
    "site.repaired",
    "site.restored",
)
_MS = 1000  # microseconds
_YEAR_HOURS_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """A month, and what is counted besides the archive's own events."""

    record: PeriodRecord
    volumes: Mapping[str, GatewayVolume] = field(default_factory=dict)  # by gateway
    months: Sequence[Totals] = ()  # of the year, up to this one; the last one is this one
    year_hours: int = 0
    windows: Sequence[Window] = ()  # that begin in the month
    notices: Mapping[str, GivenNotice] = field(default_factory=dict)  # by window: the first that told of it


def operation_report(facts: OperationFacts) -> ReportContents:
    """Figures and tables of a month."""
    record = facts.record
    gateways = {name: one for name, one in facts.volumes.items() if name != SYSTEM_GATEWAY}
    drills, incidents = record.of(_DRILL), _incidents(record)
    month = facts.months[-1] if facts.months else Totals()
    ran = month.measured > 0  # else no node had put its state on record
    looks, cleared = _looks(record), record.of(_CLEARED)
    return ReportContents(
        figures={
            "messages": sum(one.messages for one in gateways.values()),
            "message_bytes": sum(one.message_bytes for one in gateways.values()),
            "log_lines": sum(one.events for one in gateways.values()),
            "own_events": len(record.events),
            "up_ms": (month.up + month.degraded) // _MS if ran else None,
            "degraded_ms": month.degraded // _MS if ran else None,
            "planned_ms": month.planned // _MS if ran else None,
            "unplanned_ms": month.unplanned // _MS if ran else None,
            "year_down_ms": _year_down_ms(facts),
            "drills": len(drills),
            "drills_passed": sum(event.detail.get("passed") is True for event in drills),
            "windows": len(facts.windows),
            "windows_in_time": sum(
                one.id in facts.notices and not facts.notices[one.id].late for one in facts.windows
            ),
            "incidents": len(incidents),
            "extractions": len(record.under(EXTRACTIONS)),
            "extractions_ran": len(record.of(RAN)),
            "disposals_planned": len(record.of("disposal.planned")),
            "disposals_certified": len(first_certificates(record)),
            "batches_cleared": _sum(cleared, "batches"),
            "cleared_bytes": _sum(cleared, "bytes"),
            "sign_ons_refused": len(record.of(_REFUSED)),
            "open_too_long": _open_too_long(record),
            "looks": sum(requests for requests, _ in looks.values()),
            "looks_refused": sum(
                requests for (_, outcome), (requests, _) in looks.items() if outcome == "refused"
            ),
        },
        tables=(
            ReportTable(
                "volumes",
                ("gateway", "messages", "message_bytes", "log_lines", "log_bytes"),
                tuple(
                    (name, one.messages, one.message_bytes, one.events, one.event_bytes)
                    for name, one in facts.volumes.items()
                ),
            ),
            _limits(facts),
            ReportTable(
                "windows",
                ("from", "to", "window", "announced", "notice", "in_time", "cancelled", "reason"),
                tuple(_window(window, facts.notices.get(window.id)) for window in facts.windows),
            ),
            ReportTable(
                "drills",
                ("at", "scenario", "result", "rto_ms", "lost", "who"),
                tuple(map(_drill, drills)),
            ),
            ReportTable(
                "incidents",
                ("at", "change", "what", "who", "reason"),
                tuple(map(_incident, incidents)),
            ),
            ReportTable(
                "extractions",
                ("at", "change", "what", "count", "who"),
                tuple(map(_extraction, record.under(EXTRACTIONS))),
            ),
            disposals_table(record),
            ReportTable(
                "clearings",
                ("at", "site", "batches", "cleared_bytes", "who"),
                tuple(map(_clearing, cleared)),
            ),
            ReportTable(
                "looks",
                ("act", "outcome", "requests", "count"),
                tuple((*key, *counts) for key, counts in sorted(looks.items())),
            ),
            by_type(record.counts()),
        ),
    )


def _limits(facts: OperationFacts) -> ReportTable:
    """The stops of the year so far against each limit of the law that states one."""
    used = _year_down_ms(facts)
    rows: list[tuple[Cell, ...]] = []
    for duty in DUTIES:
        if duty.name == "downtime-limit" and duty.value is not None:
            percent = int(duty.value)
            allowed = facts.year_hours * _YEAR_HOURS_MS * percent // 100
            left = None if used is None else allowed - used
            rows.append((duty.text.id, percent, allowed, used, left))
    return ReportTable("limits", ("text", "percent", "allowed_ms", "used_ms", "left_ms"), tuple(rows))


def _year_down_ms(facts: OperationFacts) -> int | None:
    """Stops of the year so far; None: no node has put its state on record in it."""
    if not any(one.measured for one in facts.months):
        return None
    return sum(one.down for one in facts.months) // _MS


def _open_too_long(record: PeriodRecord) -> int | None:
    """Transactions, and entries of none, that the last count of the month found; None: nobody counted."""
    counts = record.of(OPEN_COUNTED)
    if not counts:
        return None
    return _number(counts[-1].detail.get("count")) + _number(counts[-1].detail.get("alone"))


def _looks(record: PeriodRecord) -> dict[tuple[str, str], tuple[int, int]]:
    """(act, outcome) -> requests, and entries that were shown or counted; gateways' own reads too."""
    found: Counter[tuple[str, str]] = Counter()
    shown: Counter[tuple[str, str]] = Counter()
    for event in record.of(LOOKED):
        key = (str(event.detail.get("act", "")), str(event.detail.get("outcome", "")))
        found[key] += 1
        shown[key] += _number(event.detail.get("count"))
    for event in record.of(COUNTED):
        reads = event.detail.get("reads")
        for one in reads if isinstance(reads, list) else ():
            key = (str(one.get("act", "")), str(one.get("outcome", "")))
            found[key] += _number(one.get("requests"))
            shown[key] += _number(one.get("entries"))
    return {key: (found[key], shown[key]) for key in found}


def _incidents(record: PeriodRecord) -> list[OwnEvent]:
    """Events of incidents, and verifications that found something not whole."""
    return [
        event
        for event in record.events
        if event.type in INCIDENTS or (event.type == _VERIFIED and event.detail.get("whole") is False)
    ]


def _window(window: Window, notice: GivenNotice | None) -> tuple[Cell, ...]:
    return (
        rfc3339_us(window.start_us),
        rfc3339_us(window.end_us),
        window.id,
        rfc3339_us(window.announced_us),
        rfc3339_us(to_us(notice.at)) if notice is not None else None,
        "no" if notice is None or notice.late else "yes",
        rfc3339_us(window.cancelled_us) if window.cancelled_us is not None else None,
        window.reason,
    )


def _drill(event: OwnEvent) -> tuple[Cell, ...]:
    detail = event.detail
    return (
        _at(event),
        str(detail.get("scenario", "")),
        "passed" if detail.get("passed") is True else "failed",
        _measured(detail.get("rto_ms")),
        _measured(detail.get("rpo_messages")),
        str(detail.get("who", "")),
    )


def _incident(event: OwnEvent) -> tuple[Cell, ...]:
    detail = event.detail
    about = next((detail[name] for name in ("site", "key_id", "leader", "job") if detail.get(name)), "")
    return (_at(event), event.type, str(about), str(detail.get("who", "")), str(detail.get("reason", "")))


def _extraction(event: OwnEvent) -> tuple[Cell, ...]:
    detail = event.detail
    items = detail.get("items", detail.get("count"))
    return (
        _at(event),
        event.type,
        str(detail.get("extraction", "")),
        _measured(items),
        str(detail.get("who", "")),
    )


def _clearing(event: OwnEvent) -> tuple[Cell, ...]:
    detail = event.detail
    return (
        _at(event),
        str(detail.get("site", "")),
        _number(detail.get("batches")),
        _number(detail.get("bytes")),
        str(detail.get("who", "")),
    )


def _sum(events: Sequence[OwnEvent], name: str) -> int:
    return sum(_number(event.detail.get(name)) for event in events)


def _at(event: OwnEvent) -> str:
    return rfc3339_us(to_us(event.at))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _measured(value: object) -> int | None:
    return value if isinstance(value, int) else None
