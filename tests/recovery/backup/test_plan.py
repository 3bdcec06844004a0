"""What to save and what may be forgotten: properties of the pure plans."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput
from vanvault.archiver.core.names import family_of
from vanvault.recovery.backup.plan import (
    KnownSlice,
    ListedObject,
    check_floor,
    forgettable,
    plan_slices,
    slice_id,
)

WRITER = "1m80tstq8t3ebgh1"


def item(number: int, size: int, family: str = "batch") -> ListedObject:
    return ListedObject(f"{family}/{number:06d}-{hashlib.sha256(bytes([number % 256])).hexdigest()}.x", size)


ITEMS = st.dictionaries(
    st.tuples(st.integers(0, 60), st.sampled_from(["batch", "large", "segment"])),
    st.integers(0, 50),
    max_size=60,
).map(lambda found: [item(number, size, family) for (number, family), size in found.items()])
LIMITS = st.integers(1, 120)


def saved(items: list[ListedObject], limit: int, known: list[KnownSlice]) -> list[KnownSlice]:
    plan = plan_slices(items, known, limit)
    new = [KnownSlice(one.id, tuple(entry.key for entry in one.items)) for one in plan.new]
    return [*plan.kept, *new]


@given(ITEMS, ITEMS, LIMITS)
def test_every_object_is_in_just_one_slice_and_no_slice_is_too_large(
    before: list[ListedObject], after: list[ListedObject], limit: int
) -> None:
    known = saved(before, limit, [])
    plan = plan_slices(after, known, limit)
    keys = [key for one in plan.kept for key in one.keys] + [one.key for new in plan.new for one in new.items]
    assert sorted(keys) == sorted(one.key for one in after)
    for new in plan.new:
        assert new.bytes <= limit or len(new.items) == 1
        assert len({family_of(one.key) for one in new.items}) == 1
    assert all(one.keys for one in plan.kept)


@given(ITEMS, LIMITS)
def test_what_did_not_change_is_not_saved_again(items: list[ListedObject], limit: int) -> None:
    known = saved(items, limit, [])
    plan = plan_slices(items, known, limit)
    assert plan.new == ()
    assert plan.kept == tuple(known)


@given(ITEMS, ITEMS, LIMITS)
def test_a_run_that_was_killed_plans_the_same_slices_again(
    before: list[ListedObject], after: list[ListedObject], limit: int
) -> None:
    known = saved(before, limit, [])
    assert plan_slices(after, known, limit) == plan_slices(list(reversed(after)), known, limit)


@given(ITEMS, LIMITS)
def test_slices_stay_in_proportion_to_the_bytes(items: list[ListedObject], limit: int) -> None:
    known: list[KnownSlice] = []
    for end in range(0, len(items) + 1, 3):
        known = saved(items[:end], limit, known)
    held = {one.key: one.size for one in items}
    for family in ("batch", "large", "segment"):
        sizes = [
            sum(held.get(key, 0) for key in one.keys) for one in known if family_of(one.keys[0]) == family
        ]
        small = [size for size in sizes if 2 * size < limit]
        # Greedy packing leaves one that is less than half full only before one that did not fit beside it.
        assert len(small) <= len(sizes) // 2 + 1


@given(ITEMS, st.integers(0, 60), LIMITS)
def test_what_was_disposed_of_is_in_no_slice(items: list[ListedObject], gone: int, limit: int) -> None:
    known = saved(items, limit, [])
    left = items[gone:]
    plan = plan_slices(left, known, limit)
    assert {key for one in plan.kept for key in one.keys} == {one.key for one in left}
    assert {one.id for one in plan.kept} <= {one.id for one in known}


@given(st.lists(st.text("ab/", min_size=1, max_size=5), unique=True, max_size=6), st.randoms())
def test_a_slice_has_one_id_whatever_the_order(keys: list[str], random: object) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert slice_id(keys) == slice_id(shuffled)
    assert len(slice_id(keys)) == 32


@given(st.integers(-5, 400), st.integers(1, 400))
def test_the_floor_cannot_be_undercut(days: int, floor: int) -> None:
    if days < floor:
        with pytest.raises(InvalidInput):
            check_floor(days, floor)
    else:
        check_floor(days, floor)


NEWEST = datetime(2026, 11, 22, tzinfo=UTC)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(-10, 100), max_size=12),
    st.sets(st.text("abc", min_size=1, max_size=3)),
    st.integers(1, 60),
)
def test_only_old_slices_that_nobody_names_are_forgotten(
    ages: dict[str, int], referenced: set[str], days: int
) -> None:
    made = {one: NEWEST - timedelta(days=age) for one, age in ages.items()}
    gone = set(forgettable(made, referenced, NEWEST, days))
    assert gone == {one for one, age in ages.items() if one not in referenced and age > days}
