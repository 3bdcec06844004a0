"""Which acts ask for approval, and what makes a table weaker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanvault.archiver.core.errors import InvalidInput, SettingsError
from vanvault.archiver.core.settings import ApprovalSettings
from vanvault.archiver.people.approvals import ACTS, ActRule, ApprovalTable, table_of_settings

RULES = st.builds(
    ActRule,
    on=st.booleans(),
    approvals=st.integers(1, 5),
    request=st.integers(1, 720).map(lambda hours: timedelta(hours=hours)),
    approval=st.integers(1, 168).map(lambda hours: timedelta(hours=hours)),
)
TABLES = st.builds(ApprovalTable, st.booleans(), st.dictionaries(st.sampled_from(sorted(ACTS)), RULES))


def lets_through(table: ApprovalTable, act: str, approvals: int, age: timedelta, used: timedelta) -> bool:
    """May an act begin with so many approvals, that came so late and are used so late?"""
    rule = table.rule(act)
    return not rule.on or (approvals >= rule.approvals and age <= rule.request and used <= rule.approval)


def test_off_asks_for_nothing_but_shorter_periods_disposals_and_extractions() -> None:
    table = ApprovalTable()
    assert [act for act in ACTS if table.rule(act).on] == ["disposal", "retention-profile", "extraction"]
    assert all(ApprovalTable(on=True).rule(act).on for act in ACTS)


def test_a_table_that_is_on_always_guards_itself() -> None:
    open_door = ApprovalTable(True, {"approval-table": ActRule(on=False), "extraction": ActRule(on=False)})
    assert open_door.rule("approval-table").on
    assert open_door.rule("extraction").on


def test_a_disposal_takes_two_and_time_to_cool_whatever_a_table_says() -> None:
    told = ActRule(on=False, approvals=1, approval=timedelta(hours=1))
    rule = ApprovalTable(True, {"disposal": told}).rule("disposal")
    assert (rule.on, rule.approvals) == (True, 2)
    assert rule.approval > timedelta(days=14)
    assert ApprovalTable(True, {"disposal": ActRule(approvals=3)}).rule("disposal").approvals == 3
    with pytest.raises(ValueError):  # of no other act it is good for so long
        ActRule.of_json(rule.as_json())


def test_an_unknown_act_is_refused() -> None:
    with pytest.raises(InvalidInput):
        ApprovalTable().rule("everything")
    with pytest.raises(SettingsError):
        table_of_settings(ApprovalSettings.model_validate({"acts": {"everything": {"on": True}}}))


def test_the_settings_say_what_differs() -> None:
    told = {"on": True, "approvals": 2, "acts": {"promote": {"on": False}, "escrow": {"approvals": 3}}}
    table = table_of_settings(ApprovalSettings.model_validate(told))
    assert not table.rule("promote").on
    assert [table.rule(act).approvals for act in ("escrow", "roles", "disposal")] == [3, 2, 2]
    assert table.most_approvals == 3


@pytest.mark.parametrize(
    "weaker",
    [
        ActRule(on=False, approvals=2),
        ActRule(approvals=1),
        ActRule(approvals=2, request=timedelta(hours=73)),
        ActRule(approvals=2, approval=timedelta(hours=25)),
    ],
)
def test_off_fewer_and_longer_are_weaker(weaker: ActRule) -> None:
    now = ApprovalTable(True, {"escrow": ActRule(approvals=2)})
    then = ApprovalTable(True, {"escrow": weaker})
    assert then.is_weaker(now)
    assert not now.is_weaker(then)
    assert ApprovalTable(False, now.rules).is_weaker(now)


@given(TABLES)
def test_a_table_on_record_is_read_back_as_it_was(table: ApprovalTable) -> None:
    again = ApprovalTable.of_json(table.as_json())
    assert again.as_json() == table.as_json()
    assert all(again.rule(act) == table.rule(act) for act in ACTS)


@pytest.mark.parametrize(
    "rule",
    [
        {"on": 1, "approvals": 1, "request_s": 60, "approval_s": 60},
        {"on": True, "approvals": 0, "request_s": 60, "approval_s": 60},
        {"on": True, "approvals": 1, "request_s": 60, "approval_s": 0},
        {"on": True, "approvals": 1, "request_s": 10**9, "approval_s": 60},
        {"on": True, "approvals": 1, "request_s": 60.5, "approval_s": 60},
    ],
)
def test_a_rule_that_is_none_is_not_read(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ApprovalTable.of_json({"on": True, "acts": {"escrow": rule}})


@given(
    TABLES,
    TABLES,
    st.sampled_from(sorted(ACTS)),
    st.integers(0, 6),
    st.integers(0, 800).map(lambda hours: timedelta(hours=hours)),
    st.integers(0, 1100).map(lambda hours: timedelta(hours=hours)),
)
def test_a_table_that_is_not_weaker_lets_nothing_more_through(
    new: ApprovalTable, old: ApprovalTable, act: str, approvals: int, age: timedelta, used: timedelta
) -> None:
    if not new.is_weaker(old):
        assert lets_through(old, act, approvals, age, used) or not lets_through(
            new, act, approvals, age, used
        )
    assert not old.is_weaker(old)
