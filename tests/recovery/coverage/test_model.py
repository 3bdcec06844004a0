"""Which object was last verified when: the fast ways against the plain one, and ten years of rotation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.archives import SITES
from vanvault.recovery.coverage.model import SiteCoverage, verified_since
from vanvault.recovery.verified import SiteRun, Subset, VerifiedAt, VerifyRun, next_subset

START = datetime(2026, 11, 22, tzinfo=UTC)
DIGESTS = [hashlib.sha256(bytes([n])).digest() for n in range(40)]


def moment(days: float) -> datetime:
    return START + timedelta(days=days)


def run(
    days: float,
    subset: str = "1/1",
    *,
    sites: tuple[str, ...] = SITES,
    asked: tuple[str, ...] = SITES,
    damaged: frozenset[bytes] = frozenset(),
    named: bool = True,
) -> VerifyRun:
    at = SiteRun(began=moment(days), objects=1, size=1, damaged=damaged)
    return VerifyRun(
        finished=moment(days) + timedelta(hours=1),
        subset=Subset.parse(subset),
        whole=not damaged,
        findings={},
        named=named,
        asked=frozenset(asked),
        sites=dict.fromkeys(sites, at),
        seconds=3600,
    )


def last_verified(
    digest: bytes, stored_at: datetime, runs: Iterable[VerifyRun], *, site: str, by: bytes | None = None
) -> datetime | None:
    """The definition, run by run: when the object was last found whole at the site; None: never."""
    return max(
        (
            run.sites[site].began
            for run in runs
            if run.named
            and site in run.sites
            and run.subset.holds(digest if by is None else by)
            and stored_at < run.sites[site].began
            and digest not in run.sites[site].damaged
        ),
        default=None,
    )


@st.composite
def runs(draw: st.DrawFn) -> list[VerifyRun]:
    found = []
    for _ in range(draw(st.integers(0, 12))):
        of = draw(st.sampled_from((1, 2, 3, 4, 6, 7)))
        found.append(
            run(
                draw(st.integers(0, 50)),
                f"{draw(st.integers(1, of))}/{of}",
                sites=tuple(draw(st.sets(st.sampled_from(SITES)))),
                damaged=frozenset(draw(st.sets(st.sampled_from(DIGESTS[:5]), max_size=3))),
                named=draw(st.integers(0, 9)) > 0,
            )
        )
    return found


@given(runs(), st.sampled_from(DIGESTS), st.integers(-1, 50), st.sampled_from(SITES))
def test_the_fast_look_gives_what_the_definition_gives(
    found: list[VerifyRun], digest: bytes, stored: int, site: str
) -> None:
    plain = last_verified(digest, moment(stored), found, site=site)
    assert VerifiedAt(found, site)(digest, moment(stored)) == plain
    by = DIGESTS[0]
    plain = last_verified(digest, moment(stored), found, site=site, by=by)
    assert VerifiedAt(found, site)(digest, moment(stored), by=by) == plain


@given(runs(), st.sampled_from(SITES))
def test_what_needs_no_listing_says_what_a_listing_of_all_digests_says(
    found: list[VerifyRun], site: str
) -> None:
    found = [one for one in found if one.whole]
    every = [n.to_bytes(8) + bytes(24) for n in range(84)]  # one for each part: no subset is finer
    times = [last_verified(digest, moment(-1), found, site=site) for digest in every]
    known = [time for time in times if time is not None]
    assert verified_since(found, site) == (min(known) if len(known) == len(times) else None)


def test_an_object_that_came_later_or_was_damaged_does_not_count() -> None:
    digest = DIGESTS[0]
    assert last_verified(digest, moment(0), [run(1)], site="primary") == moment(1)
    assert last_verified(digest, moment(1), [run(1)], site="primary") is None
    harmed = run(2, damaged=frozenset({digest}))
    assert last_verified(digest, moment(0), [run(1), harmed], site="primary") == moment(1)
    assert last_verified(DIGESTS[1], moment(0), [run(1), harmed], site="primary") == moment(2)
    assert last_verified(digest, moment(0), [run(3, named=False)], site="primary") is None
    assert last_verified(digest, moment(0), [run(3, sites=("standby",))], site="primary") is None


@settings(max_examples=12)
@given(st.integers(1, 40), st.integers(0, 5), st.data())
def test_ten_years_of_rotation_leave_nothing_unverified(
    shares: int, outages: int, data: st.DataObject
) -> None:
    """A run a day: but for outages, every object is read again within as many days as there are subsets."""
    days = 3653
    down = set()
    longest = 0
    for _ in range(outages):
        first, length = data.draw(st.integers(0, days)), data.draw(st.integers(1, 60))
        down.update(range(first, first + length))
        longest += length
    on_record: list[VerifyRun] = []
    tried = [-1] * shares
    for day in range(days):
        if day in down:
            continue
        turn = next_subset(on_record[-shares:], shares, SITES)
        assert tried[turn.number - 1] == min(tried), "the share that was read longest ago"
        waited = day - max(0, tried[turn.number - 1])
        assert waited <= shares + longest
        tried[turn.number - 1] = day
        on_record.append(run(day, f"{turn.number}/{shares}"))
    since = verified_since(on_record[-2 * shares :], "standby")
    assert since is not None
    assert since >= moment(days - shares - longest)


def test_the_turn_of_shares() -> None:
    assert next_subset([], 3, SITES) == Subset(1, 3)
    assert next_subset([run(1, "1/3")], 3, SITES) == Subset(2, 3)
    assert next_subset([run(1, "1/3"), run(2, "3/3")], 3, SITES) == Subset(2, 3)
    whole = run(5)
    assert next_subset([run(4, "2/3"), whole], 3, SITES) == Subset(1, 3), "a whole run reads every share"
    assert next_subset([whole, run(6, "1/3")], 3, SITES) == Subset(2, 3)
    one_site = run(7, "1/3", asked=("primary",), sites=("primary",))
    assert next_subset([one_site], 3, SITES) == Subset(1, 3), "it left the other site out"
    away = run(7, "1/3", sites=("primary",))
    assert next_subset([away], 3, SITES) == Subset(2, 3), "a site that is away keeps no share waiting"


def test_shares_of_other_sizes_add_up() -> None:
    halves = [run(1, "1/2"), run(3, "2/2")]
    assert verified_since(halves, "primary") == moment(1)
    thirds = [run(5, "1/3"), run(6, "2/3"), run(7, "3/3")]
    assert verified_since([*halves, *thirds], "primary") == moment(5)
    assert verified_since([*halves[:1], *thirds[:2]], "primary") is None
    assert verified_since([run(1, "1/99991"), run(2, "1/99989")], "primary") is None


def test_what_is_new_is_not_overdue() -> None:
    found, limit = SiteCoverage("primary"), moment(100)
    found.take("old", 10, moment(0), None, limit)
    found.take("stale", 20, moment(0), moment(99), limit)
    found.take("good", 40, moment(0), moment(100), limit)
    found.take("new", 80, moment(101), None, limit)
    assert (found.overdue.objects, found.overdue.bytes) == (2, 30)
    assert (found.verified.bytes, found.young.bytes, found.total.bytes) == (40, 80, 150)
    assert found.oldest == (moment(0), "old")
    assert round(found.verified.fraction_of(found.total), 3) == 0.267
