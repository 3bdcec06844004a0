"""What pages show, without a node: views, plots, ages and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.api.console.pages import HOME, PAGES, PROBLEM, SEARCH, page_at, roles_with
from vanvault.api.console.sealed_question import opened_question, sealed_question
from vanvault.api.console.telling import Telling
from vanvault.api.console.views.facets import counts_on_page, facets_of
from vanvault.api.console.views.home import HomeView, site_lines
from vanvault.api.console.views.plot import HEIGHT, WIDTH, plot_bars, plot_labels
from vanvault.api.console.views.problem import Denied, problem_view
from vanvault.api.console.views.search import bar_span, held_at_all, hits_of
from vanvault.api.problems import problem_of
from vanvault.archiver.core.errors import AccessDenied, Busy, EntryDisposed
from vanvault.archiver.replicas import Lag, SiteStatus

NOW = datetime(2026, 11, 30, 20, 0, 5, tzinfo=UTC)


def test_the_first_and_the_last_bar_have_labels_within_the_drawing() -> None:
    labels = plot_labels(plot_bars([(f"2026-03-{day:02}", day) for day in range(1, 32)]))
    assert [one.text for one in labels] == [f"2026-03-{day:02}" for day in (1, 9, 16, 23, 31)]
    assert (labels[0].anchor, labels[-1].anchor) == ("start", "end")
    assert labels[0].x >= 0 and labels[-1].x <= WIDTH
    assert [one.text for one in plot_labels(plot_bars([("2026", 4)]))] == ["2026"]
    assert plot_labels(plot_bars([])) == plot_labels(plot_bars([("", 3)])) == ()


@given(st.lists(st.integers(0, 10**9), max_size=60))
def test_bars_stand_side_by_side_within_the_drawing(counts: list[int]) -> None:
    bars = plot_bars([(str(at), count) for at, count in enumerate(counts)])
    for bar, count in zip(bars, counts, strict=True):
        assert bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.1
        assert bar.y >= 0 and abs(bar.y + bar.height - HEIGHT) < 0.1
        assert (bar.height > 0) == (count > 0)
    assert [bar.height for bar in sorted(bars, key=lambda bar: bar.entries)] == sorted(
        bar.height for bar in bars
    )


def test_a_site_that_was_not_compared_is_not_told_to_be_whole() -> None:
    good = SiteStatus("primary", "healthy", None, "", Lag())
    for other in (
        SiteStatus("standby", "healthy", None, "", None),
        SiteStatus("standby", "healthy", None, "", Lag(objects=1)),
        SiteStatus("standby", "out", None, "", Lag()),
    ):
        assert not HomeView(NOW, sees=True, sites=site_lines((good, other))).whole_everywhere
    assert HomeView(NOW, sees=True, sites=site_lines((good, good))).whole_everywhere
    assert not HomeView(NOW, sees=True).whole_everywhere


@pytest.mark.parametrize(
    ("seconds", "english", "vietnamese"),
    [
        (0, "0 seconds", "0 giây"),
        (59, "59 seconds", "59 giây"),
        (60, "1 minute", "1 phút"),
        (3599, "59 minutes", "59 phút"),
        (2 * 3600, "2 hours", "2 giờ"),
        (47 * 3600, "47 hours", "47 giờ"),
        (12 * 86_400 + 5, "12 days", "12 ngày"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: int, english: str, vietnamese: str) -> None:
    assert Telling("en").age(seconds) == english
    assert Telling("vi").age(seconds) == vietnamese


def test_a_time_is_told_in_vietnam_with_utc_beside() -> None:
    told = str(Telling("vi").time(NOW))
    assert "01/12/2026 03:00:05" in told and "30/11 20:00:05 UTC" in told
    assert 'datetime="2026-11-30T20:00:05Z"' in told
    assert "30 Nov 2026 20:00:05" in str(Telling("en").time(NOW - timedelta(hours=7)))
    assert str(Telling("en").time("<b>")) == "&lt;b&gt;"


def test_a_share_is_never_told_as_more_than_it_is() -> None:
    assert Telling("en").percent(99.999) == "99.99"
    assert Telling("vi").percent(100.0) == "100,00"


def test_a_page_above_an_address_says_which_roles_may() -> None:
    assert page_at("/console/search/{sealed}") is SEARCH
    assert page_at("/console") is HOME
    assert page_at("/console/static/{name}") is PROBLEM
    assert SEARCH.roles == roles_with("search") and "auditor-log" in SEARCH.roles
    assert len({page.name for page in PAGES}) == len(PAGES)


def test_a_problem_says_who_may_only_where_one_may_not() -> None:
    denied = problem_view(problem_of(AccessDenied("no", authenticated=True)), SEARCH, request="r-1")
    assert (denied.status, denied.roles, denied.request) == (403, SEARCH.roles, "r-1")
    reasons: tuple[Denied, ...] = ("stale-form", "sign-in-too-old")
    for reason in reasons:
        weak = problem_view(problem_of(AccessDenied("no", authenticated=True)), SEARCH, denied=reason)
        assert (weak.status, weak.roles) == (403, ())
        assert weak.title != denied.title and "Ask an account manager" not in weak.advice
    busy = problem_view(problem_of(Busy("wait", retry_after=3)), SEARCH, retry_after=3)
    assert (busy.status, busy.roles, busy.retry_after) == (503, (), 3)
    assert problem_view({"type": "about:blank", "status": 418, "detail": "tea"}, HOME).title


def test_a_hit_without_what_may_not_be_seen_says_nothing_of_it() -> None:
    item = {
        "id": "x",
        "entry": "message",
        "kind": "claim",
        "received_at": "2026-11-30T20:00:05Z",
        "transaction_id": "t",
        "dossier_number": "",
        "employer_code": "",
        "state": "",
    }
    (bare,) = hits_of([item], {})
    assert (bare.verified_at, bare.locked_until, bare.held) == (None, None, None)
    copies = [{"retain_until": "2036-01-01T00:00:00Z"}, {"retain_until": "2027-01-01T00:00:00Z"}]
    (whole,) = hits_of([{**item, "placements": copies, "held": True}], {})
    assert (whole.locked_until, whole.held) == ("2027-01-01T00:00:00Z", True)


@pytest.mark.parametrize(
    ("by_store", "holds", "told"),
    [
        (False, (), False),
        (False, ("h-1",), True),
        (True, (), True),
        (False, None, None),
        (True, None, True),
        (None, ("h-1",), True),
        (None, (), None),
    ],
)
def test_an_entry_is_held_where_a_store_or_the_archive_holds_it(
    by_store: bool | None, holds: tuple[str, ...] | None, told: bool | None
) -> None:
    assert held_at_all({"held": by_store}, holds) is told


class Keys:
    """Keys of an archive, by id."""

    def __init__(self, active: str) -> None:
        self.newest = active

    def active(self, purpose: str) -> str:
        return self.newest

    def derive(self, key_id: str, info: bytes, length: int = 32) -> bytes:
        return (key_id.encode() + info).ljust(length, b"\0")[:length]


def test_a_sealed_question_opens_after_a_rotation_and_shows_nothing() -> None:
    question = [("employer_code", "TZ1234Z"), ("during", "Quý 1/2026")]
    text = sealed_question(Keys("index-1"), question)  # type: ignore[arg-type]
    assert "TZ1234Z" not in text
    assert opened_question(Keys("index-2"), text) == question  # type: ignore[arg-type]


def test_what_was_disposed_of_is_no_fault_and_is_not_called_unknown() -> None:
    gone = EntryDisposed(
        "x was disposed of on 2037-12-01, under certificate d-1", certificate="d-1", on="2037-12-01"
    )
    view = problem_view(problem_of(gone), PROBLEM)
    assert (view.status, view.title) == (410, "This was here, and was disposed of by the rules")
    assert (view.certificate, view.on) == ("d-1", "2037-12-01")
    other = problem_view(problem_of(Busy("later")), PROBLEM)
    assert (other.certificate, other.on) == ("", "")


@pytest.mark.parametrize(
    ("value", "first", "after"),
    [
        ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-12-31", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_a_bar_is_a_span_of_utc(value: str, first: str, after: str) -> None:
    assert bar_span(value) == (first, after)


def test_of_many_values_the_most_frequent_are_listed_and_the_others_counted() -> None:
    counts = {"procedure": {f"{number}": number for number in range(1, 31)} | {"": 500}}
    found = facets_of(counts, [("state", "x")], lambda asked: repr(asked), whole=True)
    (facet,) = found.fields
    assert [(one.value, one.entries) for one in facet.values[:2]] == [("", 500), ("30", 30)]
    assert len(facet.values) + facet.others == 31
    assert facet.values[0].link == "", "an empty field cannot be searched for"
    assert facet.values[1].link == repr([("state", "x"), ("procedure", "30")])


def test_a_value_that_is_asked_for_can_be_given_up() -> None:
    found = facets_of({"state": {"x": 3}}, [("state", "x")], lambda asked: repr(asked), whole=True)
    assert (found.fields[0].asked, found.fields[0].without) == ("x", repr([("order", "newest")]))


def test_a_field_that_may_not_be_seen_is_not_counted() -> None:
    items = [{"entry": "message", "state": "a"}, {"entry": "event"}]
    assert counts_on_page(items) == {"entry": {"message": 1, "event": 1}}
