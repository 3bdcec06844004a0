"""Holds: in force at once, ended by two others, the same in whatever order their events come."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import Conflict, InvalidInput, NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.retention import (
    Hold,
    HoldReason,
    HoldSay,
    HoldScope,
    confirming,
    fold_holds,
    placing,
    releasing,
)

BEGIN = datetime(2026, 11, 30, tzinfo=UTC)
WHY = HoldReason("case 12/2026", "a court asks for it")
SCOPE = HoldScope(filters={"employer_code": "TZ1"})
ID = "h-0123456789abcdef"


def key_of(who: str) -> str:
    """Whoever is called ``os:`` something has no account."""
    return who if who.startswith("os:") else f"a-{who}"


class Record:
    """Events as they come, one an hour."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []

    def say(self, who: str, reason: str = "") -> HoldSay:
        return HoldSay(BEGIN + timedelta(hours=len(self.events)), who, key_of(who), reason)

    def add(self, type: str, detail: dict[str, Any]) -> Hold:
        at = BEGIN + timedelta(hours=len(self.events))
        self.events.append(RecordedEvent(f"e-{len(self.events)}", f"hold.{type}", at, detail))
        return self.hold

    @property
    def hold(self) -> Hold:
        return fold_holds(self.events).get(ID)

    def place(self, who: str = "lan", scope: HoldScope = SCOPE) -> Hold:
        return self.add("placed", placing(ID, WHY, scope, self.say(who)))

    def confirm(self, who: str) -> Hold:
        return self.add("confirmed", confirming(self.hold, self.say(who)))

    def release(self, who: str) -> Hold:
        return self.add("released", releasing(self.hold, self.say(who, "the case is closed")))


@pytest.fixture
def record() -> Record:
    return Record()


def test_a_hold_is_in_force_at_once_and_confirmed_by_another(record: Record) -> None:
    hold = record.place("lan")
    assert (hold.holds, hold.state) == (True, "placed")
    with pytest.raises(Conflict, match="does not confirm"):
        record.confirm("lan")
    hold = record.confirm("minh")
    assert (hold.holds, hold.state) == (True, "confirmed")
    with pytest.raises(Conflict, match="confirmed already"):
        record.confirm("hoa")


def test_it_ends_when_two_others_have_released_it(record: Record) -> None:
    record.place("lan")
    with pytest.raises(Conflict, match="does not release"):
        record.release("lan")
    hold = record.release("minh")
    assert (hold.holds, hold.state) == (True, "release-asked")
    with pytest.raises(Conflict, match="another person must"):
        record.release("minh")
    hold = record.release("hoa")
    assert (hold.holds, hold.state) == (False, "released")
    with pytest.raises(Conflict, match="released already"):
        record.release("tú")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("lan", "a-1"), ("lan", "a-1"), True),
        (("lan", "a-1"), ("lan", "a-2"), False),
        (("root", "os:root"), ("backup", "os:backup"), True),
        (("lan", "os:lan"), ("lan", "a-1"), True),
        (("root", "os:root"), ("lan", "a-1"), False),
    ],
)
def test_who_may_be_the_same_human_counts_once(
    first: tuple[str, str], second: tuple[str, str], same: bool
) -> None:
    one, other = (HoldSay(BEGIN, who, key) for who, key in (first, second))
    assert one.may_be(other) == other.may_be(one) == same


def test_a_hold_that_nobody_confirms_is_late_and_stays(record: Record) -> None:
    hold = record.place()
    assert not hold.is_late(BEGIN + timedelta(hours=72))
    late = BEGIN + timedelta(hours=73)
    assert hold.is_late(late)
    assert hold.holds
    assert not record.confirm("minh").is_late(late)


@pytest.mark.parametrize(
    ("why", "scope", "field"),
    [
        (replace(WHY, case=" "), SCOPE, "case"),
        (replace(WHY, reason="a\nb"), SCOPE, "reason"),
        (replace(WHY, reason="x" * 501), SCOPE, "reason"),
        (replace(WHY, authority="abc"), SCOPE, "authority"),
        (WHY, HoldScope(), "scope"),
        (WHY, HoldScope(entries=("1",), filters={"employer_code": "TZ1"}), "entries"),
        (WHY, HoldScope(entries=tuple(map(str, range(1001)))), "entries"),
    ],
)
def test_a_hold_that_says_too_little_is_refused(why: HoldReason, scope: HoldScope, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        placing(ID, why, scope, HoldSay(BEGIN, "lan", "a-lan"))
    assert refused.value.field == field


def test_what_it_is_over_may_end_with_its_placing(record: Record) -> None:
    placed_us = int(BEGIN.timestamp() * 1_000_000)
    assert record.place(scope=replace(SCOPE, future=False)).ends_us == placed_us
    assert Hold(ID, WHY, replace(SCOPE, to_us=5), HoldSay(BEGIN, "lan", "a-lan")).ends_us == 5
    assert Hold(ID, WHY, SCOPE, HoldSay(BEGIN, "lan", "a-lan")).ends_us is None


@pytest.mark.parametrize(
    "harm",
    [
        {"filters": ["employer_code"]},
        {"filters": {"employer_code": 1}},
        {"from": "2026"},
        {"from": True},
        {"future": 1},
        {"case": None},
        {"who_key": 7},
    ],
)
def test_what_this_version_cannot_read_is_named_and_ends_nothing(
    record: Record, harm: dict[str, Any]
) -> None:
    record.place()
    record.events.append(replace(record.events[0], id="e-9", detail={**record.events[0].detail, **harm}))
    record.events.append(RecordedEvent("e-10", "hold.released", BEGIN, {"hold": ID, "who": 3}))
    book = fold_holds(record.events)
    assert set(book.unclear) == {"e-9", "e-10"}
    assert book.get(ID).holds
    with pytest.raises(NotFound):
        book.get("h-none")


# Any people, any order.

_PEOPLE = st.sampled_from(["lan", "minh", "hoa", "os:root", "os:backup"])


def human(who: str) -> str:
    return "without an account" if who.startswith("os:") else who


@given(
    placer=_PEOPLE,
    says=st.lists(st.tuples(st.sampled_from(["confirmed", "released"]), _PEOPLE), max_size=8),
    chance=st.randoms(use_true_random=False),
)
def test_only_two_people_who_did_not_place_it_end_a_hold(
    placer: str, says: list[tuple[str, str]], chance: random.Random
) -> None:
    record = Record()
    record.place(placer)
    for type, who in says:  # also what the verbs would refuse: another node may not have known
        record.add(type, {"hold": ID, "reason": "r", "who": who, "who_key": key_of(who)})
    releasers = {human(who) for type, who in says if type == "released"} - {human(placer)}
    assert record.hold.holds == (len(releasers) < 2)
    mixed = [*record.events, *record.events[:3]]
    chance.shuffle(mixed)
    assert fold_holds(mixed) == fold_holds(record.events)
