"""Each figure equals a count over exported lines of the log, made by other means."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from itertools import pairwise

from tests.recovery.reports.conftest import Office, own, table
from vanvault.archiver.people.accounts import DaySpan, NewAccount
from vanvault.recovery.accounts import (
    add_account,
    confirm_accounts,
    current_accounts,
    grant_role,
    resume_account,
    revoke_role,
    suspend_account,
)
from vanvault.recovery.availability import AvailabilityRequest, availability
from vanvault.recovery.gateways import record_changes


def busy_quarter(office: Office) -> None:
    """October to December 2026 as far as the archive goes: it began on 22 November."""
    office.on("2026-11-23 08:00")
    lan = add_account(office.desk, NewAccount("lan", "person", "Nguyễn Thị Lan", roles=("operator",))).account
    add_account(office.desk, NewAccount("hoa", "person", "Trần Thị Hoa"))
    grant_role(office.desk, "hoa", "auditor-log", DaySpan())
    office.receives(range(5), range(2))
    record_changes(office.archive)
    office.on("2026-11-30 16:59")
    office.receives([10], [10])
    office.on("2026-11-30 23:59")
    office.receives([11])
    office.on("2026-12-01 00:00")  # the first moment of December in Vietnam; in UTC it is November
    office.receives([12, 13], [12])
    office.on("2026-12-15 12:00")
    office.looks(lan, "search", ["0000000000000001-2-0"])
    office.receives([14])
    suspend_account(office.desk, "hoa", "nghỉ phép", date(2026, 12, 14))
    resume_account(office.desk, "hoa", "đã trở lại")
    revoke_role(office.desk, "lan", "operator", None)
    office.archive.record("drill.finished", {"scenario": "node-lost", "passed": True, "who": "minh"})
    office.archive.record("drill.finished", {"scenario": "standby-lost", "passed": False, "who": "minh"})
    office.archive.record("site.repaired", {"sites": ["standby"], "who": "minh"})
    office.archive.record("verify.finished", {"whole": False})
    office.archive.record("verify.finished", {"whole": True})
    office.archive.record("extraction.requested", {"extraction": "x-1", "count": 12, "who": "lan"})
    office.archive.record("extraction.ran", {"extraction": "x-1", "items": 12, "who": "lan"})
    office.archive.record("session.refused", {"account": "lan", "why": "password"})
    office.archive.record(
        "access.counted",
        {"gateway": "gateway-1", "reads": [
            {"act": "search", "outcome": "shown", "requests": 7, "entries": 40},
            {"act": "display", "outcome": "refused", "requests": 2, "entries": 0},
        ]},
    )  # fmt: skip
    office.on("2027-01-02 08:00")


def test_the_report_on_operation_counts_what_the_log_holds(office: Office) -> None:
    busy_quarter(office)
    report = office.report("operation", "12/2026")
    lines = office.exported("2026-12-01", "2027-01-01")
    sent = [line for line in lines if line["gateway"] == "gateway-1"]
    messages = [line for line in sent if line["entry"] == "message"]
    figures = report.report["figures"]
    assert len(messages) == 3
    assert figures["messages"] == len(messages)
    assert figures["message_bytes"] == sum(line["size"] for line in messages)
    assert figures["log_lines"] == len(sent) - len(messages) == 1
    assert figures["own_events"] == len(own(lines))
    assert (figures["drills"], figures["drills_passed"]) == (2, 1)
    drills = [json.loads(line["detail"]) for line in own(lines, "drill.finished")]
    assert (len(drills), sum(one["passed"] for one in drills)) == (2, 1)
    assert figures["incidents"] == 2, "the repair, and the verification that found something"
    assert figures["extractions"] == len(own(lines, "extraction.requested", "extraction.ran")) == 2
    assert figures["extractions_ran"] == len(own(lines, "extraction.ran"))
    assert [(row["what"], row["count"]) for row in table(report, "extractions")] == [("x-1", 12)] * 2
    assert figures["sign_ons_refused"] == len(own(lines, "session.refused")) == 1
    counted = [read for line in own(lines, "access.counted") for read in json.loads(line["detail"])["reads"]]
    looked = [json.loads(line["detail"]) for line in own(lines, "access.looked")]
    assert figures["looks"] == len(looked) + sum(read["requests"] for read in counted) == 10
    assert figures["looks_refused"] == 2
    by_type = Counter(line["type"] for line in own(lines))
    assert {row["type"]: row["count"] for row in table(report, "by_type")} == by_type


def test_the_volumes_of_two_months_are_all_that_was_received(office: Office) -> None:
    busy_quarter(office)
    months = ("2026-11-01", "2026-12-01", "2027-01-01")
    for first, after in pairwise(months):
        period = first[:7]
        report = office.report("operation", period)
        lines = office.exported(first, after)
        for row in table(report, "volumes"):
            sent = [line for line in lines if line["gateway"] == row["gateway"]]
            if row["gateway"] == "vanvault" and period == "2026-12":
                continue  # what the report of November itself put on record came in January
            sizes = Counter[str]()
            for line in sent:
                sizes[line["entry"]] += line["size"]
            counts = Counter(line["entry"] for line in sent)
            assert (row["messages"], row["log_lines"]) == (counts["message"], counts["event"])
            assert (row["message_bytes"], row["log_bytes"]) == (sizes["message"], sizes["event"])


def test_the_report_on_accounts_counts_what_the_log_holds(office: Office) -> None:
    busy_quarter(office)
    report = office.report("accounts", "2026-Q4")
    lines = office.exported("2026-10-01", "2027-01-01")
    about = [
        line["type"].removeprefix("vanvault.")
        for line in own(lines)
        if line["type"].startswith(("vanvault.account.", "vanvault.gateway."))
    ]
    figures = report.report["figures"]
    assert figures["changes"] == sum(type.startswith("account.") for type in about)
    assert figures["gateways"] == sum(type.startswith("gateway.") for type in about)
    assert {row["type"]: row["count"] for row in table(report, "by_type")} == Counter(
        f"vanvault.{type}" for type in about
    )
    for figure, type in (
        ("added", "added"), ("suspended", "suspended"), ("resumed", "resumed"),
        ("roles_granted", "role-granted"), ("roles_revoked", "role-revoked"),
    ):  # fmt: skip
        assert figures[figure] == about.count(f"account.{type}"), figure
    assert figures["accounts"] == len(table(report, "list")) == len(current_accounts(office.archive)) == 3


def test_the_review_lists_who_confirmed_and_what_waits(office: Office) -> None:
    busy_quarter(office)
    confirm_accounts(office.desk, ["lan"])
    office.on("2027-07-02 08:00")
    report = office.report("review", "H1/2027")
    lines = office.exported("2027-01-01", "2027-07-01")
    confirmed = own(lines, "account.reviewed")
    figures = report.report["figures"]
    assert figures["confirmations"] == len(confirmed) == 1
    rows = {row["account"]: row for row in table(report, "review")}
    assert rows["lan"]["confirmed_by"] == "minh"
    assert rows["hoa"]["confirmed_at"] is None
    assert figures["to_confirm"] == sum(row["review_due"] <= "2027-06-30" for row in rows.values())
    assert rows["hoa"]["review_due"] == "2027-05-23"


def test_the_stops_of_a_month_are_held_against_both_limits(office: Office) -> None:
    busy_quarter(office)
    report = office.report("operation", "2026-12")
    limits = {row["text"]: row for row in table(report, "limits")}
    hours = 365 * 24
    assert limits["QD08-2015"]["allowed_ms"] == hours * 3_600_000 * 3 // 100
    assert limits["ND166-2016"]["allowed_ms"] == hours * 3_600_000 * 2 // 100
    for row in limits.values():
        assert row["used_ms"] is row["left_ms"] is None, "no node has put its state on record"


def test_the_stops_of_a_node_are_those_of_the_ledger(office: Office) -> None:
    office.archive.record("availability.state", state(office, "up"))
    office.on("2026-12-05 08:00")
    office.archive.record("availability.state", state(office, "down"))
    office.on("2026-12-05 10:00")
    office.archive.record("availability.state", state(office, "up"))
    office.on("2027-01-02 08:00")
    figures = office.report("operation", "2026-12").report["figures"]
    ledger = availability(office.archive, AvailabilityRequest(2026, 12)).as_json()["months"][0]
    assert figures["unplanned_ms"] == ledger["unplanned_s"] * 1000 > 0
    assert figures["planned_ms"] == ledger["planned_s"] * 1000 == 0
    assert figures["up_ms"] == (ledger["up_s"] + ledger["degraded_s"]) * 1000
    limits = {row["text"]: row for row in table(office.report("operation", "2026-12"), "limits")}
    for row in limits.values():
        assert row["used_ms"] == figures["year_down_ms"] >= figures["unplanned_ms"]
        assert row["left_ms"] == row["allowed_ms"] - row["used_ms"]


def state(office: Office, level: str) -> dict[str, object]:
    at = office.archive.clock.now().isoformat().replace("+00:00", "Z")
    return {"at": at, "due_s": 86_400 * 40, "level": level, "why": "test", "writer": "0123456789abcdef"}
