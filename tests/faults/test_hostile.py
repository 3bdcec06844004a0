"""Each act of the table at a site in hostile hands, and what came of it. Long runs: ``make hostile``."""

from __future__ import annotations

from tests.faults.hostile.acts import ACTS
from tests.faults.hostile.run import Plans


def test_the_table_has_what_can_be_done_at_a_site() -> None:
    assert len([act for act in ACTS.values() if "file" in act.stores]) >= 40
    assert len([act for act in ACTS.values() if "s3" in act.stores]) >= 40


def test_plans_follow_from_the_seed_alone() -> None:
    one, other, third = Plans(3), Plans(3), Plans(4)
    chosen = [one.next() for _ in range(20)]
    assert chosen == [other.next() for _ in range(20)]
    assert chosen != [third.next() for _ in range(20)]
    assert {name for plan in chosen for name in plan.acts} == {
        act.name for act in ACTS.values() if "file" in act.stores
    }
