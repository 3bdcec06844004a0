"""``vanvault report``, as a shell calls it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.support.command import json_of, run_cli
from vanvault.archiver.core.times import vietnam_day
from vanvault.recovery.work import account


def this_month() -> str:
    return f"{vietnam_day(datetime.now(UTC)):%Y-%m}"


def test_a_report_is_made_listed_shown_and_due(home: Path) -> None:
    made = json_of(run_cli(home, "report", "make", "operation", "--period", this_month(), "--json"))
    assert made["complete"] is False, "the month is not over"
    assert made["figures"]["messages"] == 0
    assert Path(made["folder"]) == home / "reports" / made["id"]
    (listed,) = json_of(run_cli(home, "report", "list", "--json"))["reports"]
    assert (listed["id"], listed["complete"]) == (made["id"], False)
    shown = json_of(run_cli(home, "report", "show", made["id"], "--verify", "--json"))
    assert shown["verified"]
    assert shown["report"]["figures"] == made["figures"]
    due = json_of(run_cli(home, "report", "due", "--make", "--json"))
    assert {one["state"] for one in due["reports"]} == {"coming"}
    assert (due["overdue"], due["made"]) == ([], [])


def test_people_are_shown_the_same(home: Path) -> None:
    month = this_month()
    told = run_cli(home, "report", "make", "operation", "--period", f"{month[5:]}/{month[:4]}")
    assert told.exit_code == 0
    assert f"operation {month}: PROVISIONAL, signed and archived as operation-{month}-" in told.stdout
    assert f"operation-{month}-" in run_cli(home, "report", "list").stdout
    lines = told.stdout.splitlines()
    assert lines[0].startswith("Messages"), "in the order of the report, none without what it is a part of"
    in_service = next(n for n, line in enumerate(lines) if line.startswith("Time in service"))
    assert lines[in_service + 1].startswith("of it degraded")
    assert "coming" in run_cli(home, "report", "due").stdout
    before = run_cli(home, "report", "make", "operation", "--period", "2020-01")
    assert before.exit_code == 2 and "the archive, which began on" in before.stderr


def test_a_look_at_a_report_is_on_record(home: Path) -> None:
    made = json_of(run_cli(home, "report", "make", "operation", "--period", this_month(), "--json"))
    assert run_cli(home, "report", "show", made["id"]).exit_code == 0
    assert run_cli(home, "report", "show", "operation-2000-01-00000000").exit_code == 4
    (look,) = json_of(run_cli(home, "access", "list", "--act", "access", "--json"))["looks"]
    assert (look["asked"]["report"], look["who"]) == (made["id"], account())
    looks = json_of(run_cli(home, "access", "list", "--act", "display", "--json"))["looks"]
    assert [(look["asked"]["report"], look["outcome"]) for look in looks[::-1]] == [
        (made["id"], "shown"),
        ("operation-2000-01-00000000", "failed"),
    ]


def test_a_wrong_name_or_period_is_told_with_what_is_right(home: Path) -> None:
    wrong = run_cli(home, "report", "make", "weather", "--period", "2026-10")
    assert wrong.exit_code == 4
    assert "accounts, review, operation" in wrong.stderr
    wrong = run_cli(home, "report", "make", "accounts", "--period", "2026-10")
    assert wrong.exit_code == 2
    assert "2026-Q3 or Q3/2026" in wrong.stderr


def test_a_report_that_was_changed_is_noticed(home: Path) -> None:
    made = json_of(run_cli(home, "report", "make", "operation", "--period", this_month(), "--json"))
    path = Path(made["folder"]) / "report.json"
    path.write_bytes(path.read_bytes().replace(b'"messages":0', b'"messages":7'))
    assert run_cli(home, "report", "show", made["id"], "--verify").exit_code == 3
