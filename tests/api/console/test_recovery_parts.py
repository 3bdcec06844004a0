"""Parts of the page of sites: what is forecast, what was verified, keys and locks, without a node."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from vanvault.api.console.views.plot import LINES_HEIGHT, plot_lines
from vanvault.api.console.views.recovery import (
    forecast_shown,
    last_resort_shown,
    locks_shown,
)
from vanvault.recovery.conditions import ArchiveFacts, RecordFacts, SeenFacts
from vanvault.recovery.custody import KnownKeys
from vanvault.recovery.forecast import Forecast, ForecastReport, Growth, Remedy
from vanvault.recovery.forecast.forecast import Restore
from vanvault.recovery.work import Extent

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 3600.0
GROWTH = Growth(Extent(10, 1000), date(2026, 1, 1), 300, 5e6, 10.0, 0.1)
FORECAST = Forecast(
    8 * 3600,
    tuple(Restore(n, 10, 1000, (n + 2) * HOURS, (n + 1) * HOURS, (n + 3) * HOURS) for n in (0, 1, 3, 10)),
    date(2032, 12, 1),
    date(2031, 12, 1),
    None,
    (Remedy("faster-link", False, 0.0, 1.0),),
)


def test_the_limit_lies_between_the_recoveries_that_keep_it_and_those_that_break_it() -> None:
    shown = forecast_shown(ForecastReport(GROWTH, None, FORECAST, 2), NOW)
    assert [one.in_time for one in shown.restores] == [True, True, True, False]
    assert not shown.late_now
    marks = shown.plot.marks
    assert [mark.label for mark in marks] == ["0", "1", "3", "10"]
    assert [mark.x for mark in marks] == sorted(mark.x for mark in marks)
    assert marks[2].y > shown.plot.limit_y > marks[3].y, "the axis goes down"
    assert all(0 < mark.y < LINES_HEIGHT for mark in marks)
    assert (shown.breaks_on, shown.breaks_latest) == ("2032-12-01", "")
    assert shown.remedies == (("faster-link", False),)


def test_what_is_late_now_is_told_and_what_was_never_measured_is_not_drawn() -> None:
    late = replace(FORECAST, limit_s=3600)
    assert forecast_shown(ForecastReport(GROWTH, None, late, 2), NOW).late_now
    nothing = forecast_shown(ForecastReport(GROWTH, None, None, 0), NOW)
    assert (nothing.restores, nothing.late_now, nothing.at) == ((), False, NOW)


def test_a_drawing_of_nothing_has_no_points() -> None:
    assert (plot_lines([], 0.0).line, plot_lines([], 0.0).marks) == ("", ())


def test_a_key_is_in_use_where_it_is_the_newest_of_its_purpose() -> None:
    keys = KnownKeys(
        held=("originals/1", "originals/2", "log/1", "0123456789abcdef"),
        missing=("log/2",),
        named={"originals/2": NOW},
    )
    facts = ArchiveFacts(NOW, RecordFacts(began=BEGAN, keys=keys), SeenFacts())
    newest = {"originals": 2, "log": 1}
    shown = {one.id: one for one in last_resort_shown(facts, newest, "0123456789abcdef").keys}
    assert [one.id for one in shown.values() if one.active] == ["originals/2", "log/1", "0123456789abcdef"]
    assert shown["0123456789abcdef"].purpose == "signing"
    assert shown["log/2"].missing and not shown["log/2"].active
    assert (shown["originals/2"].named, shown["log/1"].named) == (NOW, BEGAN), "the first is as old as all"
    assert shown["log/2"].named is None


def test_locks_that_end_first_are_named_first_and_the_rest_is_counted() -> None:
    assert locks_shown({}, None).alarms is None
    rows = [("primary", f"b-{day:02}", datetime(2027, 1, day, tzinfo=UTC)) for day in range(20, 0, -1)]
    shown = locks_shown({"primary": "binds"}, [*rows, ("standby", "unlocked", None)])
    assert shown.alarms is not None
    assert [one.key for one in shown.alarms[:3]] == ["unlocked", "b-01", "b-02"]
    assert (len(shown.alarms), shown.more) == (10, 11)
