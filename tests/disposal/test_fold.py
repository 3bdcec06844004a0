"""How far a disposal is, by events in whatever order they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import NotFound
from vanvault.archiver.core.recorded_event import RecordedEvent
from vanvault.archiver.disposal import (
    COOLING,
    DISPOSAL_EVENTS,
    DISPOSAL_STATES,
    DisposalApproval,
    DisposalRecord,
    fold_disposals,
    state_of,
    why_no_run,
)

NOW = datetime(2037, 3, 1, 2, 0, tzinfo=UTC)
ID, DIGEST, RESIDUE = "d-0000000000000001", "ab" * 32, "segments/residue-1"
PLANNED = {
    "disposal": ID, "digest": DIGEST, "plan": f"disposal-{ID}.plan", "entries": 3, "originals": 1,
    "bytes": 900, "segments": 1, "requester": "a-lan", "who": "lan",
}  # fmt: skip
STEPS: dict[str, dict[str, Any]] = {
    "planned": PLANNED,
    "begun": {"approval": {"request": "q-1"}, "who": "hoa", "runner": "a-hoa"},
    "rechecked": {"segment": "s-1", "entries": 2, "originals": 1, "dropped": {"held": 1}},
    "replaced": {"residue": RESIDUE, "segments": ["s-1"]},
    "removing": {"site": "primary", "residue": RESIDUE, "objects": [["segments/s-1/log", "v1", 700]]},
    "removed": {"site": "primary", "residue": RESIDUE},
    "halted": {"why": ["the site standby is away"]},
    "emptied": {"dropped": {"held": 3}},
    "withdrawn": {"who": "lan", "reason": "a court asks for it"},
    "certified": {
        "number": 1, "certificate": f"disposal-{ID}.certificate", "sha256": "cd" * 32, "remaining": 0,
        "who": "hoa",
    },
    "backups-gone": {"reason": "the tapes are burnt", "repository": "", "snapshots": 0},
}  # fmt: skip
NONE = DisposalApproval("none")
APPROVED = DisposalApproval("approved", "q-1", NOW, ("binh", "hoa"))


def event(step: str, minute: int = 0, **changed: Any) -> RecordedEvent:
    detail = {"disposal": ID, "digest": DIGEST, "who": "hoa", **STEPS[step], **changed}
    return RecordedEvent(f"e-{step}-{minute}", f"disposal.{step}", NOW + timedelta(minutes=minute), detail)


def told(*steps: str) -> DisposalRecord:
    return fold_disposals(event(step, minute) for minute, step in enumerate(("planned", *steps))).get(ID)


def state(*steps: str, approval: DisposalApproval = NONE, days: int = 0) -> str:
    return state_of(told(*steps), approval, NOW + timedelta(days=days))


USED = DisposalApproval("used", "q-1")
STORIES = [
    ((), NONE, 0, "planned"),
    ((), DisposalApproval("open", "q-1"), 3, "planned"),
    ((), APPROVED, 0, "cooling"),
    ((), APPROVED, COOLING.days - 1, "cooling"),
    ((), APPROVED, COOLING.days, "ready"),
    ((), DisposalApproval("refused", "q-1"), 3, "refused"),
    ((), DisposalApproval("over", "q-1"), 50, "expired"),
    (("withdrawn",), APPROVED, COOLING.days, "withdrawn"),
    ((), USED, 15, "running"),  # killed between the use and the record of the begin
    (("begun",), USED, 15, "running"),
    (("begun", "replaced", "removing"), USED, 15, "running"),
    (("begun", "replaced", "halted"), USED, 15, "half-done"),
    (("begun", "halted", "removed"), USED, 15, "running"),
    (("begun", "withdrawn"), USED, 15, "running"),  # too late: something may be gone
    (("begun", "emptied"), USED, 15, "empty"),
    (("begun", "replaced", "removed", "certified"), USED, 15, "certified"),
    (("begun", "replaced", "halted", "removed", "certified"), USED, 15, "certified"),
    (("begun", "replaced", "removed", "certified", "halted"), USED, 15, "half-done"),
]


@pytest.mark.parametrize(("steps", "approval", "days", "expected"), STORIES)
def test_what_was_done_says_how_it_stands(
    steps: tuple[str, ...], approval: DisposalApproval, days: int, expected: str
) -> None:
    assert state(*steps, approval=approval, days=days) == expected
    assert expected in DISPOSAL_STATES


def test_a_certificate_with_copies_left_is_followed_by_another() -> None:
    first = event("certified", 5, remaining=2)
    second = event("certified", 9, number=2, sha256="ef" * 32)
    record = fold_disposals([second, event("planned"), first, event("begun", 1)]).get(ID)
    assert [one.number for one in record.certificates] == [1, 2]
    assert state_of(record, USED, NOW) == "certified"
    part = fold_disposals([event("planned"), first]).get(ID)
    assert state_of(part, USED, NOW) == "certified-in-part"


def test_a_copy_that_is_found_later_refutes_who_said_that_no_backup_is_left() -> None:
    said = told("begun", "removing", "backups-gone").backups_gone
    assert said is not None
    assert (said.who, said.reason) == ("hoa", "the tapes are burnt")
    assert told("begun", "backups-gone", "removing").backups_gone is None
    assert told("begun", "backups-gone", "removing", "backups-gone").backups_gone is not None


REFUSED_RUNS = [
    ((), NONE, 0, "a-hoa", "not approved yet"),
    ((), APPROVED, COOLING.days - 1, "a-hoa", "it cools until 2037-03-15"),
    (("withdrawn",), APPROVED, COOLING.days, "a-hoa", "withdrawn"),
    ((), APPROVED, COOLING.days, "a-lan", "who planned a disposal does not run it"),
    (("begun", "certified"), USED, 20, "a-hoa", "gone already"),
    (("begun", "emptied"), USED, 20, "a-hoa", "nothing of it was due"),
]


@pytest.mark.parametrize(("steps", "approval", "days", "runner", "words"), REFUSED_RUNS)
def test_a_run_is_refused_in_words(
    steps: tuple[str, ...], approval: DisposalApproval, days: int, runner: str, words: str
) -> None:
    assert words in why_no_run(told(*steps), approval, runner, NOW + timedelta(days=days))


def test_another_person_runs_what_has_cooled() -> None:
    assert why_no_run(told(), APPROVED, "a-hoa", NOW + COOLING) == ""
    assert why_no_run(told(), APPROVED, "a-hoa", NOW + COOLING, "hoa") == ""
    assert why_no_run(told("begun", "halted"), USED, "a-binh", NOW + COOLING) == ""


@pytest.mark.parametrize(
    ("planner", "runner", "name", "same"),
    [
        ("a-lan", "a-lan", "lan", True),
        ("a-lan", "os:lan", "lan", True),
        ("a-lan", "os:root", "root", True),
        ("os:lan", "a-lan", "lan", True),
        ("os:root", "os:backup", "backup", True),
        ("a-lan", "a-hoa", "hoa", False),
        ("os:root", "a-hoa", "hoa", False),
    ],
)
def test_who_may_be_the_one_who_planned_it_does_not_run_it(
    planner: str, runner: str, name: str, same: bool
) -> None:
    record = fold_disposals([event("planned", requester=planner)]).get(ID)
    assert bool(why_no_run(record, APPROVED, runner, NOW + COOLING, name)) == same


def test_the_holds_by_which_a_segment_was_judged_are_known_where_they_are_on_record() -> None:
    looked = [event("rechecked", 1, segment="s-1"), event("rechecked", 2, segment="s-2", holds=["h-1"])]
    record = fold_disposals([event("planned"), *looked]).get(ID)
    assert {name: one.holds for name, one in record.rechecked.items()} == {
        "s-1": None,
        "s-2": frozenset({"h-1"}),
    }


@given(st.permutations(list(STEPS)), st.lists(st.sampled_from(sorted(STEPS))))
def test_events_in_any_order_and_twice_tell_the_same(order: list[str], again: list[str]) -> None:
    minutes = {step: minute for minute, step in enumerate(STEPS)}
    in_order = fold_disposals(event(step, minutes[step]) for step in STEPS)
    assert fold_disposals(event(step, minutes[step]) for step in (*order, *again)) == in_order


@given(st.sampled_from(sorted(set(STEPS) - {"planned"})), st.data())
def test_a_step_that_lacks_something_makes_it_unclear(step: str, data: st.DataObject) -> None:
    whole = event(step, 5)
    needed = sorted(
        {*STEPS[step], *({"who"} if step in ("begun", "certified") else set())} - {"disposal", "digest"}
    )
    lost = data.draw(st.sampled_from(needed))
    detail = {name: value for name, value in whole.detail.items() if name != lost}
    record = fold_disposals([event("planned"), RecordedEvent(whole.id, whole.type, whole.at, detail)]).get(ID)
    assert state_of(record, APPROVED, NOW + COOLING) == "unclear"
    assert "cannot be read" in why_no_run(record, APPROVED, "a-hoa", NOW + COOLING)


def test_a_step_of_another_plan_is_none_of_this_one() -> None:
    book = fold_disposals([event("planned"), event("begun", 1, digest="00" * 32)])
    assert book.get(ID).begin is None
    assert book.strange == ("e-begun-1",)


def test_an_id_is_one_plans_for_ever() -> None:
    book = fold_disposals([event("planned"), event("planned", 3, digest="00" * 32)])
    assert book.get(ID).digest == DIGEST
    assert book.strange == ("e-planned-3",)


def test_of_a_segment_that_was_looked_at_twice_the_last_look_stands() -> None:
    again = event("rechecked", 9, entries=0, originals=0, dropped={"held": 3})
    record = fold_disposals([again, event("planned"), event("rechecked", 5)]).get(ID)
    assert record.rechecked["s-1"].is_spared
    assert record.rechecked["s-1"].dropped == {"held": 3}


def test_it_cannot_begin_by_two_approvals() -> None:
    record = fold_disposals(
        [event("planned"), event("begun", 1), event("begun", 2, approval={"request": "q-2"})]
    )
    assert record.get(ID).unclear


def test_every_event_is_one_of_these() -> None:
    assert {f"disposal.{step}" for step in STEPS} == set(DISPOSAL_EVENTS)
    with pytest.raises(NotFound):
        fold_disposals([]).get(ID)
