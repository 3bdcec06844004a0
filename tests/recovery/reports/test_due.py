"""Which reports are due, and since when one is overdue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.recovery.reports.conftest import Office
from vanvault.archiver.catalogue import Item, Query, Unread
from vanvault.archiver.core.error_table import ExitCode
from vanvault.archiver.core.errors import InvalidInput, NotFound
from vanvault.recovery.conditions import SeenFacts, gather_facts
from vanvault.recovery.reports import known_due, reports_due, reports_on_record


def states(office: Office) -> dict[str, str]:
    return {f"{one.name} {one.period.name}": one.state for one in known_due(office.archive)}


@pytest.fixture
def begun(office: Office) -> Office:
    """The archive began in November 2026."""
    office.archive.record("writer.opened", {})
    return office


def test_before_a_period_is_over_nothing_is_due(begun: Office) -> None:
    assert states(begun) == {
        "accounts 2026-Q4": "coming",
        "review 2026-H2": "coming",
        "operation 2026-11": "coming",
        "personal-data 2026-H2": "coming",
    }


def test_a_report_is_due_when_its_month_is_over_and_overdue_on_the_10th(begun: Office) -> None:
    begun.on("2026-12-01 00:00")
    assert states(begun)["operation 2026-11"] == "due"
    begun.on("2026-12-09 23:59")
    assert states(begun)["operation 2026-11"] == "due"
    begun.on("2026-12-10 00:00")
    assert states(begun)["operation 2026-11"] == "overdue"
    facts = gather_facts(begun.archive, SeenFacts()).record.reports_overdue
    assert list(facts) == ["operation 2026-11"]
    assert facts["operation 2026-11"] == begun.archive.clock.now().replace(second=0, microsecond=0)
    begun.report("operation", "2026-11")
    assert states(begun)["operation 2026-11"] == "made"
    assert not gather_facts(begun.archive, SeenFacts()).record.reports_overdue


def test_a_provisional_report_leaves_the_period_due(begun: Office) -> None:
    begun.on("2026-11-30 12:00")
    assert not begun.report("operation", "2026-11").report["complete"]
    begun.on("2026-12-01 08:00")
    assert states(begun)["operation 2026-11"] == "due"


def test_all_that_is_due_is_made_at_once_and_once(begun: Office) -> None:
    begun.on("2027-01-01 03:00")
    made = reports_due(begun.archive, make=True, who="job")
    assert [one.report["name"] for one in made.made] == ["accounts", "review", "operation", "personal-data"]
    assert not reports_due(begun.archive, make=True, who="job").made
    assert {one.period.name for one in reports_on_record(begun.archive)} == {"2026-Q4", "2026-H2", "2026-12"}


def test_a_month_that_was_left_out_stays_overdue(begun: Office) -> None:
    begun.on("2026-12-02 08:00")
    begun.report("operation", "2026-11")
    begun.on("2027-03-02 08:00")
    assert [name for name, state in states(begun).items() if state == "overdue" and "operation" in name] == [
        "operation 2026-12",
        "operation 2027-01",
    ]
    assert states(begun)["operation 2027-02"] == "due"


def test_an_archive_that_is_older_than_its_reports_owes_the_last_period_only(begun: Office) -> None:
    begun.home.clock.advance(timedelta(days=400))
    owed = [name for name, state in states(begun).items() if state != "coming"]
    assert owed == ["accounts 2027-Q3", "review 2027-H1", "operation 2027-11", "personal-data 2027-H1"]


def test_what_is_no_report_and_what_has_not_begun_is_refused(begun: Office) -> None:
    with pytest.raises(NotFound, match="there is no report"):
        begun.report("weather", "2026-11")
    with pytest.raises(InvalidInput, match="has not begun"):
        begun.report("operation", "2027-01")


def test_a_period_before_the_archive_began_has_no_report(begun: Office) -> None:
    for name, period in (("operation", "2020-01"), ("accounts", "2020-Q1"), ("review", "2020-H1")):
        with pytest.raises(InvalidInput, match=f"{period} is before the archive, which began on 2026-1"):
            begun.report(name, period)
    assert not reports_on_record(begun.archive), "nothing was signed"


@pytest.fixture
def lacking(begun: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A part of the record of November cannot be read."""
    lost = Unread("batch/lost", "damaged", "2026-11-25T00:00:00Z", "2026-11-25T00:00:01Z")
    whole = begun.archive.search.every

    def every(query: Query, unread: Callable[[Unread], None] | None = None) -> Iterator[Item]:
        if unread is not None:
            unread(lost)
        return whole(query, unread)

    monkeypatch.setattr(begun.archive.search, "every", every)
    return begun


def test_one_that_lacks_a_part_of_the_record_is_made_again_each_week_not_each_night(lacking: Office) -> None:
    def night(day: str) -> tuple[int, list[str]]:
        lacking.on(day)
        found = reports_due(lacking.archive, make=True, who="job")
        assert found.exit_code == ExitCode.CHECK_FAILED, "a report lacks something, made now or before"
        return len(found.made), [one.period.name for one in found.lacking]

    lacking.on("2026-11-30 12:00")
    lacking.report("operation", "2026-11")  # provisional: it does not count
    assert night("2026-12-01 02:00") == (1, [])
    assert [night(f"2026-12-0{day} 02:00") for day in (2, 7)] == [(0, ["2026-11"])] * 2
    assert night("2026-12-08 02:01") == (1, [])
    assert states(lacking)["operation 2026-11"] == "due"


def test_a_report_that_lacks_a_part_of_the_record_says_so_and_stays_due(lacking: Office) -> None:
    begun = lacking
    begun.on("2026-12-01 08:00")
    kept = begun.report("operation", "2026-11")
    assert kept.report["lacking"] == ["batch/lost: damaged"]
    assert not kept.report["complete"]
    assert kept.exit_code == ExitCode.CHECK_FAILED
    assert "CHƯA ĐẦY ĐỦ" in (kept.folder / "report.vi.html").read_text(encoding="utf-8")
    assert states(begun)["operation 2026-11"] == "due"
