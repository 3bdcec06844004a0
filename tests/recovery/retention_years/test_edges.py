"""Edges of the law's clock, at an archive: what is owed is what a clerk with a calendar says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.recovery.retention_years.checker import Checker
from tests.recovery.retention_years.office import Office
from tests.recovery.retention_years.places import memory_place
from tests.recovery.retention_years.story import Story
from tests.support.clocks import ManualClock
from vanvault.archiver.core.errors import VanVaultError
from vanvault.recovery.retention import retention_of
from vanvault.recovery.timeline import case_of


def at(year: int, month: int, day: int, hour: int = 1, minute: int = 0, second: int = 0) -> datetime:
    """In UTC; Vietnam is seven hours ahead."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


#: When what came of a transaction, and the last day that is owed in Vietnam; none while it is open.
EDGES: dict[str, tuple[list[tuple[datetime, str]], str]] = {
    "success comes ten years late": (
        [(at(2027, 1, 4), "message"), (at(2037, 6, 1), "transaction.returned")],
        "2047-06-01",
    ),
    "two successes: all is kept from the later line on": (
        [
            (at(2027, 1, 4), "message"),
            (at(2027, 2, 1), "transaction.returned"),
            (at(2027, 5, 6), "result.returned"),
        ],
        "2037-05-06",
    ),
    "success before the message came": (
        [(at(2027, 1, 4), "transaction.returned"), (at(2027, 3, 1), "message")],
        "2037-03-01",
    ),
    "success on a leap day": (
        [(at(2028, 2, 28), "message"), (at(2028, 2, 29), "transaction.returned")],
        "2038-03-01",
    ),
    "success in the last second of a day in Vietnam": (
        [(at(2027, 1, 4), "message"), (at(2027, 4, 30, 16, 59, 59), "transaction.returned")],
        "2037-04-30",
    ),
    "success in the first second of the next day in Vietnam": (
        [(at(2027, 1, 4), "message"), (at(2027, 4, 30, 17), "transaction.returned")],
        "2037-05-01",
    ),
    "a refusal ends it as a success does": (
        [(at(2027, 1, 4), "message"), (at(2027, 2, 2), "transaction.refused")],
        "2037-02-02",
    ),
    "a refusal, an appeal, and then a success": (
        [
            (at(2027, 1, 4), "message"),
            (at(2027, 2, 2), "transaction.refused"),
            (at(2027, 2, 9), "transaction.appealed"),
            (at(2027, 8, 3), "transaction.returned"),
        ],
        "2037-08-03",
    ),
    "it was opened again": (
        [
            (at(2027, 1, 4), "message"),
            (at(2027, 2, 2), "transaction.returned"),
            (at(2036, 9, 9), "transaction.supplement"),
        ],
        "",
    ),
    "a word that nobody knows closes nothing": (
        [(at(2027, 1, 4), "message"), (at(2027, 2, 2), "transaction.completed-somehow")],
        "",
    ),
}


def test_what_is_owed_at_each_edge(tmp_path: Path) -> None:
    """One archive, in which all of it comes in the order of time."""
    with memory_place(tmp_path / "home") as place:
        office = Office.at(place)
        coming = sorted((when, name, what) for name, (things, _) in EDGES.items() for when, what in things)
        for when, name, what in coming:
            place.clock.moment = when
            office.push([(office.case("gateway-1", name, "TZ0001Z"), what)])
        for name, (_, last_day) in EDGES.items():
            owed = retention_of(office.archive, case_of(office.archive, name, "gateway-1")).log
            ends = office.ledger.cases["gateway-1", name].ends()
            assert (owed.last_day.isoformat() if owed else "") == last_day, name
            assert (owed.until if owed else None) == ends, name


@pytest.mark.parametrize("site", ["primary", "standby"])
def test_while_the_clock_of_a_site_is_400_days_ahead_nothing_is_planned_or_cleared(
    site: str, tmp_path: Path
) -> None:
    with memory_place(tmp_path / "home") as place:
        office = Office.at(place)
        case = office.case("gateway-1", "t-1", "TZ0001Z")
        office.push([(case, "message"), (case, "transaction.returned")])
        office.upkeep()
        office.staff()
        place.clock.advance(timedelta(days=365 * 10 + 40))
        office.upkeep()
        story = Story(office, Checker(office), {})
        office.verify()
        place.home.sites[site].clock = ManualClock(office.now + timedelta(days=400))
        with pytest.raises(VanVaultError):
            story.dispose()
        assert office.clear().halted
        place.home.sites[site].clock = place.clock
        story.checker.whole()
