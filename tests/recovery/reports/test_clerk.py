"""A clerk moves away on the 1st, the letter comes on the 3rd: what she opened on the 2nd is in the report."""

from __future__ import annotations

from datetime import date

from tests.recovery.reports.conftest import Office, own, table
from vanvault.archiver.people.accounts import DaySpan, NewAccount, Refused, judge
from vanvault.recovery.accounts import add_account, current_accounts, suspend_account


def test_what_a_clerk_opened_before_the_letter_came_is_in_the_quarterly_report(office: Office) -> None:
    # Lan reviews dossiers of Hà Nội. Her account was made in November.
    office.on("2026-11-23 08:00")
    wanted = NewAccount(
        "lan", "person", "Nguyễn Thị Lan", "BHXH Hà Nội", roles=("auditor-original",), days=DaySpan()
    )
    lan = add_account(office.desk, wanted).account

    # On the 30th she opens a dossier, as she may.
    office.on("2026-11-30 10:00")
    office.looks(lan, "original", ["0000000000000001-1-0"])

    # From the 1st of December on she works elsewhere; nobody has told the archive.
    # On the 2nd she looks for an employer, and opens what she finds.
    office.on("2026-12-02 09:15")
    office.looks(lan, "search", ["0000000000000001-2-0", "0000000000000001-2-1"])
    office.on("2026-12-02 09:20")
    office.looks(lan, "original", ["0000000000000001-2-1"])

    # The letter comes on the 3rd, and the suspension is entered with its day of effect.
    office.on("2026-12-03 14:00")
    suspend_account(office.desk, "lan", "QĐ 118/QĐ-BHXH, chuyển công tác", date(2026, 12, 1))
    refused = judge(current_accounts(office.archive).get("lan"), "originals", office.archive.clock.now())
    assert isinstance(refused, Refused)

    # In January the report of the quarter is made: it is the first, so it has the full list, too.
    office.on("2027-01-04 08:00")
    report = office.report("accounts", "Q4/2026")
    assert report.report["complete"]
    assert report.report["full"]

    (late,) = table(report, "late")
    assert (late["account"], late["change"], late["effective"]) == ("lan", "suspended", "2026-12-01")
    assert (late["lag_days"], late["looks"]) == (2, 2)
    assert late["roles"] == ["auditor-original"], "what she could do meanwhile"

    looks = table(report, "late_looks")
    assert [(one["act"], one["at"][:10]) for one in looks] == [
        ("search", "2026-12-02"),
        ("original", "2026-12-02"),
    ]
    assert looks[1]["shown"] == ["0000000000000001-2-1"]
    assert "0000000000000001-1-0" not in str(looks), "on the 30th of November she was still of the house"

    # The same is counted from the log itself: what lan looked at from the 1st until the letter was entered.
    lines = office.exported("2026-12-01", "2026-12-04")
    (entered,) = own(lines, "account.suspended")
    counted = [line for line in own(lines, "access.looked") if line["received_at"] < entered["received_at"]]
    assert report.report["figures"]["late_looks"] == len(counted) == 2

    # And the report of the next quarter, which has nothing of it, lists changes only.
    office.on("2027-04-02 08:00")
    following = office.report("accounts", "2027-Q1")
    assert not following.report["full"]
    assert following.report["figures"]["late"] == 0


def test_a_role_that_began_in_the_days_of_delay_is_told(office: Office) -> None:
    office.on("2026-12-03 08:00")
    add_account(office.desk, NewAccount("lan", "person", "Nguyễn Thị Lan", roles=("auditor-log",)))
    suspend_account(office.desk, "lan", "chuyển công tác", date(2026, 12, 1))
    office.on("2027-01-04 08:00")
    (late,) = table(office.report("accounts", "2026-Q4"), "late")
    assert late["roles"] == ["auditor-log"]


def test_a_look_of_somebody_else_under_the_same_name_is_not_hers(office: Office) -> None:
    office.on("2026-12-01 08:00")
    lan = add_account(office.desk, NewAccount("lan", "person", "Nguyễn Thị Lan")).account
    stranger = add_account(office.desk, NewAccount("hoa", "person", "Trần Thị Hoa")).account
    office.on("2026-12-02 08:00")
    office.looks(stranger, "search", ["0000000000000001-2-0"])
    office.on("2026-12-03 08:00")
    suspend_account(office.desk, lan.name, "chuyển công tác", date(2026, 12, 1))
    office.on("2027-01-04 08:00")
    assert office.report("accounts", "2026-Q4").report["figures"]["late_looks"] == 0
