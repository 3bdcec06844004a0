"""Sites and recovery at the console: what the node saw last and what is on record, for who may see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.api.console.conftest import PEOPLE, ConsolePlace
from tests.api.console.test_search import looks_of
from tests.support.command import run_cli
from tests.support.waiting import wait_for
from vanvault.api.console.views.sites import SitesEvidence, SitesView, month_facts, site_facts
from vanvault.archiver.journal.availability import Totals, YearReport
from vanvault.archiver.replicas import Lag, Leadership, SiteStatus
from vanvault.archiver.upkeep.periodic import SiteSample

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_SECOND_US, _DAY_US = 1_000_000, 86_400_000_000


def test_a_site_tells_what_is_decided_and_what_was_seen() -> None:
    away = SiteStatus("standby", "out", NOW, "gives no answer", Lag(objects=3, bytes=900, seconds=60))
    fresh = SiteStatus("primary", "healthy", None, "", None)
    samples = {
        "primary": SiteSample(True, "healthy", -0.25, "", "kept", 3600.0),
        "standby": SiteSample(False, "out", 0.0, "gives no answer", "none", None),
    }
    primary, standby = site_facts([fresh, away], samples, "primary")
    assert (primary.leads, primary.lacks, primary.clock_ms, primary.verdict) == (True, None, -250, "kept")
    assert (standby.leads, standby.lacks, standby.lacks_bytes, standby.lag_s) == (False, 3, 900, 60)
    assert standby.clock_ms is None  # one that gives no time is not said to be right
    (unseen,) = site_facts([fresh], {}, "standby")
    assert (unseen.leads, unseen.clock_ms, unseen.verdict) == (False, None, "")


def test_only_months_with_something_measured_are_told_and_the_worst_is_as_high_as_the_drawing() -> None:
    months = [Totals(before=30 * _DAY_US)] * 9
    months += [Totals(up=_DAY_US), Totals(up=_DAY_US, planned=60 * _SECOND_US, unplanned=30 * _SECOND_US)]
    months += [Totals(ahead=31 * _DAY_US)]
    report = YearReport(2026, Totals(), tuple(months), 2.0, None, 0)
    october, november = found = month_facts(report)
    assert (october.name, november.name) == ("2026-10", "2026-11")
    assert (october.down, november.planned, november.unplanned) == (0, 60_000, 30_000)
    evidence = SitesEvidence(NOW, (), True, found, 2026, 2.0, None, 0, {}, "", ())
    view = SitesView(NOW, (), Leadership(), evidence)
    assert [bar.height for bar in view.bars] == [0, 120]
    assert [bar.entries for bar in view.bars] == [0, 90_000]
    assert view.stood_still
    without = replace(evidence, months=(october,))
    assert not SitesView(NOW, (), Leadership(), without).stood_still  # no plot of nothing


@pytest.mark.parametrize("name", PEOPLE)
def test_sites_are_for_who_may_see_results_of_checks(place: ConsolePlace, name: str) -> None:
    page = place.of(name).get("/console/sites")
    may = PEOPLE[name] in ("auditor-original", "auditor-log", "security-officer", "operator")
    assert page.status_code == (200 if may else 403)


def test_the_page_has_both_sites_jobs_keys_and_a_look_on_record(place: ConsolePlace) -> None:
    wait_for(lambda: "Escrow made" in place.of("hoa").get("/console/sites").text, "the node has looked")
    page = place.of("hoa").get("/console/sites")
    main = page.text.partition("<main")[2].partition("</main>")[0]
    for part in (
        "primary",
        "standby",
        "Leading site: primary",
        "reconcile",
        "originals/1",
        "How long a recovery of everything takes",
        "Escrow made",
        "vanvault forecast",
    ):
        assert part in main, part
    assert looks_of(place, "hoa", "results")[0]["asked"] == {"of": "sites"}


def test_the_page_is_vietnamese_for_who_reads_that(place: ConsolePlace) -> None:
    page = place.of("hoa", "vi").get("/console/sites")
    assert "<h1>Điểm lưu trữ và khôi phục</h1>" in page.text
    assert "Điểm đang giữ vai trò chính: điểm chính" in page.text


def test_the_page_tells_what_was_verified_once_the_sites_were_listed(
    place: ConsolePlace,
) -> None:
    def listed() -> bool:
        return "Longest without" in place.of("hoa").get("/console/sites").text

    wait_for(listed, "the first listing is over")
    page = place.of("hoa").get("/console/sites").text
    assert "No object should go unverified" in page
    assert "no drill or restore is on record" in page


def test_a_verification_that_ended_since_is_told_though_the_sites_were_listed_just_before(
    place: ConsolePlace,
) -> None:
    def told() -> str:
        """What the page says of the last verification; other tests may have run some before."""
        page = place.of("hoa").get("/console/sites").text
        return page.partition("Last verification on record")[2].partition("</time>")[0]

    wait_for(
        lambda: "Longest without" in place.of("hoa").get("/console/sites").text, "the first listing is over"
    )
    before = told()
    assert run_cli(place.home, "verify").exit_code == 0
    wait_for(lambda: told() not in ("", before), "the node has seen it")
