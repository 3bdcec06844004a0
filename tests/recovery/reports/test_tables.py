"""Whatever events a period holds: tables have a row for each, and figures are the numbers of rows."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.journal import OwnEvent
from vanvault.archiver.journal.availability import Totals
from vanvault.archiver.people.accounts import ACCOUNT_EVENTS
from vanvault.recovery.documents import LANGUAGES, html_page
from vanvault.recovery.reports import KINDS
from vanvault.recovery.reports.accounts import accounts_report
from vanvault.recovery.reports.disposals import DISPOSAL_STEPS
from vanvault.recovery.reports.layout import csv_tables, report_document
from vanvault.recovery.reports.model import ReportContents
from vanvault.recovery.reports.operation import (
    INCIDENTS,
    OperationFacts,
    operation_report,
)
from vanvault.recovery.reports.period import ReportPeriod
from vanvault.recovery.reports.period_record import PeriodRecord
from vanvault.recovery.reports.personal_data import personal_data_report
from vanvault.recovery.standings import KeptData, KeptLine

QUARTER = ReportPeriod(2026, 4, "quarter")
TYPES = (
    *ACCOUNT_EVENTS, *INCIDENTS, "account.token-added", "gateway.token-removed", "drill.finished",
    "account.authenticator-used", "access.looked", "extraction.requested", "extraction.ran",
    *DISPOSAL_STEPS, "disposal.removing", "batches.cleared",
    "session.refused", "writer.opened", "account.something-new",
)  # fmt: skip
NAMES = ["id", "account", "role", "from", "who", "reason", "passed", "act", "outcome", "count", "roles",
         "site", "batches", "bytes", "number", "remaining", "disposal", "entries"]  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)
DETAILS = st.dictionaries(st.sampled_from(NAMES), VALUES)


@st.composite
def records(draw: st.DrawFn) -> PeriodRecord:
    drawn = draw(st.lists(st.tuples(st.sampled_from(TYPES), DETAILS), max_size=12))
    at = "2026-11-05T03:04:05.000006Z"
    numbered = enumerate(drawn)
    events = tuple(OwnEvent(f"e-{n}", type, at, at, json.dumps(detail)) for n, (type, detail) in numbered)
    return PeriodRecord(QUARTER, datetime(2026, 12, 31, 17, tzinfo=UTC), events)


def rows(contents: ReportContents, name: str) -> int:
    return next(len(table.rows) for table in contents.tables if table.name == name)


@given(records())
def test_each_event_about_accounts_is_one_row_of_one_table(record: PeriodRecord) -> None:
    contents = accounts_report(record, full=True)
    types = Counter(event.type for event in record.events)
    about = [event for event in record.events if event.type.startswith(("account.", "gateway."))]
    shown = sum(rows(contents, name) for name in ("changes", "credentials", "gateways"))
    assert shown == len(about) - types["account.reviewed"] - types["account.authenticator-used"]
    assert contents.figures["changes"] == rows(contents, "changes")
    assert contents.figures["suspended"] == types["account.suspended"]


@given(records())
def test_the_figures_of_an_operation_are_the_numbers_of_its_rows(record: PeriodRecord) -> None:
    contents = operation_report(OperationFacts(record))
    types = Counter(event.type for event in record.events)
    for name in ("drills", "incidents", "extractions"):
        assert contents.figures[name] == rows(contents, name)
    assert rows(contents, "disposals") == sum(types[step] for step in DISPOSAL_STEPS)
    assert rows(contents, "clearings") == types["batches.cleared"]
    assert contents.figures["disposals_planned"] == types["disposal.planned"]
    assert contents.figures["own_events"] == len(record.events) == sum(types.values())
    assert contents.figures["looks"] == types["access.looked"]
    assert contents.figures["up_ms"] is None, "no node put its state on record"


def test_a_disposal_counts_once_however_many_certificates_it_has_and_batches_are_summed() -> None:
    at = "2026-11-05T03:04:05.000006Z"
    told: list[tuple[str, dict[str, object]]] = [
        ("disposal.planned", {"disposal": "d-1", "entries": 12, "who": "lan"}),
        ("disposal.certified", {"disposal": "d-1", "number": 1, "remaining": 2, "who": "minh"}),
        ("disposal.certified", {"disposal": "d-1", "number": 2, "remaining": 0, "who": "minh"}),
        ("batches.cleared", {"site": "primary", "batches": 3, "bytes": 700, "who": "minh"}),
        ("batches.cleared", {"site": "standby", "batches": 2, "bytes": 500, "who": "minh"}),
    ]
    events = tuple(
        OwnEvent(f"e-{n}", type, at, at, json.dumps(detail)) for n, (type, detail) in enumerate(told)
    )
    record = PeriodRecord(QUARTER, datetime(2026, 12, 31, 17, tzinfo=UTC), events)
    contents = operation_report(OperationFacts(record))
    names = ("disposals_planned", "disposals_certified", "batches_cleared", "cleared_bytes")
    assert [contents.figures[name] for name in names] == [1, 1, 5, 1200]
    (disposals,) = (table for table in contents.tables if table.name == "disposals")
    assert disposals.rows[0] == (at, "disposal.planned", "d-1", 12, None, "lan")
    assert [row[4] for row in disposals.rows] == [None, 2, 0]


@given(records(), st.sampled_from(sorted(KINDS)))
def test_whatever_events_hold_each_report_can_be_shown(record: PeriodRecord, name: str) -> None:
    counted = OperationFacts(record, months=(Totals(up=5_000_000),), year_hours=8760)
    end = datetime(2030, 1, 1, 17, tzinfo=UTC)
    lines = (
        KeptLine("held", "h-1, h-2", entries=2),
        KeptLine("a later reason", "", first_end=end, last_end=end),
    )
    kept = KeptData(record.until, lines, (("d-1", "cooling"),), uncompacted=3)
    made = {
        "operation": lambda: operation_report(counted),
        "personal-data": lambda: personal_data_report(record, kept),
    }
    contents = made.get(name, lambda: accounts_report(record, full=False))()
    report = {
        "id": "x", "name": name, "archive": "a", "period": "2026-Q4", "from": "2026-09-30T17:00:00Z",
        "to": "2026-12-31T17:00:00Z", "made_at": "2027-01-01T00:00:00Z", "who": "minh", "signing_key": "k",
        "complete": True, "full": False, "lacking": [], "law": [],
        "figures": dict(contents.figures), "tables": [table.as_json() for table in contents.tables],
    }  # fmt: skip
    for language in LANGUAGES:
        assert report_document(report, language).title in html_page(report_document(report, language))
        assert set(csv_tables(report, language)) == {"figures", *(table.name for table in contents.tables)}
