"""Each act of the table at a site in hostile hands, and what came of it. Long runs: ``make hostile``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog

from tests.faults.hostile.acts import ACTS
from tests.faults.hostile.run import Plans, Templates, every_act_once

SEED = int(os.environ.get("VANVAULT_TEST_SEED") or 7)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return Templates.built(tmp_path_factory.mktemp("hostile"))


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


def test_nothing_is_believed_copied_stopped_lost_or_left_unnamed(
    templates: Templates, tmp_path: Path
) -> None:
    assert every_act_once(templates, tmp_path, SEED, "mixed") == []


def test_rows_that_are_forged_under_a_signed_name_are_not_believed(
    templates: Templates, tmp_path: Path
) -> None:
    assert every_act_once(templates, tmp_path, SEED, "named") == []
