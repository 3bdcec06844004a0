"""What a plan takes, what it leaves, and that its digest is of exactly what goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.disposal.test_reasons import CLOSED, FIRST, due, entry
from vanvault.archiver.core.errors import Damaged
from vanvault.archiver.disposal import (
    DisposalPlan,
    EntryStanding,
    PlanMaking,
    SegmentStanding,
    ids_digest,
    planned_entries,
)

UNLOCKED = SegmentStanding("s-1", CLOSED)
HELD = entry(id="m-held", holds=("h-1",))
OPEN = entry(id="m-open", state="open", log=None, originals=None)
OTHERS = entry(id="m-others", gateway="gateway-2")


def plan(*entries: EntryStanding, most: int = 100, **wish: object) -> DisposalPlan:
    making = PlanMaking(FIRST, most, **wish)  # type: ignore[arg-type]
    making.take(UNLOCKED, entries)
    return making.done()


def test_it_says_what_goes_and_counts_what_stays_by_reason() -> None:
    long_log = entry(id="m-2", bytes=40, log=due(12), originals=due(2))
    made = plan(entry(), long_log, entry(id="e-1", entry="event", bytes=7), HELD, OPEN)
    assert made.counts == {"segments": 1, "entries": 2, "originals": 1, "bytes": 147}
    assert made.kept == {"held": 1, "open": 1}
    told = made.as_json()["segments"][0]
    assert (told["rows"], told["first_due"], told["last_due"]) == (5, "2028-11-30", "2036-11-30")
    assert {rule["rule"]: rule["entries"] for rule in told["rules"]} == {
        "QD08-2015 log": 2,
        "QD08-2015 originals": 1,
    }
    assert all(rule["clause"] for rule in told["rules"])


def test_a_segment_that_is_locked_is_counted_and_one_that_overlaps_is_named() -> None:
    making = PlanMaking(FIRST, 100)
    assert not making.look(replace(UNLOCKED, locked=FIRST + timedelta(days=1)))
    assert not making.look(replace(UNLOCKED, segment="s-2", overlaps=("s-3",)))
    assert making.look(UNLOCKED)
    made = making.done()
    assert made.locked == 1
    assert [(segment, reason) for segment, reason, _ in made.left_out] == [("s-2", "overlap")]


def test_the_line_that_closed_a_transaction_goes_with_the_last_of_its_other_entries() -> None:
    closing = entry(id="e-1", entry="event", transaction="t-1", closes=("m-1", "m-2"))
    first, second = entry(transaction="t-1"), entry(id="m-2", transaction="t-1")
    assert plan(closing, first, second).counts["entries"] == 3
    alone = plan(closing, first, replace(second, unread=("segments/s-9",)))
    assert [one.id for one in alone.entries] == ["m-1"]
    assert alone.kept == {"unread": 1, "closes-others": 1}


def test_a_transaction_is_not_divided_where_a_plan_ends() -> None:
    entries = [entry(id=f"m-{n}", transaction=f"t-{n // 2}") for n in range(6)]
    made = plan(*entries, most=3)
    assert [one.id for one in made.entries] == ["m-0", "m-1"]
    assert (made.more, made.kept) == (True, {"next-plan": 4})
    assert len(plan(*(entry(id=f"m-{n}", transaction="t") for n in range(6)), most=3).entries) == 3


def test_what_nobody_asked_for_stays() -> None:
    assert plan(entry(), OTHERS, gateways=frozenset({"gateway-1"})).kept == {"not-asked": 1}
    assert plan(entry(), last_day=date(2036, 11, 29)).kept == {"not-asked": 1}
    assert plan(entry(), last_day=date(2036, 11, 30)).counts["entries"] == 1


@given(st.integers(1, 12), st.integers(0, 20))
def test_it_is_bounded_and_the_rest_is_for_the_next_one(most: int, due_now: int) -> None:
    made = plan(*(entry(id=f"m-{n:02}", transaction=f"t-{n}") for n in range(due_now)), most=most)
    assert len(made.entries) == min(most, due_now)
    assert made.more == (due_now > most)
    assert sum(made.kept.values()) == due_now - len(made.entries)


@given(st.sets(st.integers(0, 99)), st.randoms(use_true_random=False))
def test_the_digest_is_of_the_list_whatever_its_order(numbers: set[int], order: object) -> None:
    made = plan(*(entry(id=f"m-{n:02}") for n in numbers))
    ids = [(one.id, one.what) for one in made.entries]
    assert ids == sorted(ids)
    order.shuffle(ids)  # type: ignore[attr-defined]
    assert ids_digest(ids) == made.ids_sha256
    if ids:
        assert ids_digest(ids[1:]) != made.ids_sha256


def test_a_plan_that_was_changed_does_not_agree_with_itself() -> None:
    told = plan(entry(), entry(id="m-2")).as_json()
    assert [one.id for one in planned_entries(told)] == ["m-1", "m-2"]
    for changed in (
        {"entries": told["entries"][:1]},
        {"entries": [[*one[:1], "all", *one[2:]] for one in told["entries"]]},
        {"entries": [["m-1"]]},
        {"ids_sha256": ""},
    ):
        with pytest.raises(Damaged):
            planned_entries({**told, **changed})
