"""Plans of merges: which files, when, and that carrying them out comes to an end with few files."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.catalogue.index.fields import TIERS
from vanvault.archiver.catalogue.index.plan import IndexFacts, Merge, plan_merges

TODAY = date(2026, 11, 22)


def days(
    first: date, count: int, tier: str = "day", length: int = 1, key: str = "index/1"
) -> list[IndexFacts]:
    found = []
    for number in range(count):
        start = first + timedelta(days=number * length)
        end = start + timedelta(days=length - 1)
        found.append(IndexFacts(f"{tier}/{start}", tier, key, str(start), str(end)))  # type: ignore[arg-type]
    return found


def names(merges: list[Merge]) -> list[tuple[str, str, str, int]]:
    return [(one.tier, one.inputs[0].first_day, one.inputs[-1].last_day, len(one.inputs)) for one in merges]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], []),
        (days(date(2026, 11, 1), 21), []),  # the month is not over
        (days(date(2026, 10, 1), 45), [("month", "2026-10-01", "2026-10-31", 31)]),
        (days(date(2026, 10, 5), 1), []),  # one file is not merged with itself
        (days(date(2026, 1, 1), 10, "month", 31), []),  # the year is not over
        (days(date(2025, 1, 1), 11, "month", 31), [("year", "2025-01-01", "2025-12-07", 11)]),
        (days(date(2010, 1, 1), 16, "year", 365), []),
        (  # a lone day file of a year that is over goes with its months
            days(date(2025, 1, 1), 3, "month", 31) + days(date(2025, 5, 5), 1),
            [("year", "2025-01-01", "2025-05-05", 4)],
        ),
        (
            days(date(2026, 9, 30), 3, key="index/1") + days(date(2026, 9, 29), 2, key="index/2"),
            [("month", "2026-09-29", "2026-09-30", 2), ("month", "2026-10-01", "2026-10-02", 2)],
        ),
    ],
)
def test_files_are_merged_when_their_period_is_over(
    files: list[IndexFacts], expected: list[tuple[str, str, str, int]]
) -> None:
    assert names(plan_merges(files, TODAY)) == expected


def test_too_many_files_of_a_tier_are_merged_before_their_period_is_over() -> None:
    first = date(2026, 11, 1)
    files = [IndexFacts(f"n{n:02d}", "day", "index/1", str(first), str(first)) for n in range(41)]
    assert plan_merges(files[:40], TODAY) == []
    (merge,) = plan_merges(files, TODAY)
    assert merge == Merge("month", tuple(files[:21]))


FACTS = st.builds(
    lambda number, tier, key, start, length: IndexFacts(
        f"f{number}", tier, key, str(start), str(start + timedelta(days=length))
    ),
    st.integers(0, 10**9),
    st.sampled_from(TIERS),
    st.sampled_from(["index/1", "index/2"]),
    st.dates(date(2015, 1, 1), TODAY),
    st.integers(0, 40),
)


@given(st.lists(FACTS, max_size=80, unique_by=lambda one: one.name), st.integers(2, 10))
def test_carrying_out_plans_ends_with_few_files_and_loses_none(files: list[IndexFacts], limit: int) -> None:
    content = {one.name: {one.name} for one in files}
    left = list(files)
    for step in range(len(files) + 1):
        merges = plan_merges(left, TODAY, limit=limit)
        taken = [one.name for merge in merges for one in merge.inputs]
        assert len(taken) == len({*taken})
        if not merges:
            break
        for place, merge in enumerate(merges):
            assert len(merge.inputs) > 1
            assert len({one.key_id for one in merge.inputs}) == 1
            tiers = {TIERS.index(one.tier) for one in merge.inputs}
            assert TIERS.index(merge.tier) >= min(2, max(tiers) + 1)
            made = IndexFacts(
                f"m{step}-{place}",
                merge.tier,
                merge.inputs[0].key_id,
                min(one.first_day for one in merge.inputs),
                max(one.last_day for one in merge.inputs),
            )
            content[made.name] = set().union(*(content[one.name] for one in merge.inputs))
            left = [one for one in left if one not in merge.inputs] + [made]
    assert not plan_merges(left, TODAY, limit=limit)
    for tier in TIERS:
        for key in ("index/1", "index/2"):
            assert sum((one.tier, one.key_id) == (tier, key) for one in left) <= limit
    assert sorted(name for one in left for name in content[one.name]) == sorted(one.name for one in files)
