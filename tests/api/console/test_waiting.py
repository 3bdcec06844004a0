"""What else waits in the inbox: by deadline, each for who may open its page, and nothing left unsaid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.console.conftest import PEOPLE, ConsolePlace
from tests.api.console.test_search import looks_of
from vanvault.api.console.views.waiting import (
    MOST_WAITING,
    WaitingLine,
    gap_lines,
    hold_lines,
    report_lines,
    waiting_of,
)
from vanvault.archiver.replicas import Lag, SiteStatus
from vanvault.archiver.retention import Hold, HoldReason, HoldSay, HoldScope
from vanvault.recovery.reports import DueReport
from vanvault.recovery.reports.period import period_of

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)


def line(name: str, deadline: datetime | None) -> WaitingLine:
    return WaitingLine("waiting:hold", name, "", deadline, "/console/holds")


def test_the_first_deadline_is_first_and_what_has_none_is_last() -> None:
    days = [line(f"h-{day}", NOW + timedelta(days=day)) for day in (3, 1, 2)]
    shown = waiting_of([line("h-never", None), *days])
    assert [one.name for one in shown.lines] == ["h-1", "h-2", "h-3", "h-never"]
    many = waiting_of(line(f"h-{number}", NOW) for number in range(MOST_WAITING + 5))
    assert (len(many.lines), many.more) == (MOST_WAITING, 5)


def test_a_report_waits_once_its_period_is_over() -> None:
    running = period_of(NOW, "month")
    due = [
        DueReport("operation", running, "coming"),
        DueReport("operation", running.before, "due"),
        DueReport("accounts", running.before, "overdue"),
        DueReport("review", running.before, "made"),
    ]
    assert [one.kind for one in report_lines(due)] == ["report:operation", "report:accounts"]
    assert report_lines(due)[0].deadline == due[1].overdue_since


def test_a_hold_waits_for_who_confirms_it_and_for_the_second_who_releases_it() -> None:
    def hold(id: str, confirmed: int, released: int) -> Hold:
        said = HoldSay(NOW, "lan", "a-1")
        why, scope = HoldReason("12/2026", "court"), HoldScope(filters={"employer_code": "TA0001A"})
        return Hold(id, why, scope, said, (said,) * confirmed, (said,) * released)

    lines = hold_lines([hold("h-1", 0, 0), hold("h-2", 1, 0), hold("h-3", 1, 1), hold("h-4", 1, 2)])
    assert [(one.name, one.state) for one in lines] == [("h-1", "hold:placed"), ("h-3", "hold:release-asked")]
    assert [one.deadline for one in lines] == [NOW + timedelta(hours=72), None]


def test_a_gap_is_what_a_site_lacks_or_an_id_with_two_contents() -> None:
    behind = SiteStatus("standby", "catching-up", NOW, "", Lag(objects=3, bytes=900, seconds=60))
    whole = SiteStatus("primary", "healthy", None, "", Lag(objects=0, bytes=0, seconds=0))
    assert [(one.kind, one.name, one.count) for one in gap_lines([whole, behind], 2)] == [
        ("waiting:lag", "standby", 3),
        ("waiting:conflict", "", 2),
    ]
    assert gap_lines([whole, SiteStatus("standby", "out", NOW, "", None)], 0) == []


@pytest.mark.parametrize("name", PEOPLE)
def test_who_may_not_see_a_kind_is_told_which_are_not_shown(place: ConsolePlace, name: str) -> None:
    page = place.of(name).get("/console/inbox").text
    part = page.partition('id="waiting"')[2].partition("</section>")[0]
    hidden = part.partition("as your roles do not permit it")[2]
    sees_all = PEOPLE[name] == "security-officer"
    assert ("reports" in hidden) != sees_all
    assert ("Review of an account" in hidden) != (sees_all or PEOPLE[name] == "account-manager")
    assert ("Disposal" in hidden) == (PEOPLE[name] in ("account-manager", "extractor"))


def test_what_waits_is_a_look_on_record(place: ConsolePlace) -> None:
    page = place.of("tam").get("/console/inbox").text
    assert "What else waits" in page
    if "<caption>Reports, reviews" in page:
        assert {"of": "waiting"} in [one["asked"] for one in looks_of(place, "tam", "results")]
