"""Years of an office: what must be true is looked at after each month of thirty days."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recovery.retention_years.office import Office
from tests.recovery.retention_years.places import PLACES
from tests.recovery.retention_years.story import ACTS, FATES, FEW, Story


@pytest.mark.parametrize(
    ("kind", "fates", "months"),
    [("memory", tuple(FATES), 150), ("folders", FEW, 30)],
    ids=["twelve-years-in-memory", "thirty-months-in-folders"],
)
def test_what_must_be_true_after_each_month(
    kind: str, fates: tuple[str, ...], months: int, tmp_path: Path
) -> None:
    with PLACES[kind](tmp_path / "home") as place:
        story = Story.at(Office.at(place), ACTS, fates)
        story.months(months)
        assert story.cleared > 0
        gone = {paper.case.id.partition(" ")[2] for paper in story.office.ledger.all_gone()}
        assert ("prompt" in gone) == (kind == "memory")
        assert "held" not in gone
