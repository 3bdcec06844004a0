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


def test_after_ten_years_a_disposal_at_folders_takes_what_may_go_and_nothing_brings_it_back(
    tmp_path: Path,
) -> None:
    """Few months are looked at, and years between them pass at once."""
    with PLACES["folders"](tmp_path / "home") as place:
        office = Office.at(place)
        story = Story.at(office, {1: lambda story: story.hold("held")}, ("prompt", "held", "never"))
        story.months(3)
        for years in (4, 4, 3):
            office.pass_time(365 * years)
            office.upkeep()
        office.keep_copy("standby")
        story.clear()
        story.dispose()
        assert {paper.case.id.partition(" ")[2] for paper in office.ledger.all_gone()} == {"prompt"}
        office.drawer_comes_back("standby")
        office.rebuild_index()
        story.checker.whole()
        story.lose("primary")
        story.checker.whole()
        office.new_node()
        story.checker.whole()
