"""With each defence switched off in turn, the checker of the hostile site finds what comes in."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from tests.faults.hostile.mutations import MUTATIONS
from tests.faults.hostile.run import Plan, Templates, run


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    return Templates.built(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("defence", MUTATIONS)
def test_without_a_defence_the_checker_fails(templates: Templates, tmp_path: Path, defence: str) -> None:
    mutation = MUTATIONS[defence]
    plan = Plan(1, "standby", mutation.policy, mutation.acts)
    with mutation.off():
        verdict, done, _ = run(plan, templates, tmp_path, 1, brief=True)
    assert [one.act for one in done] == list(mutation.acts)
    assert getattr(verdict, mutation.finds), verdict.lines()
